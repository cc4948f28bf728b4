"""`doctor` from the outside: exit codes, the picture, JSON."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import TEXTS, tiny_model

from bert_inspect.analysis.doctor.diagnosis import QUESTIONS

Command = Callable[..., tuple[int, str, str]]


@pytest.mark.slow
def test_a_head_as_drawn_is_found_and_is_exit_1(command: Command, checkpoint: Path) -> None:
    code, out, err = command("doctor", *TEXTS, "--model", checkpoint)
    assert code == 1 and "Traceback" not in err and "\x1b" not in out
    assert out.splitlines()[0].startswith("tiny  not healthy: 1 failed")
    assert [line.split()[1] for line in out.splitlines()[2:] if line[:4] in ("pass", "warn", "fail")] == list(QUESTIONS)
    assert "as right after initialization" in " ".join(out.split())


def test_a_trained_model_is_healthy(command: Command, tmp_path: Path, tokenizer: Any) -> None:
    model = tiny_model()
    torch.nn.init.normal_(model.classifier.bias, std=0.05)
    model.config.id2label = {0: "no", 1: "yes"}
    model.save_pretrained(tmp_path / "m")
    tokenizer.save_pretrained(tmp_path / "m")
    code, out, _ = command("doctor", "--model", tmp_path / "m", "--json")
    found = json.loads(out)
    assert code == 0 and found["healthy"] and found["texts"] == TEXTS
    assert [each["question"] for each in found["findings"]] == list(QUESTIONS)
    assert {each["verdict"] for each in found["findings"]} <= {"pass", "warn"}


def test_questions_are_chosen_and_wrong_ones_refused(command: Command, checkpoint: Path) -> None:
    code, out, _ = command("doctor", "--model", checkpoint, "--only", "padding,head", "--skip", "head", "--json")
    assert code == 0 and [each["question"] for each in json.loads(out)["findings"]] == ["padding"]
    code, out, err = command("doctor", "--model", checkpoint, "--only", "paddling")
    assert (code, out) == (2, "") and "did you mean padding?" in err
    assert command("doctor", "--weights", "none")[0] == 2


def test_what_a_checkpoint_lacks_is_a_finding_and_no_error(command: Command, tmp_path: Path, tokenizer: Any) -> None:
    from safetensors.torch import load_file, save_file

    tiny_model().save_pretrained(tmp_path / "m")
    tokenizer.save_pretrained(tmp_path / "m")
    file = tmp_path / "m" / "model.safetensors"
    tensors = load_file(file)
    del tensors["bert.encoder.layer.1.output.dense.bias"]
    save_file(tensors, file, metadata={"format": "pt"})
    code, out, err = command("doctor", "--model", tmp_path / "m", "--only", "weights")
    assert code == 1 and "bert.encoder.layer.1.output.dense.bias" in out and "error" not in err
