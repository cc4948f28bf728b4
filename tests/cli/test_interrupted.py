"""`ablate` and `patch` that are interrupted, or fail: the exit code says so, and no file is left."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bert_inspect.capture.editing import run

Command = Callable[..., tuple[int, str, str]]
COMMANDS = {"ablate": ["I love cats!"], "patch": ["I love cats!", "I hate cats!"]}


def failing(works: Callable[..., Any], error: BaseException, *, after: int) -> Callable[..., Any]:
    """What works so many times, and then raises."""
    left = [after]

    def call(*given: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise error
        return works(*given, **named)

    return call


@pytest.mark.slow
@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    ("error", "code", "said"),
    [(KeyboardInterrupt(), 130, "error: interrupted"), (MemoryError("no room"), 1, "no room")],
    ids=["Ctrl-C", "failure"],
)
def test_no_file_is_left_by_a_run_that_ends_early(
    command: Command,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    error: BaseException,
    code: int,
    said: str,
    after: int,
) -> None:
    monkeypatch.setattr(run, "with_edits", failing(run.with_edits, error, after=after))
    output = tmp_path / "effects.svg"
    ended, out, err = command(name, *COMMANDS[name], "--model", checkpoint, "-o", output)
    assert (ended, out) == (code, "") and said in err and "Traceback" not in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".svg", ".html", ".json"])
@pytest.mark.parametrize("name", COMMANDS)
def test_an_interrupt_in_the_writing_leaves_the_old_file(
    command: Command, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, suffix: str
) -> None:
    output = tmp_path / f"effects{suffix}"
    output.write_text("old")
    monkeypatch.setattr("os.replace", failing(lambda *_: None, KeyboardInterrupt(), after=0))
    code, out, err = command(name, *COMMANDS[name], "--model", checkpoint, "-o", output)
    assert (code, out) == (130, "") and "error: interrupted" in err
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]
