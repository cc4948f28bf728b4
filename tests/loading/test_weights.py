"""Weights that are damaged, elsewhere or executable: nothing is loaded that was not checked, and nothing is run."""

import json
import math
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import loaded, located, tiny_model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from bert_inspect.errors import ModelError
from bert_inspect.loading.files import CheckpointFiles
from bert_inspect.loading.weights.safetensors_files import find_weights

Command = Callable[..., tuple[int, str, str]]
Refused = Callable[..., str]

INDEX = "model.safetensors.index.json"


def safetensors(header: Any, data: bytes = b"", *, length: int | None = None) -> bytes:
    """A file in the format, however wrong its header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(begin: int, end: int, *, dtype: str = "F32", shape: Any = (1,)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


BROKEN: list[tuple[str, bytes, str]] = [
    ("nothing in it", b"", "cut off, or no safetensors file"),
    ("seven bytes", b"\1" * 7, "cut off, or no safetensors file"),
    ("a header beyond the file", safetensors({}, length=10**6), "its header would end behind its 10 bytes"),
    ("the largest length", safetensors({}, length=2**64 - 1), "its header would end behind"),
    ("no JSON", safetensors(b"hello, pickle"), "is damaged"),
    ("no object", safetensors([1]), "is not a JSON object"),
    ("no UTF-8", safetensors(b'{"\xff": 1}'), "not UTF-8"),
    ("nested", safetensors(b"[" * 100_000), "nested too deeply"),
    ("one name twice", safetensors(b'{"a": 1, "a": 2}'), "two values for 'a'"),
    ("cut off", safetensors({"a": entry(0, 4)}, b"\0\0"), "its tensors end at byte 73 of 71"),
    ("more than it says", safetensors({"a": entry(0, 4)}, b"\0" * 9), "its tensors end at byte 73 of 78"),
    ("overlap", safetensors({"a": entry(0, 4), "b": entry(0, 4)}, b"\0" * 4), "tensor b overlaps the one before"),
    ("a gap", safetensors({"a": entry(0, 4), "b": entry(8, 12)}, b"\0" * 12), "does not begin where"),
    ("backwards", safetensors({"a": entry(4, 0)}, b"\0" * 4), "has -4 bytes"),
    ("offsets below zero", safetensors({"a": entry(-4, 0)}, b"\0" * 4), "are no sizes"),
    ("a shape below zero", safetensors({"a": entry(0, 4, shape=(-1, -1))}, b"\0" * 4), "are no sizes"),
    ("huge shape", safetensors({"a": entry(0, 4, shape=(2**62, 2**62))}, b"\0" * 4), "its shape and dtype do not fill"),
    ("many axes", safetensors({"a": entry(0, 4, shape=[2**62] * 10_000)}, b"\0" * 4), "are no sizes"),
    ("another shape", safetensors({"a": entry(0, 4, shape=(2,))}, b"\0" * 4), "do not fill"),
    ("a size that is true", safetensors({"a": entry(0, 4, shape=(True,))}, b"\0" * 4), "are no sizes"),
    ("an unknown dtype", safetensors({"a": entry(0, 4, dtype="F99")}, b"\0" * 4), "a dtype that is unknown: F99"),
    (
        "a dtype that is a list",
        safetensors({"a": {**entry(0, 4), "dtype": ["F32"]}}, b"\0" * 4),
        "dtype that is unknown",
    ),
    (
        "no offsets",
        safetensors({"a": {"dtype": "F32", "shape": [1]}}, b"\0" * 4),
        "has no dtype, shape or data_offsets",
    ),
    ("a tensor that is a number", safetensors({"a": 5}), "has no dtype, shape or data_offsets"),
    ("metadata that are numbers", safetensors({"__metadata__": {"format": 5}}), "metadata of its header are no texts"),
    ("metadata that are a list", safetensors({"__metadata__": []}), "metadata of its header are no texts"),
    ("a name of a megabyte", safetensors({"n" * 2**20: 5}), "tensor nnnn"),
    ("hostile names", safetensors({"\x1b[2J": 5}), "tensor \\x1b[2J has no"),
    (
        "int8",
        safetensors({"x.weight": entry(0, 1, dtype="I8")}, b"\0"),
        "1 parameter in other than plain floating point: x.weight (I8)",
    ),
    ("float8", safetensors({"x.weight": entry(0, 1, dtype="F8_E4M3")}, b"\0"), "x.weight (F8_E4M3)"),
    ("no tensors", safetensors({}), "lacks 39 tensors"),
]


@pytest.mark.parametrize(("content", "message"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_broken_file_is_refused(copy: Path, refused: Refused, content: bytes, message: str) -> None:
    (copy / "model.safetensors").write_bytes(content)
    assert message in refused("run", "x", "--model", copy)


def test_a_header_of_gigabytes_is_not_read(copy: Path, refused: Refused) -> None:
    with (copy / "model.safetensors").open("wb") as stream:
        stream.write((2**33).to_bytes(8, "little"))
        stream.truncate(2**34)
    assert "its header is larger than 4 MiB" in refused("run", "x", "--model", copy)


HEADER = {"a": entry(0, 8, shape=(2,)), "b": entry(8, 12), "__metadata__": {"format": "pt"}}
pieces = st.sampled_from([0, 1, -1, 2, 4, 8, 12, 2**31, 2**64, "F32", "BF16", "I8", "F4", None, True, 1.0, [], {}, [4]])
places = st.sampled_from([("a", "dtype"), ("a", "shape"), ("a", "shape", 0), ("a", "data_offsets", 0), ("b",)])
more = st.sampled_from([("a", "data_offsets", 1), ("b", "data_offsets", 0), ("b", "shape"), ("__metadata__",), ("c",)])


@pytest.mark.slow
@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(places | more, pieces), max_size=3), st.integers(-4, 12), st.binary(max_size=2))
def test_what_passes_our_check_passes_the_library(
    tmp_path: Path, changes: list[tuple[tuple[Any, ...], Any]], size: int, junk: bytes
) -> None:
    header = json.loads(json.dumps(HEADER))
    for path, value in changes:
        inside = header
        for key in path[:-1]:
            inside = inside[key] if isinstance(inside, dict) else {}
        if isinstance(inside, dict) or (isinstance(inside, list) and inside):
            inside[path[-1] if isinstance(inside, dict) else 0] = value
    file = tmp_path / "model.safetensors"
    file.write_bytes(safetensors(json.dumps(header).encode() + junk, b"\0" * max(0, size)))
    try:
        (found,) = find_weights(CheckpointFiles(root=tmp_path, name="copy"))
    except ModelError:
        return
    with safe_open(file, "pt") as opened:
        assert set(opened.keys()) == {tensor.name for tensor in found.tensors}
        for tensor in found.tensors:
            assert math.prod(opened.get_slice(tensor.name).get_shape()) == tensor.count


def test_our_check_is_no_narrower_than_files_that_are_whole(checkpoint: Path) -> None:
    (found,) = find_weights(CheckpointFiles(root=checkpoint, name="tiny"))
    tensors = load_file(checkpoint / "model.safetensors")
    assert {tensor.name: tensor.count for tensor in found.tensors} == {n: t.numel() for n, t in tensors.items()}
    with pytest.raises(SafetensorError):
        load_file(Path(__file__))


class Runs:
    """A pickle that runs a command when it is loaded."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return (os.system, (f"touch {self.file}",))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pth", "last.ckpt"])
