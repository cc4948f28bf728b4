"""Files of tensors beside the traces: read as the safetensors library reads them, and never stumbled over."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import TEXTS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save, save_file

from bert_inspect import BertInspectError
from bert_inspect.diff.tensors import TensorFile

SAMPLE = {
    "float": torch.randn(3, 4, generator=torch.Generator().manual_seed(0)),
    "half": torch.randn(5, generator=torch.Generator().manual_seed(1)).half(),
    "brain": torch.randn(2, 3, generator=torch.Generator().manual_seed(2)).bfloat16(),
    "double": torch.randn(2, generator=torch.Generator().manual_seed(3)).double(),
    "ids": torch.arange(6).reshape(2, 3),
    "truth": torch.tensor([True, False]),
    "scalar": torch.tensor(1.5),
    "empty": torch.zeros(2, 0),
}


def test_every_type_is_read_exactly(tmp_path: Path) -> None:
    save_file(SAMPLE, tmp_path / "t.safetensors", {"format": "pt"})
    opened = TensorFile(tmp_path / "t.safetensors")
    for key, tensor in SAMPLE.items():
        assert key in opened
        array = opened[key]
        assert array.shape == tuple(tensor.shape)
        assert np.array_equal(array, tensor.float().numpy() if tensor.dtype == torch.bfloat16 else tensor.numpy())
    assert "nothing" not in opened and "__metadata__" not in opened


def refused(path: Path) -> str:
    with pytest.raises(BertInspectError) as caught:
        opened = TensorFile(path)
        for key in [key for key in SAMPLE if key in opened]:
            _ = opened[key]
    assert caught.value.exit_code == 4
    return caught.value.message


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "t.safetensors"
    assert "there is no file" in refused(file)
    assert "not a plain file" in refused(tmp_path)
    file.write_bytes(b"")
    assert "cannot read" in refused(file)
    file.write_bytes(b"PK\x03\x04 something else altogether")
    assert "header is longer than the file" in refused(file)
    file.write_bytes((2**63).to_bytes(8, "little") + b"{}")
    assert "header is longer than the file" in refused(file)
    for header in (
        b'{"float": {"dtype": "F32", "shape": [2], "data_offsets": [0, 99]}}',
        b'{"float": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}',
        b'{"float": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}',
        b'{"float": {"dtype": "F32", "shape": [9223372036854775807, 0], "data_offsets": [0, 0]}}',
        b'{"float": {"dtype": "F8", "shape": [2], "data_offsets": [0, 8]}}',
        b'{"float": {"dtype": "F32", "shape": "2"}}',
        b'{"float": 3}',
        b"[1]",
        b"{",
    ):
        file.write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
        assert str(file) in refused(file)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4), st.integers(0, 700))
def test_a_changed_file_is_read_or_refused(tmp_path: Path, changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(save(SAMPLE))
    for place, byte in changes:
        data[place % len(data)] = byte
    file = tmp_path / "changed.safetensors"
    file.write_bytes(data[: len(data) - cut])
    try:
        opened = TensorFile(file)
        for key in SAMPLE:
            if key in opened:
                assert opened[key].size <= len(data)
    except BertInspectError as error:
        assert error.exit_code == 4


def test_tensors_of_another_run_are_refused(model: Any, tokenizer: Any, tmp_path: Path) -> None:
    from msgspec import structs

    from bert_inspect.api import trace
    from bert_inspect.diff import diff

    bare = trace(model, tokenizer, TEXTS)
    steps = list(bare.steps)
    output = structs.replace(steps[3].outputs[0], tensor="3")
    steps[3] = structs.replace(steps[3], outputs=[output])
    whole = structs.replace(bare, steps=steps)
    save_file({"3": torch.zeros(1, 2)}, tmp_path / "t.safetensors")
    opened = TensorFile(tmp_path / "t.safetensors")
    with pytest.raises(BertInspectError, match=r"3 is \[1, 2\] in the file of tensors"):
        diff(whole, whole, tensors=(opened, opened))
