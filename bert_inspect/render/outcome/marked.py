"""A text with marked stretches, each with its label: coloured as far as the terminal has colours, in brackets else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.style import Style
from rich.text import Text

from ...safetext import safe_text
from ..words import DIM, SENTENCE

_FILLS = ("#1f6feb", "#8250df", "#1a7f37", "#bc4c00", "#bf3989", "#0e7490")
"""White is legible on each of them (4.5 at least, WCAG 2.2), and each stands out from black and from white."""
_INKS = ("cyan", "magenta", "green", "red")
"""With sixteen colours: those that are legible on dark and on light alike."""
COLOURS = len(_FILLS)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A stretch of a text, by its characters, with what is said of it; ``colour`` numbers the kinds of marks."""

    start: int
    end: int
    label: str
    colour: int = 0


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A piece of a text as it is shown. Of a ``mark`` there is the label, possibly empty, and its colour; a ``cut``
    says in words what is left out.
    """

    text: str
    kind: Literal["plain", "mark", "cut"] = "plain"
    label: str = ""
    colour: int = 0


def pieces(text: str, marks: Sequence[Mark], *, most: int = SENTENCE) -> list[Piece]:
    """Return a text in pieces, safe to show. Of a longer text than ``most`` characters those around the first mark are
    kept, and what is left out is counted. A mark that begins inside another begins where that one ends.
    """
    ordered = sorted(marks, key=lambda mark: (mark.start, mark.end))
    begin, stop = _window(len(text), ordered[0] if ordered else None, most)
    found = [Piece(text=f"({begin:,} characters before) ... ", kind="cut")] if begin else []
    at = begin
    for mark in ordered:
        start, end = max(mark.start, at), min(mark.end, stop)
        if start >= end:
            continue
        if start > at:
            found.append(Piece(text=safe_text(text[at:start])))
        found.append(Piece(text=safe_text(text[start:end]), kind="mark", label=mark.label, colour=mark.colour))
        at = end
    if at < stop:
        found.append(Piece(text=safe_text(text[at:stop])))
    if stop < len(text):
        found.append(Piece(text=f" ... ({len(text) - stop:,} more characters)", kind="cut"))
    return found


def _window(length: int, first: Mark | None, most: int) -> tuple[int, int]:
    """Return which characters are shown: from the beginning where the first mark is among them, else around it."""
    if length <= most or first is None or first.end <= most:
        return 0, min(length, most)
    begin = max(0, min(first.start - most // 4, length - most))
    return begin, begin + most


@dataclass(frozen=True, kw_only=True)
class Marked:
    """A text in pieces as a Rich renderable; greyed where the marks mean nothing."""

    pieces: Sequence[Piece]
    meant: bool

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._text(console.color_system)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._text(console.color_system))

    def _text(self, colors: str | None) -> Text:
        text = Text(style=Style() if self.meant else DIM)
        for piece in self.pieces:
            if piece.kind != "mark":
                text.append(piece.text, DIM if piece.kind == "cut" else Style())
            elif colors is None or not self.meant:
                text.append(f"[{piece.text} {piece.label}]" if piece.label else f"[{piece.text}]")
            else:
                style = fill(piece.colour, colors)
                text.append(piece.text, style + Style(bold=True))
                text.append(f" [{piece.label}]" if piece.label else "", style)
        return text


def fill(colour: int, colors: str | None) -> Style:
    """Return the style of a kind of marks, as far as the terminal has colours."""
    if colors in ("truecolor", "256"):
        return Style(color="#ffffff", bgcolor=_FILLS[colour % len(_FILLS)])
    return Style() if colors is None else Style(color=_INKS[colour % len(_INKS)], underline=True)
