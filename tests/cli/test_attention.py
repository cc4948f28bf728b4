"""`attention` from the outside: what is shown without colour, at any width, and what is refused."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import TEXTS

Command = Callable[..., tuple[int, str, str]]


def numbers_of(out: str, title: str) -> list[list[int]]:
    """Read a heatmap back: percent by row, 0 for a dot."""
    block = out[out.index(title) :].splitlines()
    rows = []
    for line in block[next(place for place, line in enumerate(block) if line.lstrip().startswith("[CLS]")) + 1 :]:
        cells = line[14:].split()
        if not cells or "tokens hidden" in line:
            break
        rows.append([0 if cell == "·" else int(cell) for cell in cells])
    return rows


def test_the_numbers_shown_are_the_model_s(command: Command, checkpoint: Path, model: Any, tokenizer: Any) -> None:
    given = ("attention", *TEXTS, "--layer", "1", "--head", "2", "--model", checkpoint)
    code, out, _ = command(*given, "--padding")
    assert code == 0 and "\x1b" not in out and "tokens hidden" not in out
    with torch.inference_mode():
        plain = model(**tokenizer(TEXTS, padding=True, return_tensors="pt"), output_attentions=True)
    expected = plain.attentions[1][0, 2]
    shown = numbers_of(out, "layer 1, head 2")
    assert [len(row) for row in shown] == [len(expected)] * len(expected)
    assert all(
        abs(cell - 100 * number) <= 0.51
        for cells, row in zip(shown, expected.tolist(), strict=True)
        for cell, number in zip(cells, row, strict=True)
    )
    assert "head 1" not in out and "not why" in out and "; strongest: " in out
    without = command(*given)[1]
    assert "3 padding tokens hidden" in without
    assert numbers_of(without, "layer 1, head 2") == [row[:6] for row in shown[:6]]


def test_without_a_choice_all_layers_are_looked_over(command: Command, checkpoint: Path) -> None:
    code, out, _ = command("attention", TEXTS[0], "--model", checkpoint)
    assert code == 0 and "layer 1, mean of 4 heads" in out and "layer 0, mean" not in out
    assert re.search(r"^ +0 .*\n +1 ", out, re.MULTILINE)
    every = command("attention", TEXTS[0], "--model", checkpoint, "--layer", "0")[1]
    assert [f"layer 0, head {head}" in every for head in range(5)] == [True] * 4 + [False]
    mean = command("attention", TEXTS[0], "--model", checkpoint, "--mean")[1]
    assert "layer 0, mean of 4 heads" in mean and "layer 1, mean of 4 heads" in mean


def test_fused_attention_is_rebuilt_and_a_layer_needs_no_other(command: Command, checkpoint: Path) -> None:
    eager = command("attention", *TEXTS, "--layer", "1", "--mean", "--model", checkpoint)[1]
    code, out, _ = command("attention", *TEXTS, "--layer", "1", "--mean", "--model", checkpoint, "--attention", "sdpa")
    assert code == 0 and "rebuilt from the recorded queries, keys and mask" in " ".join(out.split())
    title = "layer 1, mean of 4 heads"
    assert numbers_of(out, title) == numbers_of(eager, title)


def test_a_saved_trace_is_shown_without_a_model(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    saved, bare = tmp_path / "t.json", tmp_path / "bare.json"
    command("run", *TEXTS, "--values", "--model", checkpoint, "-o", saved)
    command("run", *TEXTS, "--model", checkpoint, "-o", bare)
    shown = command("attention", "--trace", saved, "--layer", "1")
    assert shown[0] == 0
    assert numbers_of(shown[1], "layer 1, head 0") == numbers_of(
        command("attention", *TEXTS, "--model", checkpoint, "--layer", "1")[1], "layer 1, head 0"
    )
    code, out, err = command("attention", "--trace", bare)
    assert (code, out) == (2, "") and "holds no values of attention" in err and "--values" in err


@pytest.mark.parametrize("columns", ["20", "40", "80", "200"])
def test_every_width_holds_its_lines(
    command: Command, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = "It was a long day, and the cats of the house slept through all of it, on the warm stones. " * 2
    code, out, _ = command("attention", text, "--mean", "--layer", "0", "--model", checkpoint)
    assert code == 0 and max(map(len, out.splitlines())) <= int(columns)
    assert "more key" in " ".join(out.split()) or int(columns) > 60


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--head", "9"], 2, "there is no head 9: this model has heads 0 to 3"),
        (["--layer", "9"], 2, "layer"),
        (["--head", "1", "--mean"], 2, "--head shows one head, --mean the mean of all"),
        (["--weights", "none"], 2, "without weights there are no attention probabilities"),
    ],
)
def test_what_cannot_be_shown_is_said(
    command: Command, checkpoint: Path, arguments: list[str], code: int, message: str
) -> None:
    found = command("attention", TEXTS[0], "--model", checkpoint, *arguments)
    assert found[:2] == (code, "") and message in found[2] and "Traceback" not in found[2]