def test_pickles_are_never_loaded(copy: Path, refused: Refused, tmp_path: Path, name: str) -> None:
    ran = tmp_path / "ran"
    (copy / name).write_bytes(pickle.dumps(Runs(ran)))
    assert located(str(copy)).weights == "pretrained"  # there are safetensors beside it
    (copy / "model.safetensors").unlink()
    error = refused("run", "x", "--model", copy)
    assert f"has its weights as a pickle ({name}), which can run code when loaded" in error
    assert located(str(copy), weights="none").weight_files == ()
    (copy / "model.safetensors").write_bytes(pickle.dumps(Runs(ran)))
    assert "no safetensors file" in refused("run", "x", "--model", copy)
    (copy / "model.safetensors").unlink()
    (copy / "pytorch_model.bin.index.json").write_text('{"weight_map": {"a": "pytorch_model.bin"}}')
    refused("run", "x", "--model", copy)
    assert not ran.exists()
    pickle.loads(pickle.dumps(Runs(ran)))  # what would have happened
    assert ran.exists()


@pytest.fixture
def sharded(copy: Path) -> Path:
    """The same weights in two files with an index."""
    tensors = load_file(copy / "model.safetensors")
    names = sorted(tensors)
    files = {"model-00001-of-00002.safetensors": names[:10], "model-00002-of-00002.safetensors": names[10:]}
    for file, held in files.items():
        save_file({name: tensors[name] for name in held}, copy / file, metadata={"format": "pt"})
    places = {name: file for file, held in files.items() for name in held}
    (copy / INDEX).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": places}))
    (copy / "model.safetensors").unlink()
    return copy


