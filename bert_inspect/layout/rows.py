"""Rows: in which row of a box each thing stands, and in which order, so that few arrows cross."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, permutations

from .plan import MOST, Net, TooLarge

MANY = 400
"""Of more links than this neither the order in a row nor straight columns are looked for: a picture of so many things
is drawn plainly, in the order of the run.
"""
PORT = "port"
"""The name of all places where tensors enter or leave a box."""


@dataclass(eq=False)
class Item:
    """A thing in a row: a node, the place where a tensor enters or leaves the box, or a bend in a long arrow.

    ``left`` and ``right`` is the room that it takes on either side of its ``x``; ``ins`` and ``outs`` say how far from
    there each tensor comes in or goes out. ``sides`` are those that come into a round body from the left (-1) or the
    right (1) instead; ``fixed`` says that its pins are given by its inside. ``out_at`` and ``middle`` are how far below
    its top an arrow leaves it, and comes in from a side, ``reach`` is half the width of its body.
    """

    name: str
    row: int = 0
    left: float = 0
    right: float = 0
    ins: dict[Net, float] = field(default_factory=dict)
    outs: dict[Net, float] = field(default_factory=dict)
    sides: dict[Net, int] = field(default_factory=dict)
    round: bool = False
    fixed: bool = False
    height: float = 0
    out_at: float = 0
    middle: float = 0
    reach: float = 0
    bend: bool = False
    is_out: bool = False
    late: bool = False
    x: float = 0
    y: float = 0

    @property
    def is_line(self) -> bool:
        """Whether it is a piece of an arrow rather than something that is drawn."""
        return self.bend or self.name == PORT


@dataclass(frozen=True)
class Link:
    """A tensor between two neighbouring rows."""

    net: Net
    upper: Item
    lower: Item


def rows_of(items: Sequence[Item], ends: Mapping[Net, tuple[Item, Sequence[Item]]], spacing: float) -> list[list[Item]]:
    """Return the items in rows, with a bend in every row that an arrow passes; ``ends`` are an arrow's two sides."""
    feeds: dict[Item, list[Item]] = {item: [] for item in items}
    for source, targets in ends.values():
        for target in targets:
            if target is not source:
                feeds[target].append(source)
    for item in items:  # in the order of the run: what feeds an item stands before it
        item.row = max((source.row + 1 for source in feeds[item]), default=item.row)
    fed: dict[Item, int] = {}
    for source, targets in ends.values():
        fed[source] = min(fed.get(source, len(items)), *(target.row for target in targets))
    for item in items:
        if item.late:
            item.row = max(item.row, fed.get(item, item.row + 1) - 1)
    outs = [item for item in items if item.is_out]
    last = max((item.row for item in items if not item.is_out), default=0) + bool(outs)
    rows: list[list[Item]] = [[] for _ in range(last + 1)]
    for item in items:
        item.row = last if item.is_out else item.row
        rows[item.row].append(item)
    passed = [range(source.row + 1, max(target.row for target in targets)) for source, targets in ends.values()]
    if sum(map(len, passed)) > MOST:
        raise TooLarge
    for net, between in zip(ends, passed, strict=True):
        for row in between:
            bend = Item(f"bend {row}", row, spacing, spacing, {net: 0}, {net: 0}, bend=True)
            rows[row].append(bend)
    return rows


def links_of(rows: Sequence[Sequence[Item]]) -> list[Link]:
    """Return what goes from each row to the next."""
    links = []
    for upper, lower in pairwise(rows):
        goes = {net: item for item in upper for net in item.outs}
        links += [Link(net, goes[net], item) for item in lower for net in item.ins if net in goes]
    return links


def ordered(rows: Sequence[Sequence[Item]]) -> list[list[Item]]:
    """Return the rows with their items in an order in which few arrows cross.

    Sweeps down and up put each item at the mean of its neighbours (Sugiyama's barycentre), from several beginnings;
    the best order that was seen is kept, the first of equals.
    """
    links = links_of(rows)
    first = [list(row) for row in rows]
    if len(links) > MANY:
        return first
    below: list[list[Link]] = [[] for _ in rows]
    for link in links:
        below[link.upper.row].append(link)
    best, least = first, _crossings(first, links)
    top = next((number for number, row in enumerate(first) if row), 0)
    for start in _starts(first[top] if first else []):
        order = [list(start) if number == top else list(row) for number, row in enumerate(first)]
        for sweep in range(6):
            down = sweep % 2 == 0
            for row in range(1, len(order)) if down else range(len(order) - 2, -1, -1):
                other = row - 1 if down else row + 1
                _sort(order[row], order[other], below[min(row, other)], down=down)
            crossings = _crossings(order, links)
            if crossings < least:
                best, least = [list(row) for row in order], crossings
    return best


def _starts(row: Sequence[Item]) -> Sequence[Sequence[Item]]:
    return list(permutations(row)) if len(row) <= 4 else [row]


def _sort(row: list[Item], other: Sequence[Item], links: Sequence[Link], *, down: bool) -> None:
    at = {item: place for place, item in enumerate(other)}
    places: dict[Item, list[float]] = {}
    for link in links:
        mine, theirs = (link.lower, link.upper) if down else (link.upper, link.lower)
        if theirs in at:
            places.setdefault(mine, []).append(at[theirs] + _fraction(theirs, link.net, down=down))
    now = {item: float(place) for place, item in enumerate(row)}
    row.sort(key=lambda item: sum(places[item]) / len(places[item]) if item in places else now[item])


def _fraction(item: Item, net: Net, *, down: bool) -> float:
    """Return where on an item, from 0 to 1, a tensor leaves it or comes in."""
    pins = item.outs if down else item.ins
    width = item.left + item.right
    return 0.5 if item.bend or not width else (pins[net] + item.left) / width


def _crossings(rows: Sequence[Sequence[Item]], links: Sequence[Link]) -> int:
    at = {item: place for row in rows for place, item in enumerate(row)}
    total = 0
    by_row: dict[int, list[tuple[float, float, Net]]] = {}
    for link in links:
        upper = at[link.upper] + _fraction(link.upper, link.net, down=True)
        lower = at[link.lower] + _fraction(link.lower, link.net, down=False)
        by_row.setdefault(link.upper.row, []).append((upper, lower, link.net))
    for ends in by_row.values():
        for place, (upper, lower, net) in enumerate(ends):
            total += sum(
                (upper - other) * (lower - under) < 0 for other, under, third in ends[place + 1 :] if third is not net
            )
    return total
