"""A matrix of a station as a table of a page: each number with its colour, the one that is told outlined."""

from collections.abc import Sequence
from dataclasses import dataclass

from ...safetext import safe_text
from ...stations.excerpt import Excerpt
from ..report.mapped import shade
from ..words import plural
from .narrowed import narrowed
from .words import gaps, left_out, numbers_of, shape_of

_COLUMNS = 11
"""How many of hundreds of columns are shown, and how many of all on paper: what there is room for."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column: its name, and the classes that say whether others are left out before it and that paper has no room
    for it.
    """

    name: str
    classes: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A number: how it is written, and the classes that colour it."""

    text: str
    classes: str


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """A tensor's name, shape and place, and one matrix of its numbers; no rows where none were kept. ``on_paper`` says
    what is not printed.
    """

    title: str
    shape: str
    where: str
    columns: Sequence[Column]
    rows: Sequence[tuple[str, Sequence[Entry]]]
    axes: str
    left_out: str
    on_paper: str


def matrix(excerpt: Excerpt) -> Matrix:
    """Return a matrix as a page shows it. Negative numbers have one colour and positive ones the other; each is the
    stronger, the nearer it is to the largest of those that are shown.
    """
    excerpt = narrowed(excerpt, _COLUMNS)
    told = -1 if excerpt.marked is None else excerpt.marked[1]
    printed = [at < _COLUMNS or at == told for at in range(len(excerpt.columns))]
    after = gaps(excerpt)
    return Matrix(
        title=safe_text(excerpt.label),
        shape=shape_of(excerpt),
        where=safe_text(excerpt.where),
        columns=[
            Column(name=safe_text(name), classes=_joined("after-gap" if at in after else "", _ON_SCREEN[printed[at]]))
            for at, name in enumerate(excerpt.columns)
        ],
        rows=_rows(excerpt, printed),
        axes=_axes(excerpt),
        left_out=left_out(excerpt),
        on_paper="" if all(printed) else f"{plural(printed.count(False), 'more column')} on screen",
    )


_ON_SCREEN = {True: "", False: "on-screen"}


def _joined(*classes: str) -> str:
    return " ".join(filter(None, classes))


def _axes(excerpt: Excerpt) -> str:
    down = f"down: {excerpt.row_axis}" if excerpt.row_axis else ""
    across = f"across: {excerpt.column_axis}" if any(excerpt.columns) else ""
    return ", ".join(part for part in (down, across) if part)


def _rows(excerpt: Excerpt, printed: Sequence[bool]) -> list[tuple[str, list[Entry]]]:
    numbers = excerpt.numbers or ()
    written = numbers_of(excerpt)
    shown = [abs(value) for row in numbers for value in row if not _hides(excerpt, value) and abs(value) < float("inf")]
    largest = max(shown, default=0.0)
    rows = []
    for at, (name, row) in enumerate(zip(excerpt.rows, numbers, strict=True)):
        entries = [
            Entry(
                text=written[at][place],
                classes=_joined(_classes(excerpt, (at, place), value, largest), _ON_SCREEN[printed[place]]),
            )
            for place, value in enumerate(row)
        ]
        rows.append((safe_text(name), entries))
    return rows


def _classes(excerpt: Excerpt, place: tuple[int, int], value: float, largest: float) -> str:
    if _hides(excerpt, value):
        return "hidden-score"
    whole = excerpt.whole_numbers or not abs(value) < float("inf") or not largest
    colour = "" if whole else shade(value / largest)
    return _joined(colour, "followed" if place == excerpt.marked else "")


def _hides(excerpt: Excerpt, value: float) -> bool:
    return excerpt.hidden_below is not None and value < excerpt.hidden_below
