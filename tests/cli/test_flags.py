"""The library advises arguments of Python's, the command line the same as options."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from helpers import TEXTS

import bert_inspect
from bert_inspect import BertInspectError, trace
from bert_inspect.cli.app import app
from bert_inspect.cli.flags import in_flags

Command = Callable[..., tuple[int, str, str]]
PACKAGE = Path(bert_inspect.__file__).parent
LIBRARY = ("traces", "families", "loading", "capture", "analysis", "diff")
FILES = sorted(file for room in LIBRARY for file in (PACKAGE / room).rglob("*.py"))
OPTIONS = {
    option
    for command in typer.main.get_command(app).commands.values()  # type: ignore[attr-defined]
    for parameter in command.params
    for option in parameter.opts
}


def strings(file: Path) -> Iterator[str]:
    """The text that a file may show: its string literals, without documentation."""
    tree = ast.parse(file.read_text())
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_the_library_names_no_option_and_advises_only_what_is_one(file: Path) -> None:
    for text in strings(file):
        assert not re.search(r"(?<!\w)--[a-z]", text), text
        for name in re.findall(r"`([a-z_]+)[=`]", text):
            assert in_flags(f"`{name}`") in OPTIONS, text


@pytest.mark.parametrize(
    ("advice", "flags"),
    [
        ("cut it with `truncate=True`, or split it", "cut it with --truncate, or split it"),
        ('`weights="random"` or `weights="none"`', "--weights random or --weights none"),
        ("raise `max_length`", "raise --max-length"),
        ('`layer=3`, `layer="0,11"`', "--layer 3, --layer 0,11"),
        ("name it: `model=FOLDER`", "name it: --model FOLDER"),
        ("a `Sentence`, a lone ` and `` and a=b", "a `Sentence`, a lone ` and `` and a=b"),
    ],
)
def test_arguments_become_options(advice: str, flags: str) -> None:
    assert in_flags(advice) == flags


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--max-length", "3"], "cut it with --truncate, or split it"),
        (["--max-length", "1", "--truncate"], "raise --max-length"),
        (["--layer", "a"], "write --layer 3, --layer 0,11 or --layer 2-4"),
        (["--device", "nowhere"], "use --device cpu"),
        (["--model", "bert-base-caseless"], "--download fetches one from the hub; did you mean bert-base-"),
        (["--model", "bert-tiny", "--weights", "pretrained"], "--download, or trace random ones with --weights random"),
    ],
)
def test_the_command_line_shows_options(command: Command, checkpoint: Path, arguments: list[str], hint: str) -> None:
    code, out, err = command("run", TEXTS[0], "--model", checkpoint, *arguments)
    assert code in (2, 3) and out == "" and "`" not in err
    assert hint in err.splitlines()[1]


def test_python_shows_arguments(model: Any, tokenizer: Any) -> None:
    for asked, hint in (
        ({"max_length": 3}, "cut it with `truncate=True`, or split it"),
        ({"layer": "a"}, 'write `layer=3`, `layer="0,11"` or `layer="2-4"`'),
    ):
        with pytest.raises(BertInspectError) as raised:
            trace(model, tokenizer, TEXTS[0], **asked)
        assert raised.value.hint == hint


def test_too_many_numbers_are_told_with_what_a_command_can_do(
    command: Command, checkpoint: Path, model: Any, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bert_inspect.traces.values.VALUES_LIMIT", 100)
    monkeypatch.setattr("bert_inspect.api.VALUES_LIMIT", 100)
    err = command("run", TEXTS[0], "--model", checkpoint, "--values", "--json")[2]
    assert "hint: save them with --tensors FILE, or select steps with --layer or --module" in err
    with pytest.raises(BertInspectError, match="more than 100 numbers") as raised:
        trace(model, tokenizer, TEXTS[0], values=True)
    assert raised.value.hint == "select steps with `layer` or `module`"


def test_what_a_saved_trace_does_not_hold_is_told_with_how_to_keep_it(
    command: Command, checkpoint: Path, tmp_path: Path
) -> None:
    file = tmp_path / "t.json"
    assert command("run", TEXTS[0], "--model", checkpoint, "-o", file)[0] == 0
    hint = "trace it with --values, or without --trace: this command keeps what it needs by itself"
    assert f"hint: {hint}" in command("attention", "--trace", file)[2]
    assert command("report", "--trace", file, "-o", tmp_path / "r.html")[0] == 0
    assert f"this trace holds no values of it; {hint}" in re.sub(
        r"</?span[^>]*>", "", (tmp_path / "r.html").read_text()
    )


def test_findings_and_notes_advise_options_too(
    command: Command, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = command("doctor", "--model", "bert-tiny", "--weights", "random", "--only", "weights", "--json")[1]
    assert "name one with --model FOLDER, or fetch one with --download" in out
    monkeypatch.setattr("bert_inspect.analysis.compare.MOST_NUMBERS", 100)
    out = command("compare", TEXTS[0], "--model", checkpoint, "--b", "attention=sdpa")[1]
    assert "--layer compares values of a part" in " ".join(out.split())
