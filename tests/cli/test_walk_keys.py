"""`walk` at a terminal: one station after another, by what is typed below each."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bert_inspect import Trace
from bert_inspect.cells.saved import Saved
from bert_inspect.cli.walk_keys import guided
from bert_inspect.stations.walk import walk
from bert_inspect.terminal import Terminal

Typed = Callable[[str], tuple[str, str]]


@pytest.fixture
def typed(traced: Trace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Typed:
    """What the tour shows, and what it says, to somebody who types these lines."""
    tour = walk(Saved(traced, str(tmp_path / "trace.json")))

    def type_(lines: str) -> tuple[str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
        guided(tour, lambda command: " ".join(command.before), Terminal(pager=False))
        return capfd.readouterr()

    return type_


def titles(out: str) -> list[int]:
    return [int(line.split()[0]) for line in out.splitlines() if line[:1].isdigit() and " of 29  " in line]


def test_enter_goes_on_and_back_goes_back(typed: Typed) -> None:
    out, err = typed("\n\nb\nn\nq\n")
    assert titles(out) == [1, 2, 3, 2, 3]
    assert "[1/29]  Enter: next   b: back" in err and err.count("> ") == 5


def test_a_station_is_reached_by_its_name_a_part_of_it_or_its_number(typed: Typed) -> None:
    out, _ = typed("attention-scores\nloss\n4\nq\n")
    assert titles(out) == [1, 11, 29, 4]


def test_what_is_no_station_is_said_and_the_tour_goes_on(typed: Typed) -> None:
    out, err = typed("nowhere\nnorm\n\nq\n")
    assert titles(out) == [1, 2]
    assert "error: there is no station 'nowhere'" in err and "error: 'norm' may be several stations" in err


def test_the_list_names_every_station(typed: Typed) -> None:
    out, _ = typed("l\nq\n")
    assert titles(out) == [1] and "28  answer" in out and "How well does each query fit each key?" in out


def test_the_end_of_the_tour_and_of_stdin_end_it(typed: Typed) -> None:
    assert titles(typed("loss\n\n")[0]) == [1, 29]
    assert "Enter: end" in typed("loss\n\n")[1]
    assert titles(typed("")[0]) == [1]
    assert titles(typed("b\nq\n")[0]) == [1, 1]


def test_after_the_end_of_stdin_the_next_line_begins_at_the_left(typed: Typed) -> None:
    assert typed("")[1].endswith("> \n") and typed("q\n")[1].endswith("> ")


def test_advice_is_given_in_options(
    right: Trace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("loss\nq\n"))
    guided(walk(Saved(right, None)), lambda command: " ".join(command.before), Terminal(pager=False))
    assert "hint: give them: --labels" in capfd.readouterr().err
