"""The tour at a terminal: one station after another, with a line of keys below each."""

import sys
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..terminal import Terminal, report

if TYPE_CHECKING:
    from ..render.walk.words import Typed
    from ..stations.walk import Walk

_KEYS = "Enter: next   b: back   l: list   NAME or number: go there   q: quit"


def guided(tour: "Walk", typed: "Typed", terminal: Terminal, *, at: int = 0) -> None:
    """Show one station, read what is typed, show the next, until the reader quits or the last one was shown.

    It reads lines, not keys, so that it works on every terminal, and over a slow connection as well.
    """
    from ..render.walk.terminal import listed, station

    shown = True
    while True:
        if shown:
            terminal.show(station(tour, at, typed))
        answer = _asked(at, len(tour.stops))
        shown = True
        if answer is None or answer in ("q", "quit", "exit"):
            return
        if answer in ("", "n", "next"):
            if at + 1 == len(tour.stops):
                return
            at += 1
        elif answer in ("b", "back", "p", "previous"):
            at = max(at - 1, 0)
        elif answer in ("l", "list", "?", "h", "help"):
            terminal.show(listed(tour, at))
            shown = False
        else:
            try:
                at = tour.place(answer)
            except UsageError as error:
                report(error)
                shown = False


def _asked(at: int, count: int) -> str | None:
    """Return what was typed below a station; None at the end of what stdin has."""
    last = at + 1 == count
    keys = _KEYS.replace("Enter: next", "Enter: end") if last else _KEYS
    print(f"[{at + 1}/{count}]  {keys}", file=sys.stderr)  # noqa: T201
    print("> ", end="", file=sys.stderr, flush=True)  # noqa: T201
    line = sys.stdin.readline()
    return line.strip() if line else None
