"""The process's edge: what goes to stdout and what to stderr, colour, width, pager, the texts on stdin."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .errors import BertInspectError, UsageError
from .files import replacing
from .safetext import safe_text

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Color = Literal["auto", "always", "never"]

_NO_WRAP = 10_000
"""The width on a pipe: nothing is wrapped or cut there, each line is as long as it is."""
_PATIENCE = 1.0
"""Seconds after which a wait is explained."""


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """How to talk to whoever called: ``quiet`` keeps notices back, ``pager`` allows one where it is needed."""

    color: Color = "auto"
    quiet: bool = False
    verbose: bool = False
    pager: bool = True

    def show(self, product: "RenderableType") -> None:
        """Print the product on stdout, through a pager if it is taller than the terminal that it goes to."""
        console = _console(self.color)
        with console.capture() as captured:
            console.print(product)
        text = captured.get()
        if self.pager and _interactive() and text.count("\n") >= console.height and _page(text):
            return
        sys.stdout.write(text)
        sys.stdout.flush()

    def write(self, parts: Iterable[bytes]) -> None:
        """Write the product's bytes to stdout."""
        sys.stdout.flush()
        for part in parts:
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()

    def save(self, path: str, parts: Iterable[bytes]) -> None:
        """Write the product's bytes to a file, whole or not at all, and say so.

        Raises:
            UsageError: the file cannot be written.
        """
        with replacing(path) as stream:
            stream.writelines(parts)
        self.say(f"written to {path}")

    def say(self, text: str) -> None:
        """Tell something about the product, on stderr."""
        if not self.quiet:
            print(safe_text(text), file=sys.stderr, flush=True)  # noqa: T201

    def detail(self, text: str) -> None:
        """Tell something that only ``--verbose`` wants to know."""
        if self.verbose:
            self.say(text)

    @contextmanager
    def progress(self, total: int, *, done: int = 0) -> Iterator[Callable[[int], None]]:
        """Show on stderr how many of ``total`` sentences are traced; yields what to call with how many more are."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("sentences"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        console = Console(file=sys.stderr, no_color=True if self.color == "never" else None)
        with Progress(*columns, console=console, disable=self.quiet) as bar:
            task = bar.add_task("", total=total, completed=done)
            yield lambda more: bar.advance(task, more)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Say what is being waited for, once the wait is over a second."""
        timer = threading.Timer(_PATIENCE, self.say, [f"{what} ..."])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def report(error: BertInspectError) -> None:
    """Write an error and its hint to stderr, a line each."""
    lines = [f"error: {safe_text(error.message)}"]
    if error.hint:
        lines.append(f"hint: {safe_text(error.hint)}")
    with suppress(OSError, ValueError):
        print("\n".join(lines), file=sys.stderr, flush=True)  # noqa: T201


def as_typed(text: str) -> str:
    """Return an argument as its bytes say it in UTF-8, where the locale had another encoding for it."""
    try:
        return os.fsencode(text).decode("utf-8") if any("\udc80" <= sign <= "\udcff" for sign in text) else text
    except UnicodeError:
        return text


def sits_at_terminal() -> bool:
    """Whether stdin is a terminal at which a person would have to type."""
    try:
        return sys.stdin is not None and sys.stdin.isatty()
    except ValueError:  # closed
        return False


def texts_from_stdin() -> list[str]:
    """Return the sentences on stdin, one a line. Blank lines are no sentences.

    Raises:
        UsageError: stdin is closed, or is not UTF-8 text.
    """
    try:
        data = b"" if sys.stdin is None else sys.stdin.buffer.read()
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read stdin: {error}", "give the sentence as an argument") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"line {line} on stdin is not valid UTF-8 text", "send it as UTF-8") from error
    return [stripped for line in text.split("\n") if (stripped := line.removesuffix("\r")).strip()]


def prepare_streams() -> None:
    """Let text that the terminal's encoding has no sign for be written as an escape, not as a failure, and let a
    closed stream swallow what is written to it.
    """
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _interactive() -> bool:
    return sys.stdout.isatty() and sits_at_terminal()


def _console(color: Color) -> "Console":
    from rich.console import Console

    on_terminal = sys.stdout.isatty()
    return Console(
        file=sys.stdout,
        width=None if on_terminal or "COLUMNS" in os.environ else _NO_WRAP,
        force_terminal=True if color == "always" else None,
        no_color=True if color == "never" else None,
        color_system=None if color == "never" else "auto" if on_terminal or color != "always" else "standard",
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
        safe_box=True,
        legacy_windows=False,
    )


def _page(text: str) -> bool:
    """Show text in the user's pager; False where there is none."""
    command = os.environ.get("PAGER") or "less -R"
    program = command.split()[0]
    if os.environ.get("TERM") in (None, "dumb") or shutil.which(program) is None:
        return False
    environment = {**os.environ, "LESS": os.environ.get("LESS", "-R")}
    try:
        process = subprocess.Popen(command.split(), stdin=subprocess.PIPE, env=environment)
        with suppress(BrokenPipeError):
            process.communicate(text.encode(errors="backslashreplace"))
        process.wait()
    except (OSError, KeyboardInterrupt):
        return False
    return process.returncode == 0
