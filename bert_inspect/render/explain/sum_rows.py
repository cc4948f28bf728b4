"""The rows of a sum in the terminal: each with its number and a bar to one side of zero."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from ..words import DIM, PLAIN
from .bars import axis, bar
from .digits import signed
from .rows import Row
from .scale import quiet_where_zero

KINDS = ("word", "position", "type")
"""What a token's share is made of, where its embeddings are told apart."""
_BETWEEN = "  "


@dataclass(frozen=True, kw_only=True)
class Block:
    """Rows that stand together, under a title; empty: none."""

    rows: Sequence[Row]
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class SumRows:
    """The rows of a sum as a Rich renderable.

    Attributes:
        blocks: the rows.
        digits: the decimals of each share.
        split: tell a token's word, position and token type apart.
        meant: whether the shares mean anything; they are greyed where not.
        longest: the columns of a name at most.
    """

    blocks: Sequence[Block]
    digits: int
    split: bool = False
    meant: bool = True
    longest: int = 32

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        rows = [row for block in self.blocks for row in block.rows]
        colors = console.color_system if self.meant else None
        widest = options.max_width
        place = max((len(str(row.place)) + 2 for row in rows if row.place is not None), default=0)
        name = min(self.longest, max((cell_len(row.name) for row in rows), default=0), max(6, widest // 3))
        number = max((len(signed(row.share, self.digits)) for row in rows), default=0)
        kinds = {kind: self._width(rows, kind) for kind in kinds_in(rows)} if self.split else {}
        taken = place + name + len(_BETWEEN) + sum(width + len(_BETWEEN) for width in kinds.values()) + number
        on = axis([row.share for row in rows if not row.others], widest - taken - len(_BETWEEN))
        if kinds:
            titles = "".join(f"{KINDS[kind].rjust(width)}{_BETWEEN}" for kind, width in kinds.items())
            yield _line((" " * (place + name + len(_BETWEEN)) + titles + "share".rjust(number), DIM))
        for block in self.blocks:
            if block.title:
                yield _line((fitted(block.title, widest).rstrip(), DIM))
            for row in block.rows:
                told = [
                    (("" if row.place is None else f"{row.place}{_BETWEEN}").rjust(place), DIM),
                    (fitted(row.name, name) + _BETWEEN, DIM if row.others or row.special or not self.meant else PLAIN),
                    *((self._kind(row, kind).rjust(width) + _BETWEEN, DIM) for kind, width in kinds.items()),
                    (signed(row.share, self.digits).rjust(number), quiet_where_zero(row.share)),
                ]
                line = _line(*told)
                if on and not row.others:
                    drawn = bar(row.share, on, ascii_only=options.ascii_only, colors=colors)
                    line.append(_BETWEEN).append_text(drawn)
                yield line

    def _width(self, rows: Sequence[Row], kind: int) -> int:
        return max(len(KINDS[kind]), *(len(self._kind(row, kind)) for row in rows))

    def _kind(self, row: Row, kind: int) -> str:
        share = row.kinds[kind] if kind < len(row.kinds) else None
        return "" if share is None else signed(share, self.digits)


def fitted(text: str, width: int) -> str:
    """Return a text in exactly so many columns; what is cut is marked by dots."""
    if cell_len(text) <= width or width < 5:
        return set_cell_size(text, width)
    return set_cell_size(set_cell_size(text, width - 3).rstrip() + "...", width)


def kinds_in(rows: Sequence[Row]) -> list[int]:
    """Return which of word, position and token type any token has."""
    return [kind for kind in range(len(KINDS)) if any(row.kinds[kind] is not None for row in rows if row.kinds)]


def _line(*parts: tuple[str, object]) -> Text:
    return Text.assemble(*parts, no_wrap=True, overflow="ignore")  # type: ignore[arg-type]
