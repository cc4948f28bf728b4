"""``explore`` as a command: where it cannot start it says so, and however it ends the terminal is as it was."""

import fcntl
import json
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import TEXTS, without_values
from msgspec import structs

from bert_inspect import Trace
from bert_inspect.cli.examples import EXAMPLES
from bert_inspect.cli.explored import of_model, of_saved
from bert_inspect.cli.options import TextOptions
from bert_inspect.errors import UsageError
from bert_inspect.loading.spec import ModelSpec
from bert_inspect.terminal import Terminal
from bert_inspect.traces.selection import Selection
from bert_inspect.traces.values import VALUES_LIMIT
from bert_inspect.traces.vocabulary import labels
from bert_inspect.tui.run import Rerun, Run

Command = Callable[..., tuple[int, str, str]]
QUIET = Terminal(quiet=True)


@pytest.fixture(scope="module")
def saved(traced: Trace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explore") / "t.json"
    without_values(traced).save(path)
    return path


# Where it cannot start


@pytest.mark.parametrize(("arguments", "way"), [(["--trace", "{saved}"], "show FILE"), (["x"], "run TEXT")])
def test_without_a_terminal_it_names_what_needs_none(
    command: Command, saved: Path, arguments: list[str], way: str
) -> None:
    code, out, err = command("explore", *(part.format(saved=saved) for part in arguments))
    assert (code, out) == (2, "")
    assert err.splitlines()[0] == "error: explore fills a terminal: stdin, stdout and stderr have to be one"
    assert way in err.splitlines()[1] and len(err.splitlines()) == 2


@pytest.mark.parametrize("line", [line for line, _ in EXAMPLES["explore"]])
def test_an_example_lacks_nothing_but_the_terminal(command: Command, line: str) -> None:
    code, _, err = command(*shlex.split(line)[1:])
    assert code == 2 and err.startswith("error: explore fills a terminal")


def test_without_textual_it_names_the_extra(command: Command, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bert_inspect.cli.full_screen.find_spec", lambda name: None)
    code, out, err = command("explore", "--trace", saved)
    assert (code, out) == (2, "") and "needs the package textual" in err and 'pip install "bert-inspect[tui]"' in err


# A terminal of its own

BROKEN = """
from bert_inspect.tui.app import Explorer
def broken(self):
    raise ValueError("broken [b]here[/b]")
Explorer.action_help = broken
"""


class Ended:
    """How the program ended at a terminal: its exit code, what it wrote, and whether the terminal is as it was."""

    def __init__(self, saved: Path, end: bytes | int, *options: str, before: str = "") -> None:
        self.written = b""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        modes = termios.tcgetattr(theirs)
        arguments = ["bert-inspect", "explore", "--trace", str(saved), *options]
        code = f"import sys; sys.argv = {arguments!r}\n{before}\nfrom bert_inspect.__main__ import main\nmain()"
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color"},
        )
        try:
            self._read(ours, until=b"Dark")  # the last key of the footer
            if isinstance(end, bytes):
                os.write(ours, end)
            else:
                process.send_signal(end)
            self._read(ours, until=None, process=process)
            self.code = process.wait(timeout=20)
            self.restored = termios.tcgetattr(theirs) == modes
        finally:
            process.kill()
            process.wait()
            os.close(ours)
            os.close(theirs)

    def _read(self, ours: int, *, until: bytes | None, process: Any = None) -> None:
        while until is None or until not in self.written:
            ready, _, _ = select.select([ours], [], [], 0.1 if until is None else 30)
            if ready:
                self.written += os.read(ours, 65536)
            elif until is not None or process.poll() is not None:
                return

    @property
    def left(self) -> str:
        """What was written after the screen was given back."""
        return self.written.rpartition(b"\x1b[?1049l")[2].decode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end", "options", "before", "code", "told"),
    [
        (b"q", (), "", 0, ""),
        (b"\x03", (), "", 130, "error: interrupted"),
        (signal.SIGTERM, (), "", -signal.SIGTERM, "error: interrupted"),
        (b"?", (), BROKEN, 1, "error: unexpected failure: ValueError: broken [b]here[/b]"),
        (b"?", ("--debug",), BROKEN, 1, "ValueError: broken"),
    ],
    ids=["q", "ctrl-c", "sigterm", "crash", "crash --debug"],
)
def test_the_terminal_is_as_it_was(
    saved: Path, end: bytes | int, options: tuple[str, ...], before: str, code: int, told: str
) -> None:
    ended = Ended(saved, end, *options, before=before)
    assert ended.code == code, ended.left
    assert ended.restored and b"\x1b[?1049h" in ended.written
    for mode in (b"1000", b"1003", b"25"):  # the mouse is let go, the cursor is shown
        assert b"\x1b[?" + mode + (b"l" if mode != b"25" else b"h") in ended.written
    assert told in ended.left and ("Traceback" in ended.left) == bool(options)
    assert told or not re.sub(r"\x1b\[[?<]?[\d;]*[a-z]", "", ended.left).strip()


