"""Programs that fill the terminal: whether one can start, and how it ends with the terminal as it was."""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..errors import ExitCode
from ..terminal import Color, sits_at_terminal

if TYPE_CHECKING:
    from ..tui.program import Program


def is_installed() -> bool:
    """Whether the package is there that draws them."""
    return find_spec("textual") is not None


def has_streams() -> bool:
    """Whether stdin, stdout and stderr are a terminal, all of which are needed."""
    return sits_at_terminal() and sys.stdout.isatty() and sys.stderr.isatty()


def is_drawable() -> bool:
    """Whether the terminal says what it is, and can do more than print lines."""
    return os.environ.get("TERM") not in (None, "", "dumb") or os.name != "posix"


def is_light() -> bool:
    """Whether the terminal says that its background is light; most do not say."""
    return os.environ.get("COLORFGBG", "").endswith(";15")


def shown(app: "Program", color: Color) -> None:
    """Run a program until it is left, and report how if that was not by its own key.

    Raises:
        KeyboardInterrupt: it was interrupted.
        Exception: it failed; the terminal is as it was.
    """
    gc.freeze()  # a trace of many steps need not be looked through again and again
    gc.enable()  # the command's entry turns the collector off for processes of seconds
    with _colours(color), _ended_by_signals(app):
        code = app.run() or 0
    if app.failure is not None:
        raise app.failure
    if code == ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if code:
        signal.raise_signal(code - 128)  # with the terminal as it was, it ends the process as it would any


@contextmanager
def _colours(wanted: str) -> Iterator[None]:
    """Let NO_COLOR, which alone tells Textual whether there is colour, say what is wanted."""
    before = os.environ.get("NO_COLOR")
    if wanted == "never":
        os.environ["NO_COLOR"] = "1"
    elif wanted == "always":
        os.environ.pop("NO_COLOR", None)
    try:
        yield
    finally:
        os.environ.pop("NO_COLOR", None)
        if before is not None:
            os.environ["NO_COLOR"] = before


@contextmanager
def _ended_by_signals(app: "Program") -> Iterator[None]:
    """Let the signals that ask this process to end close the program first: it has changed the terminal's modes."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [number for name in names if (number := getattr(signal, name, None)) is not None]
    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, lambda number, frame: app.end(128 + number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