def test_shards_are_one_model(checkpoint: Path, sharded: Path) -> None:
    whole, parts = loaded(str(checkpoint)), loaded(str(sharded))
    assert parts.weights == "pretrained" and parts.initialised == []
    theirs = whole.model.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in parts.model.state_dict().items())


SHARD = "model-00001-of-00002.safetensors"
INDICES: list[tuple[Any, str]] = [
    (
        {"weight_map": {"a": "../outside.safetensors"}},
        "names '../outside.safetensors', which is not a safetensors file in",
    ),
    ({"weight_map": {"a": "/etc/passwd"}}, "names '/etc/passwd', which is no"),
    ({"weight_map": {"a": "sub/model.safetensors"}}, "which is not a safetensors file in its folder"),
    ({"weight_map": {"a": "C:\\model.safetensors"}}, "which is not a safetensors file in its folder"),
    ({"weight_map": {"a": "pytorch_model.bin"}}, "names 'pytorch_model.bin', which is no"),
    ({"weight_map": {"a": "\x1b[2J.safetensors" * 50}}, "which is not a safetensors file in its folder"),
    ({"weight_map": {"a": "..safetensors"}}, "..safetensors of copy is missing"),
    ({"weight_map": {"a": "missing.safetensors"}}, "missing.safetensors of copy is missing"),
    ({"weight_map": {"a": SHARD}}, f"it says that {SHARD} holds a, which it does not"),
    ({"weight_map": {"a": 5}}, "does not name files"),
    ({"weight_map": {"a": SHARD, "b": ["x"]}}, "does not name files"),
    ({"weight_map": {}}, "it has no weight_map"),
    ({"weight_map": [SHARD]}, "it has no weight_map"),
    ({}, "it has no weight_map"),
    ([], "it holds no JSON object"),
    ({"weight_map": {str(number): f"{number}.safetensors" for number in range(101)}}, "more than 100 files"),
]


@pytest.mark.parametrize(("index", "message"), INDICES, ids=lambda value: str(value)[:40])
def test_an_index_names_whole_files_of_its_folder(
    sharded: Path, refused: Refused, tmp_path: Path, index: Any, message: str
) -> None:
    save_file(tiny_model().state_dict(), tmp_path / "outside.safetensors")
    (sharded / INDEX).write_text(json.dumps(index))
    assert message in refused("run", "x", "--model", sharded)


@pytest.mark.parametrize("content", [b"", b"{", b'{"weight_map": "' + b"\xff", b" " * (8 * 2**20 + 1)])
def test_a_damaged_index_is_refused(sharded: Path, refused: Refused, content: bytes) -> None:
    (sharded / INDEX).write_bytes(content)
    assert INDEX in refused("run", "x", "--model", sharded)


def test_a_tensor_in_two_shards_is_refused(sharded: Path, refused: Refused) -> None:
    tensors = load_file(sharded / SHARD)
    twice = {**load_file(sharded / SHARD.replace("1-of", "2-of")), sorted(tensors)[0]: next(iter(tensors.values()))}
    save_file(twice, sharded / SHARD.replace("1-of", "2-of"))
    assert "and so does" in refused("run", "x", "--model", sharded)