# What it shows and asks


def test_a_saved_trace_asks_no_model(saved: Path) -> None:
    run = of_saved(TextOptions(trace=str(saved)), Selection())
    step = next(step for step in run.trace.steps if step.label == labels.CONTEXT)
    with pytest.raises(UsageError, match="takes the model") as error:
        run.explain("token")
    assert "bert-inspect explain" in (error.value.hint or "")
    with pytest.raises(UsageError) as error:
        run.cell(step.id, 0, (0, 0, 0, 0))
    assert f'bert-inspect cell "#{step.id}" --trace' in (error.value.hint or "")
    with pytest.raises(UsageError, match="no values of attention") as error:
        run.attention()
    assert error.value.hint == run.no_values and "--values" in run.no_values
    assert run.listing(run.trace.steps[step.parent or 0]).functions


def test_the_advice_for_a_number_works(command: Command, traced: Trace, checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    structs.replace(traced, model=structs.replace(traced.model, weights="pretrained")).save(path)
    run = of_saved(TextOptions(trace=str(path)), Selection())
    step = next(step for step in run.trace.steps if step.label == labels.QUERY_PROJECTION)
    with pytest.raises(UsageError) as error:
        run.cell(step.id, 0, (1, 2, 3))
    arguments = shlex.split((error.value.hint or "").partition(" loads ")[0])[1:]
    code, out, err = command(*arguments, "--model", checkpoint, "--json")
    values = step.outputs[0].values
    assert code == 0 and values is not None, err
    assert json.loads(out)["cell"]["value"] == values.at(1, 2, 3)


def model_run(checkpoint: Path, *texts: str, **options: Any) -> tuple[Run, Rerun]:
    selection = options.pop("selection", Selection())
    spec = ModelSpec(name=str(checkpoint), **options)
    return of_model(TextOptions(texts=list(texts)), spec, selection, QUIET)


def test_a_model_is_run_with_values_and_again_on_other_sentences(checkpoint: Path) -> None:
    run, rerun = model_run(checkpoint, *TEXTS)
    assert all(out.values is not None and out.stats for step in run.trace.steps for out in step.outputs)
    projection = next(step for step in run.trace.steps if step.label == labels.QUERY_PROJECTION)
    assert run.cell(projection.id, 0, (1, 2, 3)).cell.reproduces
    assert run.explain("token").adds_up
    listed = run.listing(run.trace.steps[projection.parent or 0])
    assert listed.complete
    other = rerun("He hates \u2603 dogs.")
    assert other.trace.input.texts == ["He hates \u2603 dogs."] and any("vocabulary" in note for note in other.notes)
    with pytest.raises(UsageError, match="tokens") as error:
        rerun("cat " * 100)
    assert "--truncate" in (error.value.hint or "")


def test_too_many_values_leave_statistics_and_it_says_so(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bert_inspect.traces.values.VALUES_LIMIT", 1000)
    run, _ = model_run(checkpoint, TEXTS[0])
    outputs = [out for step in run.trace.steps for out in step.outputs]
    assert all(out.values is None and out.stats for out in outputs)
    assert "more than 1,000 numbers" in run.no_values and "--layer" in run.no_values and run.notes == [run.no_values]
    assert VALUES_LIMIT == 50_000_000


def test_without_weights_there_are_shapes(checkpoint: Path) -> None:
    run, _ = model_run(checkpoint, TEXTS[0], weights="none")
    assert run.trace.output is None and "--weights none" in run.no_values


def test_a_selection_keeps_only_what_it_names(checkpoint: Path) -> None:
    run, _ = model_run(checkpoint, TEXTS[0], selection=Selection.parse(layer="1"))
    assert {step.layer for step in run.trace.steps} == {None, 1}
    inside = next(step for step in run.trace.steps if step.label == labels.ATTENTION_SCORES)
    assert run.cell(inside.id, 0, (0, 0, 0, 0)).cell.reproduces
    outside = next(step for step in run.trace.steps if step.layer is None and step.outputs)
    assert outside.outputs[0].values is None and "selected steps" in run.no_values
