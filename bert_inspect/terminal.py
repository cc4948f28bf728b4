"""The process's edge: what goes to stdout and what to stderr, colour, width, pager, the texts on stdin."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Literal

from .errors import BertInspectError, UsageError
from .files import replacing
from .safetext import is_unsafe, safe_segments, safe_text

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

Color = Literal["auto", "always", "never"]

_NO_WRAP = 10_000
"""The width on a pipe: nothing is wrapped or cut there, each line is as long as it is."""
_LEAST = 20
"""The fewest columns that are written in, whatever the environment says."""
_STDIN_BYTES = 20_000_000
"""What is read from stdin at most: its sentences make one batch."""
_ERROR_LENGTH = 1000
"""How many characters of an error are shown: it may quote what the user gave, however long that is."""
_PATIENCE = 1.0
"""Seconds after which a wait is explained."""


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """How to talk to whoever called: ``quiet`` keeps notices back, ``pager`` allows one where it is needed."""

    color: Color = "auto"
    quiet: bool = False
    verbose: bool = False
    pager: bool = True

    def show(self, product: "RenderableType", *, summary: "Callable[[], RenderableType] | None" = None) -> None:
        """Print the product on stdout, through a pager if it is taller than the terminal that it goes to. A pager takes
        its text with it when it is left: then the summary, which is a part of the product, is made and stays.
        """
        console = _console(self.color)
        with stdout() as stream:
            text = _printed(console, product)
            if self.pager and is_interactive() and text.count("\n") >= console.height and _page(text):
                if summary is None:
                    return
                text = _printed(console, summary())
            sys.stdout.flush()
            stream.write(text.encode(sys.stdout.encoding, "backslashreplace"))

    def write(self, parts: Iterable[bytes]) -> None:
        """Write the product's bytes to stdout."""
        with stdout() as stream:
            sys.stdout.flush()
            stream.writelines(parts)

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
            _tell(safe_text(text, most=_ERROR_LENGTH))

    def detail(self, text: str) -> None:
        """Tell something that only ``--verbose`` wants to know."""
        if self.verbose:
            self.say(text)

    @contextmanager
    def progress(self, total: int, *, done: int = 0, shown: bool = True) -> Iterator[Callable[[int], None]]:
        """Show on a terminal how many of ``total`` sentences are traced; yields what to call with how many more are."""
        if not shown or self.quiet or not sys.stderr.isatty():
            yield lambda more: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("sentences"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        console = Console(file=sys.stderr, no_color=True if self.color == "never" else None)
        with Progress(*columns, console=console) as bar:
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
            timer.join()


@contextmanager
def stdout() -> Iterator[BinaryIO]:
    """Yield stdout for the product's bytes; a reader that has seen enough ends the block without a word.

    Raises:
        BertInspectError: it does not take them.
    """
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        swallow_stdout()
    except OSError as error:
        swallow_stdout()
        raise cannot_write_output(error) from error


def cannot_write_output(error: Exception) -> BertInspectError:
    """Return the error that says why stdout takes nothing."""
    return BertInspectError(f"cannot write the output: {getattr(error, 'strerror', None) or error}")


def swallow_stdout() -> None:
    """Let everything that still goes to stdout, which Python flushes once more at exit, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def report(error: BertInspectError) -> None:
    """Write an error and its hint to stderr, a line each."""
    lines = [f"error: {safe_text(error.message, most=_ERROR_LENGTH)}"]
    if error.hint:
        lines.append(f"hint: {safe_text(error.hint, most=_ERROR_LENGTH)}")
    _tell("\n".join(lines))


def _tell(line: str) -> None:
    with suppress(OSError, ValueError):  # where stderr is closed or full nobody can be told
        print(line, file=sys.stderr, flush=True)  # noqa: T201


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
        UsageError: stdin is closed, is not UTF-8 text, or holds more than one batch can.
    """
    try:
        data = b"" if sys.stdin is None else sys.stdin.buffer.read(_STDIN_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read stdin: {error}", "give the sentence as an argument") from error
    if len(data) > _STDIN_BYTES:
        raise UsageError(
            f"stdin holds more than {_STDIN_BYTES:,} bytes, too many for one batch",
            "bert-inspect run --input FILE traces a file of sentences in many batches",
        )
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


def is_interactive() -> bool:
    """Whether a person sits at both ends: only then a pager makes sense."""
    return sys.stdout.isatty() and sits_at_terminal()


def _width() -> int:
    """Return the columns to write in: what COLUMNS says, else the terminal's; there are enough of them on a pipe."""
    given = os.environ.get("COLUMNS", "")
    columns = int(given[:6]) if given.isascii() and given.isdigit() else 0
    if not columns:
        columns = _NO_WRAP
        if sys.stdout.isatty():
            with suppress(OSError):
                columns = os.get_terminal_size(sys.stdout.fileno()).columns or 80
    return min(max(columns, _LEAST), _NO_WRAP)


def _console(color: Color) -> "Console":
    from rich.console import Console

    on_terminal = sys.stdout.isatty()
    return Console(
        file=sys.stdout,
        width=_width(),
        force_terminal=True if color == "always" else None,
        no_color={"never": True, "always": False}.get(color),
        color_system=None if color == "never" else "auto" if on_terminal or color != "always" else "standard",
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
        safe_box=True,
        legacy_windows=False,
    )


@dataclass(frozen=True)
class _Safe:
    """A product with the text that it forgot to make safe made so."""

    product: "RenderableType"

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "Iterator[Segment]":
        yield from safe_segments(console.render(self.product, options))


def _printed(console: "Console", product: "RenderableType") -> str:
    """Return what goes to the screen, with nothing unsafe in it but the console's own styles."""
    text = "" if console.color_system else _rendered(console, product)
    if console.color_system or any(sign != "\n" and is_unsafe(sign) for sign in set(text)):  # hardly ever: it was safe
        text = _rendered(console, _Safe(product))
    # Rich fills the columns of a table up: in a file, or where an editor wraps, that is in the way.
    return "\n".join(line.rstrip(" ") for line in text.split("\n"))


def _rendered(console: "Console", product: "RenderableType") -> str:
    with console.capture() as captured:
        console.print(product)
    return captured.get()


def _page(text: str) -> bool:
    """Show text in the user's pager; False where there is none."""
    command = os.environ.get("PAGER", "").split() or ["less", "-R"]
    if os.environ.get("TERM") in (None, "dumb") or shutil.which(command[0]) is None:
        return False
    environment = {**os.environ, "LESS": os.environ.get("LESS", "-RS")}  # colours, and long lines not wrapped
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)
    except OSError:
        return False
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the pager's: there it ends a search
    try:
        with suppress(BrokenPipeError):
            process.communicate(text.encode(errors="backslashreplace"))
    finally:
        signal.signal(signal.SIGINT, before)
    return process.returncode == 0
