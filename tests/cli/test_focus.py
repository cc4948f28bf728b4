"""`--head` and `--token` choose what `--values` shows, and what is shown is what the tensors hold."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import TEXTS, find, values_of

from bert_inspect import Trace
from bert_inspect.traces.focus import Focus

Command = Callable[..., tuple[int, str, str]]
LONG = " ".join(["cats"] * 17 + ["pineapple"] + ["cats"] * 17)
"""With a word in the middle that takes two tokens, [CLS] before it and so many tokens that its rows are cut."""


def shown_rows(out: str, label: str) -> list[tuple[str, list[float]]]:
    """The rows of values below a step: each with its name and numbers."""
    after = out.split(f"· {label} ", 1)[1].splitlines()[1:]
    rows = []
    for line in after:
        if "─ " in line:
            break
        if found := re.match(r"[│ ]*(\S+(?: \d+)?)((?: +(?:-?[\d.]+(?:e[-+]\d+)?|…))+) *$", line):
            rows.append((found[1], [float(part) for part in found[2].split() if part != "…"]))
    return rows


@pytest.mark.slow
def test_the_head_and_the_token_are_those_of_the_tensor(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    asked = ["--values", "--layer", "1", "--head", "2", "--token", "pineapple", "--padding"]
    file = tmp_path / "t.json"
    assert command("run", LONG, TEXTS[1], "--model", checkpoint, "--values", "-o", file)[0] == 0
    code, out, err = command("run", LONG, TEXTS[1], "--model", checkpoint, *asked)
    assert code == 0, err
    assert command("show", file, *asked)[1] == out
    trace = Trace.load(file)
    places = [tokens.index("pine") for tokens in trace.input.tokens]
    assert places[0] == 18 and places[1] == 3
    for label in ("attention scores", "query heads", "context"):
        step = find(trace, label=label, layer=1)
        rows = shown_rows(out, label)
        tensor = values_of(step)[:, 2]  # (batch, tokens, ...)
        assert [name for name, _ in rows] == ["pine", "pine"]
        for sentence, (_, numbers) in enumerate(rows):
            held = tensor[sentence, places[sentence]].tolist()
            assert numbers[0] == pytest.approx(held[0], abs=1e-4) and numbers[-1] == pytest.approx(held[-1], abs=1e-4)
    assert "head 2 of 4" in out and "head 0 of 4" not in out


def test_a_token_is_named_by_its_text_its_word_or_its_place(traced: Trace) -> None:
    batch = traced.input  # I love cats! / He hates pineapple pizza.
    tokens = batch.tokens[1]
    expected = {"hates": "hates", "HATES": "hates", "pine": "pine", "Pineapple": "pine", "[sep]": "[SEP]"}
    for text, token in expected.items():
        assert Focus(token=text).place(batch, 1) == tokens.index(token)
    assert Focus(token=tokens[4]).place(batch, 1) == 4 and tokens[4].startswith("##")
    assert Focus(token="hates").place(batch, 0) is None and Focus(token="hates").sentences(batch, 2) == [1]
    assert Focus().sentences(batch, 2) == [0, 1] and Focus().place(batch, 0) is None
    assert Focus(token="3").place(batch, 0) == 3


@pytest.mark.parametrize(
    ("asked", "message", "hint"),
    [
        (["--values", "--head", "4"], "there is no head 4: this model has heads 0 to 3", "heads are counted from 0"),
        (["--values", "--token", "dogs"], "no sentence has the token 'dogs'", "the tokens are [CLS] I love cats !"),
        (["--values", "--token", "9"], "there is no token 9: the sentences have tokens 0 to 8", "are counted from 0"),
        (["--head", "1"], "--head chooses what --values shows", "add --values"),
        (["--token", "cats"], "--token chooses what --values shows", "add --values"),
    ],
)
def test_what_is_not_there_is_told_alike_of_a_run_and_a_trace(
    command: Command, checkpoint: Path, tmp_path: Path, traced: Trace, asked: list[str], message: str, hint: str
) -> None:
    traced.save(tmp_path / "t.json")
    for arguments in (["run", *TEXTS, "--model", checkpoint], ["show", tmp_path / "t.json"]):
        code, out, err = command(*map(str, arguments), *asked)
        assert (code, out) == (2, "") and f"error: {message}" in err and f"{hint}" in err.splitlines()[1]


def test_an_export_is_complete_whatever_is_shown(command: Command, checkpoint: Path) -> None:
    plain = command("run", TEXTS[1], "--model", checkpoint, "--values", "--json")
    asked = command("run", TEXTS[1], "--model", checkpoint, "--values", "--json", "--head", "1", "--token", "hates")
    assert asked == plain
