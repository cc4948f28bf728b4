"""Texts with their shares in the terminal: coloured as far as it has colours, with signs in brackets else."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.style import Style
from rich.text import Text

from ..words import DIM
from .scale import filling, signs
from .texts import Piece


@dataclass(frozen=True, kw_only=True)
class Coloured:
    """A text in pieces as a Rich renderable; greyed where the shares mean nothing."""

    pieces: Sequence[Piece]
    meant: bool = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._text(console.color_system if self.meant else None)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._text(console.color_system if self.meant else None))

    def _text(self, colors: str | None) -> Text:
        text = Text(style=Style() if self.meant else DIM, overflow="fold")
        inserted = False
        for piece in self.pieces:
            gap = piece.kind == "inserted" or inserted
            if gap and text.plain and not text.plain.endswith(" "):
                text.append(" ")
            inserted = piece.kind == "inserted"
            if not piece.tells:
                text.append(piece.text, DIM if piece.kind == "cut" else Style())
            elif colors is None:
                text.append(piece.text + (f"[{found}]" if (found := signs(piece.strength)) else ""))
            else:
                text.append(piece.text, filling(piece.strength, colors))
        return text


def legend(for_: str, against: str, colors: str | None) -> Text:
    """Return a line that says what the colours, or the signs, stand for."""
    if colors is None:
        return Text(f"[+] {for_}, [-] {against}; [+++] much of it", style=DIM)
    return Text.assemble(
        (f" {for_} ", filling(1, colors)),
        "  ",
        (f" {against} ", filling(-1, colors)),
        ("  the stronger, the more", DIM),
    )
