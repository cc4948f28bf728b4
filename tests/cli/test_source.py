"""`source` from the outside: at every width, with and without a model, and for modules that are not there."""

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import TEXTS
from rich.cells import cell_len
from transformers.models.bert.modeling_bert import BertSelfAttention, eager_attention_forward

from bert_inspect import Trace

Command = Callable[..., tuple[int, str, str]]


def line_of(function: Callable[..., object], code: str) -> int:
    """The number of the line of a function's source, in this release, that holds some code."""
    lines, first = inspect.getsourcelines(function)
    return first + next(place for place, line in enumerate(lines) if code in line)


RECEIVED = line_of(BertSelfAttention.forward, "hidden_states: torch.Tensor")
CACHED = line_of(BertSelfAttention.forward, "key_layer, value_layer = ")
MASKED = line_of(eager_attention_forward, "attn_weights + attention_mask")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, traced: Trace) -> Path:
    file = tmp_path_factory.mktemp("traces") / "trace.json"
    traced.save(file)
    return file


def test_code_stands_beside_its_tensors(command: Command, checkpoint: Path) -> None:
    code, out, err = command("source", "attention.self", *TEXTS, "--model", checkpoint)
    assert code == 0 and "bert.encoder.layer.0.attention.self, the first of 2" in err
    assert re.search(rf"{RECEIVED} │ +hidden_states: torch.Tensor, +← from dropout +\[2, 9, 32\] +float32\n", out)
    assert re.search(r"self\.query\(.*→ query projection +Linear\(32, 32\) +\[2, 9, 32\] +float32\n", out)
    assert re.search(r"\n +│ +→ query heads +transpose\(1, 2\) +\[2, 4, 9, 8\] +float32\n", out)
    assert re.search(r"↓ eager_attention_forward, below\n", out)
    assert re.search(r"softmax\(.*→ attention probabilities .*attentions\[0\]\n", out)
    assert re.search(rf"{CACHED} ┊ +key_layer, value_layer = ", out) and "┊ did not run" in out
    assert re.search(rf"{MASKED} │ .*→ masked attention scores", out)


def test_without_padding_the_mask_is_not_added(command: Command, checkpoint: Path) -> None:
    _, out, _ = command("source", "attention.self", "I love cats!", "--model", checkpoint)
    assert re.search(rf"{MASKED} ┊ +attn_weights = attn_weights \+ attention_mask\n", out)


@pytest.mark.parametrize("width", [40, 80, 120, 200])
@pytest.mark.parametrize("path", ["attention.self", "bert.encoder.layer.1", ""])
def test_every_width_holds_every_shape(
    width: int, path: str, command: Command, saved: Path, monkeypatch: pytest.MonkeyPatch, traced: Trace
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, _ = command("source", path, "--trace", saved, "--stats", "--values")
    assert code == 0
    assert max(map(cell_len, out.splitlines())) <= width
    if width >= 80:
        for label, shape in (("query heads", [2, 4, 9, 8]), ("attention mask", [2, 1, 9, 9])):
            assert str(shape) in out or label not in out
        assert "mean" in out and "float32" in out


def test_statistics_and_values_stand_with_their_tensor(command: Command, saved: Path) -> None:
    _, plain, _ = command("source", "BertPooler", "--trace", saved)
    _, full, _ = command("source", "BertPooler", "--trace", saved, "--stats", "--values")
    assert "mean -" not in plain and full.count("mean ") == 3 and full.count("sentence 2") == 3
    assert re.search(
        r"← from layer norm +batch 2 × tokens 9 × hidden 32",
        command("source", "BertPooler", "--trace", saved, "--axes")[1],
    )


def test_what_a_trace_does_not_tell_is_said(command: Command, saved: Path, tmp_path: Path, traced: Trace) -> None:
    _, out, _ = command("source", "attention.self", "--trace", saved)
    assert re.search(rf"{CACHED} \? +key_layer, value_layer = ", out)
    assert "? the trace does not say whether it ran" in out
    file = tmp_path / "plain.json"
    assert command("run", *TEXTS, "--model", "bert-tiny", "--weights", "none", "-o", file)[0] == 0
    _, _, err = command("source", "bert.pooler", "--trace", file, "--stats", "--values")
    assert "no statistics" in err and "no values" in err


def test_wrong_words_are_answered(command: Command, saved: Path, checkpoint: Path) -> None:
    for arguments, hint in (
        (["bert.encoder.layer.0.attention.selv"], "did you mean bert.encoder.layer.0.attention.self or"),
        (["attention.self.dropout"], "'not_called'"),
        (["dense"], "name one of"),
    ):
        code, out, err = command("source", *arguments, "--trace", saved)
        assert (code, out) == (2, "") and hint in err
    assert command("source", "bert", "text", "--trace", saved)[0] == 2
    code, out, err = command("source", "bert.poolr", "text", "--model", checkpoint)
    assert (code, out) == (2, "") and "did you mean bert.pooler" in err
