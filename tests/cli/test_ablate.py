"""``--ablate`` on the command line: what is said where something is edited, and where nothing can be."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import TEXTS

from bert_inspect.traces.trace_file import load_trace

Command = Callable[..., tuple[int, str, str]]


def run(command: Command, checkpoint: Path, *arguments: str) -> tuple[int, str, str]:
    return command("run", *TEXTS, "--model", str(checkpoint), *arguments)


def test_the_header_the_tree_and_the_trace_say_what_was_edited(command: Command, checkpoint: Path) -> None:
    specs = ["layer.0", "layer.1.head.2=mean", "token:pizza"]
    given = [word for spec in specs for word in ("--ablate", spec)]
    code, out, _ = run(command, checkpoint, *given, "--verify")
    lines = out.splitlines()
    (at,) = [place for place, line in enumerate(lines) if line.startswith("edited")]
    assert [line.split()[-1] for line in lines[at : at + 3]] == specs and code == 0
    assert sum("removed BertLayer hands its input on" in line for line in lines) == 1
    assert sum(line.split().count("edited") for line in lines if "· context " in line) == 1
    assert "passed: every edited tensor is the intended one" in out and "without hooks" not in out
    code, out, _ = run(command, checkpoint, *given, "--json")
    trace = json.loads(out)
    assert trace["model"]["edits"] == specs and trace["input"]["tokens"][1].count("[MASK]") == 1
    assert [step["label"] for step in trace["steps"] if step.get("edited")] == ["layer 0", "context"]
    assert "bert.encoder.layer.0.attention" in trace["not_called"]


def test_a_run_without_edits_says_nothing_of_them(command: Command, checkpoint: Path) -> None:
    trace = json.loads(run(command, checkpoint, "--json")[1])
    assert "edits" not in trace["model"] and not any("edited" in step for step in trace["steps"])


def test_an_edited_trace_is_shown_again_as_it_was(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    file = str(tmp_path / "t.json")
    _, first, _ = run(command, checkpoint, "--ablate", "layer.1.head.2", "-o", file)
    assert command("show", file)[1] == first
    assert load_trace(file).model.edits == ["layer.1.head.2"]


@pytest.mark.parametrize(
    ("spec", "says", "hint"),
    [
        ("layer.7", "there is no layer 7: this model has layers 0 to 1", "counted from 0"),
        ("layer.1.head.9", "there is no head 9", "counted from 0"),
        ("layer.1.heads.2", "names nothing that can be edited", "did you mean layer.1.head.2?"),
        ("token:piza", "no sentence has the token 'piza'", "did you mean token:pizza?"),
        ("token.99", "there is no token 99", "counted from 0"),
        ("layer.1=dorp", "does not say how to edit layer.1", "HOW is zero, mean"),
    ],
)
def test_what_matches_nothing_is_refused_before_the_model_is_loaded(
    command: Command, checkpoint: Path, spec: str, says: str, hint: str
) -> None:
    code, out, err = run(command, checkpoint, "--ablate", spec)
    assert code == 2 and out == "" and says in err and hint in err and "running" not in err and "Traceback" not in err


def test_without_numbers_or_a_run_there_is_nothing_to_edit(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    code, _, err = run(command, checkpoint, "--ablate", "layer.1", "--weights", "none")
    assert code == 2 and "no numbers to edit" in err
    file = str(tmp_path / "t.json")
    run(command, checkpoint, "-o", file)
    for name in ("attention", "report"):
        code, _, err = command(name, "--trace", file, "--ablate", "layer.1")
        assert code == 2 and "--ablate runs the model" in err


def test_many_sentences_are_edited_each_and_resumed_with_the_same_edits(
    command: Command, checkpoint: Path, tmp_path: Path
) -> None:
    sentences, out = tmp_path / "s.txt", tmp_path / "t.jsonl"
    sentences.write_text("\n".join(TEXTS))
    given = ["run", "--input", str(sentences), "--batch-size", "1", "--model", str(checkpoint), "-o", str(out)]
    assert command(*given, "--ablate", "layer.1.head.2")[0] == 0
    for line in out.read_text().splitlines():
        assert json.loads(line)["model"]["edits"] == ["layer.1.head.2"]
    out.write_text(out.read_text().splitlines()[0] + "\n")
    code, _, err = command(*given, "--resume")
    assert code != 0 and "Traceback" not in err
    assert command(*given, "--resume", "--ablate", "layer.1.head.2")[0] == 0
    assert command(*given[:-2], "--json", "--ablate", "layer.9")[0] == 2
    explained = ["explain", "--input", str(sentences), "--model", str(checkpoint), "--json"]
    for many in ([*given[:-2], "--json"], explained):
        code, _, err = command(*many, "--ablate", "token:cats")
        assert code == 2 and "edits the tokens of one sentence" in err
    code, out, _ = command(*explained, "--ablate", "layer.1.head.2")
    assert code == 0 and all(json.loads(line)["model"]["edits"] == ["layer.1.head.2"] for line in out.splitlines())


def test_a_comparison_names_the_edit_and_shows_both_predictions_first(command: Command, checkpoint: Path) -> None:
    given = ["compare", *TEXTS, "--model", str(checkpoint), "--b", "ablate=layer.1.head.2", "--b"]
    code, out, _ = command(*given, "ablate=layer.1.neuron.3=0.5")
    lines = out.splitlines()
    assert code == 1 and lines[0].startswith("first divergence: layer 1, context")
    assert [line[0] for line in lines[2:6]] == ["A", "B", "A", "B"]
    assert "explained by: the edits of B: layer.1.head.2, layer.1.neuron.3=0.5" in out
    code, out, _ = command(*given[:-2], "ablate=layer.0", "--all")
    assert code == 1 and "explained by: the edits of B: layer.0" in out and "independent divergence" not in out
    assert "B has no layer 0, attention; layer 0, intermediate; and layer 0, output" in " ".join(out.split())


def test_an_edit_that_changes_nothing_is_no_difference(command: Command, checkpoint: Path) -> None:
    code, out, _ = command("compare", *TEXTS, "--model", str(checkpoint), "--b", "ablate=layer.1.head.2=1")
    assert code == 0 and "first divergence" not in out


def test_the_attention_of_an_edited_run_is_that_of_the_layers_that_ran(command: Command, checkpoint: Path) -> None:
    code, out, _ = command("attention", TEXTS[0], "--model", str(checkpoint), "--ablate", "layer.0")
    assert code == 0 and "edited" in out and "layer 1" in out
    code, _, err = command("attention", TEXTS[0], "--model", str(checkpoint), "--ablate", "layer.0", "--layer", "0")
    assert code == 2 and "layer 0" in err and "Traceback" not in err


@pytest.mark.slow
def test_a_report_says_what_was_edited(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    given = ["--ablate", "layer.1.head.2", "--ablate", "token:pizza", "--values"]
    code, _, err = command("report", *TEXTS, "--model", str(checkpoint), *given, "-o", str(page))
    text = page.read_text()
    assert code == 0 and "Traceback" not in err
    assert "layer.1.head.2, token:pizza" in text and "this page shows the edited run" in text


def test_the_cell_of_an_edited_step_is_refused_and_others_are_told(
    command: Command, checkpoint: Path, tmp_path: Path
) -> None:
    file = str(tmp_path / "t.json")
    run(command, checkpoint, "--ablate", "layer.1.head.2", "--ablate", "token:pizza=drop", "-o", file)
    known = ["--trace", file, "--model", str(checkpoint)]
    code, _, err = command("cell", "context", "--layer", "1", *known)
    assert code == 2 and "an edit changed it" in err
    for words in (["context", "--layer", "0"], ["context permuted", "--layer", "1"], ["logits"]):
        code, out, err = command("cell", *words, *known)
        assert code == 0 and out, err
    code, out, err = command("cell", "logits", *known, "--json")
    told: Any = json.loads(out)
    assert told["model"]["edits"] == ["layer.1.head.2", "token:pizza=drop"] and told["cell"]["reproduces"]


@pytest.mark.slow
def test_pictures_say_that_the_run_was_edited(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    for name, file in (("attention", "a.svg"), ("attention", "a.html"), ("explain", "e.svg"), ("explain", "e.html")):
        given = [TEXTS[0], "--model", str(checkpoint), "-o", str(tmp_path / file)]
        assert command(name, *given, "--ablate", "layer.1.head.2")[0] == 0
        assert "layer.1.head.2" in (tmp_path / file).read_text()
        assert command(name, *given)[0] == 0
        plain = re.sub(r"<(style|script).*?</\1>", "", (tmp_path / file).read_text(), flags=re.DOTALL)
        assert "edited" not in plain
