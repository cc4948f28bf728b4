"""Wires: how far down each row stands, and the way of each tensor between the rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations

from .plan import Net, Point, Spacing, Wire
from .rows import Item, Link, links_of

_CLOSE = 0.5


@dataclass(eq=False)
class _Crossbar:
    """A tensor on its way from one row to the next: from where across to where, and on which track it turns."""

    net: Net
    top: float
    ends: list[float] = field(default_factory=list)
    track: int | None = None

    @property
    def span(self) -> tuple[float, float]:
        return min(self.top, *self.ends), max(self.top, *self.ends)

    @property
    def turns(self) -> bool:
        low, high = self.span
        return high - low > _CLOSE


@dataclass(frozen=True)
class Way:
    """A finished piece of wire, into an item."""

    net: Net
    into: Item
    points: tuple[Point, ...]


def place_down(
    rows: Sequence[Sequence[Item]], spacing: Spacing, *, above: float, below: float
) -> tuple[float, list[Way]]:
    """Give every item its ``y`` and return the whole height and all wires; ``above`` and ``below`` the things in the
    rows so much more room is left.
    """
    links: list[list[Link]] = [[] for _ in rows]
    for each in links_of(rows):
        links[each.lower.row].append(each)
    ways: list[Way] = []
    bottom = 0.0
    for number, row in enumerate(rows):
        height = max((item.height for item in row), default=0.0)
        entering = links[number]
        bars, entries = _crossbars(entering, row, spacing)
        turn = bottom + spacing.row / 2 + (above if number == 1 else 0)
        top = 0.0
        if number:
            tracks = _assign_tracks(list(bars.values()))
            top = turn + spacing.row / 2 + max(0, tracks - 1) * spacing.track
            if not tracks and all(_noted(link.upper, spacing) for link in entering):
                top -= spacing.row - spacing.arrow
            top += below if all(item.is_out for item in row) else 0
        bottom = top + height
        for item in row:
            if item.bend:
                item.height = item.out_at = height
            item.y = top + (height - item.height) / 2
        for link in entering:
            bar = bars[link.net]
            at = turn + (bar.track or 0) * spacing.track
            ways.append(Way(link.net, link.lower, _points(link, bar, at, entries[link], bottom)))
    ended = bool(rows) and all(item.is_out for item in rows[-1])
    return bottom if ended else bottom + below + spacing.row / 2, ways


def _noted(item: Item, spacing: Spacing) -> bool:
    """Whether an arrow that leaves an item has some length already, beside a note or as a bend."""
    return item.bend or item.height - item.out_at >= spacing.arrow


@dataclass(frozen=True)
class _Entry:
    """How a link comes into its item: straight down at ``x``, or from a side; ``direct`` without a turn before."""

    x: float
    side: int = 0
    direct: bool = False


def _crossbars(
    links: Sequence[Link], row: Sequence[Item], spacing: Spacing
) -> tuple[dict[Net, _Crossbar], dict[Link, _Entry]]:
    bars: dict[Net, _Crossbar] = {}
    entries: dict[Link, _Entry] = {}
    bends = {link.net: link.lower for link in links if link.lower.bend}
    for link in links:
        bar = bars.setdefault(link.net, _Crossbar(link.net, link.upper.x + link.upper.outs[link.net]))
        entry = _entry(link, bends.get(link.net), row, spacing)
        entries[link] = entry
        if not (entry.direct and link.net in bends):  # it branches off the bend
            bar.ends.append(entry.x)
    return bars, entries


def _entry(link: Link, bend: Item | None, row: Sequence[Item], spacing: Spacing) -> _Entry:
    item, net = link.lower, link.net
    side = item.sides.get(net, 0)
    if not side:
        return _Entry(item.x + item.ins[net])
    from_ = bend.x if bend is not None else link.upper.x + link.upper.outs[net]
    low, high = sorted((from_, item.x))
    apart = abs(from_ - item.x) > item.reach + spacing.side / 2 and (from_ > item.x) == (side > 0)
    others = (other for other in row if other is not item and other is not bend and not other.bend)
    if apart and all(other.x + other.right < low or other.x - other.left > high for other in others):
        return _Entry(from_, side, direct=True)
    return _Entry(item.x + side * (item.reach + spacing.side), side)


def _points(link: Link, bar: _Crossbar, turn: float, entry: _Entry, bottom: float) -> tuple[Point, ...]:
    """Return the corners of a link's way; into a bend it goes on to the bottom of the row."""
    item, upper = link.lower, link.upper
    points = [(bar.top, upper.y + upper.out_at)]
    if abs(bar.top - entry.x) > _CLOSE:
        points += [(bar.top, turn), (entry.x, turn)]
    if entry.side:
        middle = item.y + item.middle
        points += [(entry.x, middle), (item.x + entry.side * item.reach, middle)]
    else:
        points.append((entry.x, bottom if item.bend else item.y))
    return tuple(points)


