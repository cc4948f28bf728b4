"""Columns: where across its box each item stands, so that what can be straight is straight and nothing overlaps."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import inf

from .rows import MANY, Item, Link, links_of

_SWEEPS = 60


class _Blocks:
    """Items that are joined to straight columns: each has a place relative to its block, each block a place."""

    def __init__(self, rows: Sequence[Sequence[Item]], gap: float) -> None:
        self.block = {item: item for row in rows for item in row}
        self.offset = dict.fromkeys(self.block, 0.0)
        self._apart = [
            (left, right, left.right + (0 if left.is_line and right.is_line else gap) + right.left)
            for row in rows
            for left, right in pairwise(row)
        ]

    def join(self, link: Link) -> bool:
        """Make a link straight, if that pushes nothing out of its order; say whether it is."""
        upper, lower = link.upper, link.lower
        shift = self.offset[upper] + upper.outs[link.net] - lower.ins[link.net] - self.offset[lower]
        mine, theirs = self.block[upper], self.block[lower]
        if mine is theirs:
            return abs(shift) < 1e-6
        before = {item: self.offset[item] for item, block in self.block.items() if block is theirs}
        for item in before:
            self.block[item] = mine
            self.offset[item] += shift
        if self.leftmost() is not None:
            return True
        for item, offset in before.items():
            self.block[item], self.offset[item] = theirs, offset
        return False

    def distances(self) -> list[tuple[Item, Item, float]]:
        """Return how far apart neighbouring blocks must be."""
        return [
            (self.block[left], self.block[right], apart + self.offset[left] - self.offset[right])
            for left, right, apart in self._apart
        ]

    def leftmost(self) -> dict[Item, float] | None:
        """Return the blocks as far to the left as they go, None if their order contradicts itself."""
        place = dict.fromkeys(self.block.values(), 0.0)
        distances = self.distances()
        for _ in range(len(place) + 1):
            moved = False
            for left, right, apart in distances:
                if place[right] < place[left] + apart - 1e-6:
                    if left is right:
                        return None
                    place[right] = place[left] + apart
                    moved = True
            if not moved:
                return place
        return None


def place_across(rows: Sequence[Sequence[Item]], *, gap: float) -> None:
    """Give every item its ``x``; the leftmost end of anything is at 0."""
    links = links_of(rows)
    if len(links) > MANY:
        _place_plainly(rows, gap)
        return
    blocks = _Blocks(rows, gap)
    loose = [link for link in sorted(links, key=_rank(links)) if link.net in link.lower.sides or not blocks.join(link)]
    place = _pulled(blocks, loose)
    for item in blocks.block:
        item.x = place[blocks.block[item]] + blocks.offset[item]
    least = min((item.x - item.left for item in blocks.block), default=0)
    for item in blocks.block:
        item.x -= least


def _place_plainly(rows: Sequence[Sequence[Item]], gap: float) -> None:
    """Put each row's items beside each other, and the middles of all rows below each other."""
    for row in rows:
        at = 0.0
        for before, item in zip([None, *row], row, strict=False):
            if before is not None:
                at += before.right + (0 if before.is_line and item.is_line else gap) + item.left
            item.x = at
        for item in row:
            item.x -= at / 2
    least = min((item.x - item.left for row in rows for item in row), default=0)
    for item in (item for row in rows for item in row):
        item.x -= least


def _rank(links: Sequence[Link]) -> Callable[[Link], tuple[int, int]]:
    """Return the key by which links claim to be straight: bends first, then between nodes, the middle of several."""
    out: dict[tuple[Item, object], list[Link]] = {}
    for link in links:
        if not link.lower.bend and link.net not in link.lower.sides:
            out.setdefault((link.upper, link.net), []).append(link)

    def key(link: Link) -> tuple[int, int]:
        if link.upper.bend and link.lower.bend:
            return 0, 0
        beside = out.get((link.upper, link.net), [])
        middle = abs(2 * beside.index(link) - (len(beside) - 1)) if link in beside else 0
        return (3 if link.lower.bend else 2 if link.upper.bend else 1), middle

    return key


def _pulled(blocks: _Blocks, loose: Sequence[Link]) -> dict[Item, float]:
    """Return the blocks' places, each pulled by its slanted links as far as its neighbours let it."""
    place = blocks.leftmost() or {}
    distances = [each for each in blocks.distances() if each[0] is not each[1]]
    pulls: dict[Item, list[tuple[Item, float]]] = {block: [] for block in place}
    for link in loose:
        upper, lower = blocks.block[link.upper], blocks.block[link.lower]
        shift = blocks.offset[link.upper] + link.upper.outs[link.net]
        shift -= blocks.offset[link.lower] + link.lower.ins[link.net]
        if upper is not lower:
            pulls[upper].append((lower, -shift))
            pulls[lower].append((upper, shift))
    order = sorted(place, key=lambda block: place[block])
    for sweep in range(_SWEEPS):
        for block in order if sweep % 2 else reversed(order):
            if not pulls[block]:
                continue
            wanted = sum(place[other] + shift for other, shift in pulls[block]) / len(pulls[block])
            least = max((place[left] + apart for left, right, apart in distances if right is block), default=-inf)
            most = min((place[right] - apart for left, right, apart in distances if left is block), default=inf)
            place[block] = max(min(wanted, most), least)
    return place
