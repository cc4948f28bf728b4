"""A dataflow drawn with characters: a line a node, its tensors as lanes beside it, its modules as boxes around."""

from collections.abc import Iterator, Sequence, Set

from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.style import Style

from ...dataflow import Dataflow, Node
from ...safetext import safe_text
from ..cells import Cell, cut, length, segments
from ..words import DIM, KNOWN, LAYER, MASKED, NAME, OP, PLAIN
from .lanes import Row, rows_of
from .words import label_of, label_with_number, lines_of, shapes_from, sign_of, times, type_of

_LINES = {"ud": "│", "lr": "─", "udlr": "┼", "ul": "╯", "ur": "╰", "dl": "╮", "dr": "╭", "udl": "┤", "udr": "├"}
_LINES |= {"dlr": "┬", "ulr": "┴", "": " "}
_PLAIN_LINES = {"ud": "|", "lr": "-", "": " "}
_SIGNS = {"layer": "■", "module": "■", "input": "◇", "output": "◆", "parameter": "◇", "text": "◇", "tokenizer": "■"}
_ASCII = str.maketrans("×÷−", "x/-")
_LEAST = 12


class TextDiagram:
    """A dataflow as a Rich renderable, to be read upwards or downwards; ``marked`` are the ids of nodes that stand
    out.
    """

    def __init__(self, flow: Dataflow, *, upwards: bool, marked: Set[str] = frozenset()) -> None:
        self._flow = flow
        self._marked = marked
        self._upwards = upwards
        self._shapes = shapes_from(flow)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        plain = options.ascii_only
        rows = rows_of(self._flow, title_last=self._upwards)
        if self._upwards:
            rows.reverse()
        lanes = max((len(row.cells) for row in rows), default=0)
        after = [*rows[1:], None]
        parts = [self._parts(row, next_, plain=plain) for row, next_ in zip(rows, after, strict=True)]
        widths = _fitted(parts, options.max_width - 2 * lanes - 1)
        for row, part in zip(rows, parts, strict=True):
            line = [*self._lanes(row, lanes, plain=plain), (" ", PLAIN)]
            used = max((place for place, cell in enumerate(part) if cell), default=-1)
            for place, (cell, width) in enumerate(zip(part, widths, strict=True)):
                if place <= used and width:
                    shown = cut(cell, width, "~" if plain else "…") if length(cell) > width else cell
                    line += [*shown, (" " * (width - length(shown) + 2 if place < used else 0), PLAIN)]
            yield from segments(line)
            yield Segment.line()

    def _lanes(self, row: Row, lanes: int, *, plain: bool) -> Cell:
        cells = [*row.cells, *[frozenset[str]()] * (lanes - len(row.cells))]
        line: Cell = []
        for cell in cells:
            line += [self._sign(row.node, cell, plain=plain), (("-" if plain else "─") if "r" in cell else " ", DIM)]
        return line

    def _sign(self, node: Node, cell: frozenset[str], *, plain: bool) -> tuple[str, Style]:
        if "node" in cell:
            sign = sign_of(node)[0] if node.kind == "op" else "#" if plain else _SIGNS[node.kind]
            return sign if not plain or sign.isascii() else "*", OP if node.kind == "op" else NAME
        if self._upwards:
            cell = frozenset({"u": "d", "d": "u"}.get(side, side) for side in cell)
        sides = "".join(side for side in "udlr" if side in cell)
        return _PLAIN_LINES.get(sides, "+") if plain else _LINES[sides], DIM

    def _parts(self, row: Row, after: Row | None, *, plain: bool) -> list[Cell]:
        """Return a row's text: what it is, within the boxes around it, its class or op, the shape of what leaves it."""
        node, boxes = row.node, row.boxes
        rule, top, bottom = ("|", "+", "`") if plain else ("│", "╭", "╰")
        follow = after.boxes if after is not None else ()
        rails = [bottom if box not in follow else rule for box in boxes]
        if row.title:
            rails[-1] = top
        lead: Cell = [(" ".join([*rails, ""]), DIM)]
        if row.title:
            many = f"  {times(node).translate(_ASCII) if plain else times(node)}" if node.links else ""
            return [[*lead, (label_of(node), LAYER), (many, NAME)], [(type_of(node), DIM)], []]
        text = label_with_number(node) or "; ".join(lines_of(node))
        text = text.translate(_ASCII) if plain else text
        what: Cell = [(safe_text(node.type), OP), (" no-op" if node.no_op else "", MASKED)]
        style = NAME if node.kind in ("input", "output", "text", "tokenizer") else PLAIN
        if node.id in self._marked:
            style = KNOWN + NAME
        return [
            [*lead, (text, style)],
            what if node.kind == "op" else [(type_of(node), DIM)],
            [(self._shapes.get(node.id) or ("none" if node.kind == "op" and node.lines else ""), PLAIN)],
        ]


def _fitted(parts: Sequence[Sequence[Cell]], room: int) -> list[int]:
    """Return the widths of the columns; where it is too much, classes are cut first, then names."""
    widths = [max((length(part[place]) for part in parts), default=0) for place in range(3)]
    for place, least in ((1, 0), (0, _LEAST)):
        widths[place] -= min(max(0, sum(widths) + 4 - room), max(0, widths[place] - least))
    return [width if place != 1 or width >= 6 else 0 for place, width in enumerate(widths)]