def _assign_tracks(bars: Sequence[_Crossbar]) -> int:
    """Give a track to each tensor that turns, so that none lie over each other and few cross; return how many."""
    turning = [bar for bar in bars if bar.turns]
    if not turning:
        return 0
    if len(turning) > 5:
        best = _packed(sorted(turning, key=lambda bar: bar.span))
    else:
        packed = (_packed(order) for order in permutations(turning))
        best = min(packed, key=lambda tracks: (_cost(tracks, bars), max(tracks.values())))
    for bar, track in best.items():
        bar.track = track
    return max(best.values()) + 1


def _packed(order: Sequence[_Crossbar]) -> dict[_Crossbar, int]:
    """Return a track for each, in this order from above, sharing one where they do not touch."""
    tracks: dict[_Crossbar, int] = {}
    for bar in order:
        low, high = bar.span
        taken = [
            track
            for other, track in tracks.items()
            if not (other.span[1] < low - _CLOSE or other.span[0] > high + _CLOSE)
        ]
        tracks[bar] = max(taken, default=-1) + 1
    return tracks


def _cost(tracks: dict[_Crossbar, int], bars: Sequence[_Crossbar]) -> int:
    """Return how many crossings tracks lead to, pieces that would lie over each other counted as many."""
    cost = 0
    for bar, track in tracks.items():
        low, high = bar.span
        for other in bars:
            if other is bar:
                continue
            theirs = tracks.get(other)
            if low < other.top < high and (theirs is None or track < theirs):
                cost += 1
            if theirs is not None:
                cost += sum(low < end < high and track > theirs for end in other.ends)
                cost += 100 * sum(abs(bar.top - end) < _CLOSE and track > theirs for end in other.ends)
    return cost


def joined(wires: Sequence[Wire]) -> tuple[Wire, ...]:
    """Return the wires with pieces that go on from one another as one, and without corners that are none."""
    starts: dict[tuple[Net, Point], list[Wire]] = {}
    ends: dict[tuple[Net, Point], int] = {}
    for wire in wires:
        starts.setdefault(_key(wire.net, wire.points[0]), []).append(wire)
        end = _key(wire.net, wire.points[-1])
        ends[end] = ends.get(end, 0) + 1
    result = []
    for wire in wires:
        if ends.get(_key(wire.net, wire.points[0])):
            continue  # it goes on from another
        pending = [wire]
        while pending:
            first = pending.pop()
            while first.target is None:
                nexts = starts.get(_key(first.net, first.points[-1]), [])
                if not nexts:
                    break
                pending += nexts[1:]
                first = Wire(net=first.net, points=first.points + nexts[0].points[1:], target=nexts[0].target)
            result.append(replace(first, points=_straight(first.points)))
    return tuple(result)


def _key(net: Net, point: Point) -> tuple[Net, Point]:
    return net, (round(point[0], 1), round(point[1], 1))


def _straight(points: Sequence[Point]) -> tuple[Point, ...]:
    kept = [points[0]]
    for before, point, after in zip(points, points[1:], points[2:], strict=False):
        across = max(before[0], point[0], after[0]) - min(before[0], point[0], after[0])
        down = max(before[1], point[1], after[1]) - min(before[1], point[1], after[1])
        if across > _CLOSE and down > _CLOSE:
            kept.append(point)
    return (*kept, points[-1])
