"""`cell` from the outside: of a model and of saved traces, on the screen and as JSON."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import TEXTS, tiny_model
from rich.cells import cell_len

from bert_inspect import Trace
from bert_inspect.cells.record import CellReport
from bert_inspect.traces.codec import decoder

Command = Callable[..., tuple[int, str, str]]
SCORE = ["attention scores", "--layer", "1", "--at", "head=2,query=love,key=cats"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, traced: Trace) -> Path:
    file = tmp_path_factory.mktemp("cells") / "whole.json"
    traced.save(file)
    return file


@pytest.fixture
def bare(command: Command, checkpoint: Path, tmp_path: Path) -> Path:
    """A trace without a number."""
    assert command("run", *TEXTS, "--model", checkpoint, "-o", tmp_path / "bare.json", "--quiet")[0] == 0
    return tmp_path / "bare.json"


def test_a_score_is_shown_with_its_arithmetic(command: Command, checkpoint: Path) -> None:
    code, out, err = command("cell", *SCORE, *TEXTS, "--model", checkpoint)
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0] == "sentence 1 of 2  I love cats!"
    assert re.fullmatch(r"attention scores, layer 1, sentence 1, head 2, love -> cats = -?[\d.e-]+", lines[1])
    assert lines[2].startswith("  bert.encoder.layer.1.attention.self  matmul  modeling_bert.py:")
    assert lines[3] == "  = sum over 8 of query heads[love] x key heads[cats]"
    rows = [line for line in lines if re.match(r"  d \d ", line)]
    assert len(rows) == 6 and len({line.index("=") for line in rows}) == 1 and len({len(line) for line in rows}) == 1
    assert any(line.startswith("  2 others ") for line in lines)
    assert re.search(r"^  sum \S+ = recorded \S+ \(differs by .*rounding explains .*\)$", out, re.MULTILINE)
    assert re.search(
        r"-> scaled attention scores \S+ -> masked .* -> attention probabilities 0\.\d+ \(the softmax", out
    )


def test_a_trace_gives_the_same_cell_with_and_without_its_model(
    command: Command, checkpoint: Path, whole: Path, bare: Path
) -> None:
    of_model = command("cell", *SCORE, *TEXTS, "--model", checkpoint, "--json")[1]
    code, of_trace, err = command("cell", *SCORE, "--trace", whole, "--json")
    assert code == 0 and "loading" not in err and "run" not in err  # no model was needed
    code, of_run, err = command("cell", *SCORE, "--trace", bare, "--model", checkpoint, "--json")
    assert code == 0 and "does not hold the numbers" in err and "a new run of" in err
    one, two, three = (json.loads(text)["cell"] for text in (of_model, of_trace, of_run))
    assert one == two == three


def test_the_weights_come_from_the_model_and_the_rest_from_the_trace(
    command: Command, checkpoint: Path, whole: Path
) -> None:
    arguments = ["query projection", "--layer", "1", "--at", "token=love,hidden=3", "--trace", whole]
    code, out, err = command("cell", *arguments, "--model", checkpoint)
    assert code == 0 and "the numbers are the trace's, the weights those of" in err and "query.weight[3, :]" in out
    code, out, err = command("cell", *arguments)
    assert (code, out) == (2, "") and "traced from Python" in err and "--model FOLDER" in err


def test_weights_of_another_model_do_not_come_out(
    command: Command, tokenizer: Any, whole: Path, tmp_path: Path
) -> None:
    tiny_model(initializer_range=0.3).save_pretrained(tmp_path / "other")
    tokenizer.save_pretrained(tmp_path / "other")
    arguments = ["query projection", "--layer", "1", "--trace", whole, "--model"]
    code, out, err = command("cell", *arguments, tmp_path / "other")
    assert code == 1 and "NOT the same" in out and "may not be the model that made the trace" in err
    code, out, err = command("cell", *arguments, "no-such-model")
    assert (code, out) == (3, "") and "name the model that made the trace: --model FOLDER" in err


def test_what_does_not_come_out_is_exit_1(command: Command, traced: Trace, tmp_path: Path) -> None:
    """A score that was changed by hand is no product of its query and its key any more."""
    step = next(step for step in traced.steps if step.label == "attention scores" and step.layer == 1)
    file = tmp_path / "changed.json"
    text = json.loads(b"".join(traced.json()))
    text["steps"][step.id]["outputs"][0]["values"][0][2][2][3] += 0.01
    file.write_text(json.dumps(text))
    code, out, _ = command("cell", *SCORE, "--trace", file)
    assert code == 1 and "NOT the same (differs by 1.0e-02" in out
    told = json.loads(command("cell", *SCORE, "--trace", file, "--json")[1])["cell"]
    assert told["reproduces"] is False


def test_json_is_strict_the_same_twice_and_as_its_schema_says(
    command: Command, checkpoint: Path, tmp_path: Path
) -> None:
    arguments = ["cell", *SCORE, *TEXTS, "--model", checkpoint, "--depth", "2"]
    code, out, err = command(*arguments, "-o", tmp_path / "cell.json")
    assert code == 0 and "written to" in err and out.count("query projection, layer 1") == 1
    again = command(*arguments, "--json")[1]
    assert (tmp_path / "cell.json").read_text() == again
    report = decoder(CellReport).decode(again.encode())
    assert (report.format, report.version, report.input.texts) == ("bert-inspect-cell", 1, TEXTS)
    assert [inner.label for inner in report.cell.operands] == ["query projection", "key projection"]
    assert report.json().decode() == again
    schema = json.loads(command("schema", "cell")[1])
    assert schema["title"] == "bert-inspect-cell" and {"CellReport", "Cell", "Term"} <= set(schema["$defs"])
    assert set(json.loads(again)) == set(schema["$defs"]["CellReport"]["required"]) | {"format", "version"}
    assert command("schema")[1] == command("schema", "trace")[1] != command("schema", "cell")[1]
    code, out, err = command("schema", "cel")
    assert (code, out) == (2, "") and "did you mean cell?" in err


@pytest.mark.slow
@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_every_width_holds_the_arithmetic(
    width: int, command: Command, checkpoint: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for step in ("attention scores", "attention probabilities", "context", "probabilities"):
        code, out, _ = command("cell", step, "--trace", whole, "--model", checkpoint, "--depth", "1")
        assert code == 0 and max(map(cell_len, out.splitlines())) <= width
        assert " = recorded" in " ".join(out.split())


def test_colour_is_not_needed(command: Command, whole: Path) -> None:
    plain = command("cell", "context", "--trace", whole)[1]
    coloured = command("cell", "context", "--trace", whole, "--color", "always")[1]
    assert "\x1b[" in coloured and re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_wrong_words_are_answered(command: Command, checkpoint: Path, whole: Path) -> None:
    for arguments, message in (
        (["nonsense", "x"], "no step is called 'nonsense'"),
        (["logits", "x", "--at", "foo=1"], "logits has no axis 'foo'"),
        (["logits", "x", "--sentence", "2"], "there is no sentence 2"),
        (["logits", "x", "--layer", "7"], "there is no layer 7"),
        (["logits", "x", "--weights", "none"], "without weights there are no numbers"),
        (["", "x"], "STEP is empty"),
    ):
        code, out, err = command("cell", *arguments, "--model", checkpoint)
        assert (code, out) == (2, "") and message in err, err
    assert command("cell", "logits", "x", "--trace", whole)[0] == 2
    assert command("cell", "logits", "--trace", "nowhere.json")[0] == 4


def test_a_trace_of_a_part_is_run_again(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    """It holds the scores, and not what they were made of."""
    file = tmp_path / "part.json"
    run = ["run", TEXTS[0], "--model", checkpoint, "--module", "bert.pooler.**", "--values", "-o", file, "--quiet"]
    assert command(*run)[0] == 0
    code, out, err = command("cell", "pooler projection", "--trace", file, "--model", checkpoint)
    assert code == 0 and "pooler.dense.weight" not in err and "sum over 32 of" in out and "a new run" not in err


def test_the_file_of_tensors_beside_a_trace_is_enough(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    file, tensors = tmp_path / "t.json", tmp_path / "t.safetensors"
    assert command("run", *TEXTS, "--model", checkpoint, "-o", file, "--tensors", tensors, "--quiet")[0] == 0
    code, out, err = command("cell", *SCORE, "--trace", file, "--json")
    assert code == 0 and err == "" and json.loads(out)["cell"]["reproduces"]
    tensors.write_bytes(tensors.read_bytes()[:1000])
    code, out, err = command("cell", *SCORE, "--trace", file)
    assert (code, out) == (4, "") and "t.safetensors" in err


def test_five_hundred_tokens_and_odd_ones(command: Command) -> None:
    code, out, err = command("cell", "attention scores", "cat " * 510, "--layer", "5", "--at", "head=3,query=7,key=500")
    assert code == 0 and "cat@7 -> cat@500" in out and "the softmax over 512 keys" in out, err


def test_a_trace_of_python_has_cells(traced: Trace, whole: Path, command: Command) -> None:
    """Of every layer's probabilities the row that it shows adds up to 1."""
    for layer in (0, 1):
        code, out, _ = command("cell", f"attentions[{layer}]", "--trace", whole, "--terms", "100", "--json")
        cell: Any = json.loads(out)["cell"]
        assert code == 0 and cell["layer"] == layer
        assert sum(term["value"] for term in cell["terms"]) == pytest.approx(cell["sum"])
