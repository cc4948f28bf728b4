"""`--verify` from the outside: what the header, the JSON and the exit code say of a proof."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import TEXTS
from jsonschema import Draft202012Validator

from bert_inspect.loading import model as models
from bert_inspect.traces.trace_file import schema

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def lying(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every model that is loaded have a query projection whose result somebody's hook changes."""
    load = models.load

    def tampered(*args: Any, **more: Any) -> Any:
        loaded = load(*args, **more)
        query = loaded.model.bert.encoder.layer[1].attention.self.query
        query.register_forward_hook(lambda module, args, output: torch.relu(output))
        return loaded

    monkeypatch.setattr(models, "load", tampered)


def test_a_proved_run_says_so(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    saved = tmp_path / "t.json"
    code, out, err = command("run", *TEXTS, "--verify", "--model", checkpoint, "-o", saved)
    assert code == 0 and "error" not in err
    words = " ".join(out.split())
    assert "proof passed: the logits are bitwise identical to those of a run without hooks" in words
    assert "3 hidden states as the model returns them; 2 attentions as the model returns them" in words
    exported = json.loads(saved.read_bytes())
    Draft202012Validator(schema()).validate(exported)
    proof = exported["proof"]
    assert proof["passed"] is True and proof["fault"] is None
    assert {check["name"] for check in proof["checks"]} >= {"logits", "ops", "modules", "origins", "calls"}
    assert all(check["failed"] == 0 for check in proof["checks"])
    shown = command("show", saved)
    assert shown[0] == 0 and "passed: the logits" in shown[1]
    assert "proof" not in json.loads(command("run", *TEXTS, "--json", "--model", checkpoint)[1])


@pytest.mark.usefixtures("lying")
def test_a_failed_proof_is_exit_1_and_names_the_step(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    saved = tmp_path / "t.json"
    code, out, err = command("run", *TEXTS, "--verify", "--model", checkpoint, "-o", saved)
    assert code == 1
    exported = json.loads(saved.read_bytes())
    fault = exported["proof"]["fault"]
    step = exported["steps"][fault["step"]]
    assert step["path"] == "bert.encoder.layer.1.attention.self.query" and step["label"] == "query projection"
    last = err.strip().splitlines()[-1]
    assert last.startswith(
        f"error: the proof failed: step {fault['step']}, query projection in {step['path']}: run again"
    )
    assert "proof failed: step" in " ".join(out.split())
    narrowed = json.loads(command("show", saved, "--json", "--layer", "0")[1])
    assert narrowed["proof"]["fault"]["step"] is None and narrowed["proof"]["fault"]["path"] == step["path"]
    code, out, _ = command("run", *TEXTS, "--verify", "--json", "--layer", "1", "--model", checkpoint)
    exported = json.loads(out)
    assert code == 1 and exported["steps"][exported["proof"]["fault"]["step"]]["label"] == "query projection"


@pytest.mark.usefixtures("lying")
def test_many_sentences_are_proved_batch_by_batch(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    sentences, traces = tmp_path / "s.txt", tmp_path / "t.jsonl"
    sentences.write_text("I love cats!\nHe hates pineapple pizza.\nSo do I.\n")
    arguments = ("--input", sentences, "-o", traces, "--batch-size", "2", "--verify", "--model", checkpoint)
    code, _, err = command("run", *arguments)
    assert code == 1 and "the proof failed for 2 batches" in err
    assert [json.loads(line)["proof"]["passed"] for line in traces.read_text().splitlines()] == [False, False]


def test_there_is_nothing_to_prove_without_numbers(command: Command) -> None:
    code, out, err = command("run", "x", "--verify", "--weights", "none", "--model", "bert-tiny")
    assert (code, out) == (2, "") and "without weights there are no numbers" in err


def test_a_proof_that_points_nowhere_is_a_damaged_trace(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    exported = json.loads(command("run", "x", "--verify", "--json", "--model", checkpoint)[1])
    exported["proof"]["fault"] = {"check": "ops", "step": 10**6, "path": "", "label": "", "message": "\x1b[31m"}
    (tmp_path / "t.json").write_text(json.dumps(exported))
    code, _, err = command("show", tmp_path / "t.json")
    assert code == 4 and "points at a step that is not there" in err
    exported["proof"]["fault"]["step"] = None
    (tmp_path / "t.json").write_text(json.dumps(exported))
    code, out, _ = command("show", tmp_path / "t.json")
    assert code == 0 and "\x1b" not in out
