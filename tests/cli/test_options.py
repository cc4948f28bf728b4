"""Shared options: every command of a group offers all of it, and what a group is expanded to is what Typer reads."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from helpers import TEXTS

from bert_inspect.cli.expand import Only, Without, expanded

Command = Callable[..., tuple[int, str, str]]

TEXT = {"--pair", "--max-length"}
MODEL = {"--model", "--download", "--weights", "--num-labels", "--seed", "--attention", "--device", "--dtype"}
MODEL |= {"--allow-missing", "--task"}
SELECTION = {"--layer", "--module", "--level"}
VIEW = {"--depth", "--fold", "--stats", "--values", "--head", "--token", "--axes", "--padding"}
OUTPUT, TOLERANCE = {"--json", "--output"}, {"--all", "--atol", "--rtol"}
TERMINAL = {"--quiet", "--verbose", "--color", "--no-pager", "--debug", "--help"}
CHOICE = TEXT | {"--choice"}
TRACED = CHOICE | {"--trace", "--truncate"}
OFFERED = {
    "run": CHOICE | {"--truncate", "--labels"} | MODEL | SELECTION | VIEW | OUTPUT | TERMINAL
    | {"--verify", "--time", "--tensors", "--input", "--batch-size", "--resume", "--ablate"}
    | {"--engine", "--address", "--threads"},
    "show": SELECTION | VIEW | OUTPUT | TERMINAL | {"--line"},
    "diff": TOLERANCE | OUTPUT | TERMINAL
    | {"--tensors-a", "--tensors-b", "--explain", "--model", "--layer", "--module"},
    "compare": CHOICE | {"--truncate", "--labels", "--a", "--b"} | {"--why", "--target", "--against", "--token"}
    | MODEL | TOLERANCE | SELECTION | OUTPUT | TERMINAL,
    "tokens": TRACED | {"--model", "--download"} | OUTPUT | TERMINAL,
    "model": {"--task", "--download", "--num-labels", "--depth"} | OUTPUT | TERMINAL,
    "source": TRACED | {"--labels", "--stats", "--values", "--axes"} | MODEL | TERMINAL,
    "diagram": TRACED | {"--labels", "--model", "--task", "--download", "--num-labels", "--attention"} | TERMINAL
    | {"--all"}
    | {"--module", "--depth", "--fold", "--no-fold", "--direction", "--output"},
    "attention": TRACED | MODEL - {"--num-labels"} | TERMINAL
    | {"--layer", "--head", "--mean", "--padding", "--output", "--ablate"},
    "report": TRACED | {"--ablate", "--ablate-map", "--labels", "--stats", "--values", "--verify", "--output"} | MODEL
    | {"--profile"} | SELECTION | TERMINAL - {"--no-pager"},
    "explore": TRACED | {"--labels"} | MODEL | SELECTION | TERMINAL - {"--no-pager"},
    "explain": CHOICE | {"--truncate"} | MODEL | OUTPUT | TERMINAL | {"--input", "--batch-size"}
    | {"--target", "--against", "--token", "--by", "--neurons", "--check", "--split", "--words", "--all", "--ablate"},
    "ablate": CHOICE | {"--truncate", "--input", "--batch-size"} | MODEL | OUTPUT | TERMINAL
    | {"--each", "--how", "--layer", "--target", "--against", "--token", "--all", "--importance"},
    "patch": {"--pair", "--max-length", "--truncate"} | MODEL | OUTPUT | TERMINAL
    | {"--each", "--direction", "--metric", "--target", "--against", "--token", "--all"},
    "doctor": TEXT | MODEL - {"--allow-missing"} | {"--only", "--skip", "--json"} | TERMINAL,
    "profile": {"--input", "--max-length", "--truncate", "--batch-size", "--batch-tokens", "--shard", "--resume"}
    | {"--engine", "--address", "--threads", "--examples"} | MODEL | SELECTION | OUTPUT | TERMINAL,
    "profile merge": OUTPUT | TERMINAL,
    "schema": {"--debug", "--help"},
}  # fmt: skip


def options(help_text: str) -> list[str]:
    """The long options that a help lists, in its order."""
    lines = re.findall(r"^  (?:-\w, )?(--[a-z].*?)(?:  |$)", help_text, re.MULTILINE)
    return [option for line in lines for option in re.findall(r"--[a-z-]+", line)]


@pytest.mark.parametrize("name", OFFERED)
def test_a_command_offers_its_groups_and_nothing_else(command: Command, name: str) -> None:
    code, out, err = command(*name.split(), "--help")
    found = options(out)
    assert (code, err) == (0, "") and set(found) == OFFERED[name] and len(found) == len(set(found))


@pytest.mark.parametrize("name", OFFERED)
def test_the_terminal_panel_lists_what_concerns_the_terminal_alone(command: Command, name: str) -> None:
    panel = command(*name.split(), "--help")[1].partition("\nTerminal:\n")[2].partition("\nExamples:")[0]
    assert "--help" in options(panel) and set(options(panel)) <= TERMINAL


def test_the_help_says_what_layer_does_in_each_command(command: Command) -> None:
    for name, said in (("diff", "Show these layers only"), ("compare", "Record and compare these layers only")):
        assert said in " ".join(command(*name.split(), "--help")[1].split())


def test_layer_shows_a_part_in_diff_and_compares_a_part_in_compare(
    command: Command, checkpoint: Path, tmp_path: Path
) -> None:
    for name, attention in (("a", "eager"), ("b", "sdpa")):
        file = tmp_path / f"{name}.json"
        assert command("run", TEXTS[0], "--model", checkpoint, "--attention", attention, "--stats", "-o", file)[0] == 0
    whole = command("diff", tmp_path / "a.json", tmp_path / "b.json", "--json")[1]
    assert command("diff", tmp_path / "a.json", tmp_path / "b.json", "--json", "--layer", "1")[1] == whole
    some = command("compare", TEXTS[0], "--model", checkpoint, "--b", "attention=sdpa", "--json", "--layer", "1")[1]
    assert '"layer":1' in some and '"layer":0' not in some


@dataclass(frozen=True, kw_only=True)
class Colours:
    """A group."""

    red: Annotated[int, typer.Option(min=0, help="How red.")] = 3
    green: Annotated[list[str] | None, typer.Option("--leaf", help="How green.")] = None
    blue: Annotated[bool, typer.Option("--blue", help="How blue.")] = False


def called(function: Callable[..., int], *arguments: str) -> int:
    """Run a command as a program of its own; returns its exit code."""
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.command()(function)
    with pytest.raises(SystemExit) as left:
        app(args=[*arguments])
    return int(left.value.code or 0)


def test_a_group_is_built_from_what_is_given() -> None:
    seen: list[Any] = []

    @expanded
    def paint(what: str, *, colours: Colours, thick: bool = False) -> int:
        seen.append((what, colours, thick))
        return 0

    assert called(paint, "wall") == 0
    assert called(paint, "wall", "--red", "5", "--leaf", "a", "--leaf", "b", "--blue", "--thick") == 0
    assert seen == [
        ("wall", Colours(), False),
        ("wall", Colours(red=5, green=["a", "b"], blue=True), True),
    ]
    assert called(paint, "wall", "--red", "-1") == 2 and len(seen) == 2


def test_a_part_of_a_group_keeps_its_order_and_the_rest_its_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[Any] = []

    @expanded
    def paint(*, first: bool = False, colours: Annotated[Colours, Without("green")], last: bool = False) -> int:
        """Paint it."""
        seen.append(colours)
        return 0

    assert called(paint, "--blue") == 0 and seen == [Colours(blue=True)]
    assert called(paint, "--leaf", "a") == 2
    capsys.readouterr()
    assert called(paint, "--help") == 0
    shown = capsys.readouterr().out
    assert "Paint it." in shown
    assert options(shown) == ["--first", "--no-first", "--red", "--blue", "--last", "--no-last", "--help"]

    @expanded
    def dab(*, colours: Annotated[Colours, Only("green")]) -> int:
        seen.append(colours)
        return 0

    assert called(dab, "--leaf", "a") == 0 and seen[-1] == Colours(green=["a"])


def test_a_group_that_does_not_fit_is_refused_where_it_is_declared() -> None:
    def unknown(*, colours: Annotated[Colours, Without("grey")]) -> int:
        return 0

    def twice(*, red: int = 1, colours: Colours) -> int:
        return 0

    with pytest.raises(TypeError, match="no field grey"):
        expanded(unknown)
    with pytest.raises(ValueError, match="red"):
        expanded(twice)
