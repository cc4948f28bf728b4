"""The wires of a picture: paths with round corners, arrowheads, and dots where a tensor's way parts."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from math import inf

from ...layout import Drawing, Wire
from ...layout.plan import Point

_CORNER = 7.0
_HEAD = 6.5


def wires(drawing: Drawing) -> Iterator[str]:
    """Yield the elements of all wires; those of a tensor are one, so that what they share is not drawn twice."""
    heads, paths = [], dict[int, str]()
    for wire in drawing.wires:
        points = list(wire.points)
        if wire.target is not None:
            heads.append(_head(points[-2], points[-1]))
            points[-1] = _before(points[-2], points[-1], _HEAD - 1)
        paths[id(wire.net)] = paths.get(id(wire.net), "") + _rounded(points)
    yield from (f'<path class="wire" d="{path}"/>' for path in paths.values())
    yield f'<path class="head" d="{"".join(heads)}"/>'
    for x, y in _branches(drawing.wires):
        yield f'<circle class="head" cx="{number(x)}" cy="{number(y)}" r="2.6"/>'


def _rounded(points: Sequence[Point]) -> str:
    """Return a path along the points with its corners rounded."""
    path = [f"M{_point(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        reach = min(_CORNER, _length(before, corner) / 2, _length(corner, after) / 2)
        start, end = _before(before, corner, reach), _before(after, corner, reach)
        path.append(f"L{_point(start)}Q{_point(corner)} {_point(end)}")
    path.append(f"L{_point(points[-1])}")
    return "".join(path)


def _head(from_: Point, tip: Point) -> str:
    """Return the path of an arrow's head."""
    x, y = _before(from_, tip, _HEAD + 1)
    across = (4.0, 0.0) if abs(x - tip[0]) < abs(y - tip[1]) else (0.0, 4.0)
    corners = (tip, (x + across[0], y + across[1]), (x - across[0], y - across[1]))
    return "M" + "L".join(map(_point, corners)) + "Z"


def _branches(wires: Sequence[Wire]) -> Iterator[Point]:
    """Yield the points at which a tensor's way parts: there are three directions to go from."""
    by_net: dict[int, list[Wire]] = {}
    for wire in wires:
        by_net.setdefault(id(wire.net), []).append(wire)
    for group in by_net.values():
        lines = _lines(group)
        for point in dict.fromkeys(point for wire in group for point in wire.points):
            if sum(_leads(lines, point, axis, way) for axis in (0, 1) for way in (1, -1)) > 2:
                yield point


_Lines = dict[tuple[int, int], list[tuple[float, float]]]
"""The straight pieces of a tensor's way: by the axis along which they run and where across it, from where to where."""


def _lines(wires: Sequence[Wire]) -> _Lines:
    """Return the pieces of wires, those that touch as one, in order."""
    pieces: _Lines = {}
    for wire in wires:
        for start, end in zip(wire.points, wire.points[1:], strict=False):
            axis = 0 if abs(start[1] - end[1]) < 0.5 else 1
            low, high = sorted((start[axis], end[axis]))
            pieces.setdefault((axis, round(start[1 - axis])), []).append((low, high))
    lines: _Lines = {}
    for key, parts in pieces.items():
        found = lines.setdefault(key, [])
        for low, high in sorted(parts):
            if found and low <= found[-1][1] + 0.5:
                found[-1] = found[-1][0], max(found[-1][1], high)
            else:
                found.append((low, high))
    return lines


def _leads(lines: _Lines, point: Point, axis: int, way: int) -> bool:
    """Whether a piece leads away from a point along an axis, upwards of it (1) or downwards."""
    at, across = point[axis], round(point[1 - axis])
    for beside in (across - 1, across, across + 1):
        found = lines.get((axis, beside), [])
        place = bisect_right(found, (at + 0.5, inf)) - 1
        for low, high in found[max(0, place - 1) : place + 1]:
            if low - 0.5 <= at < high - 0.5 if way > 0 else low + 0.5 < at <= high + 0.5:
                return True
    return False


def _before(from_: Point, to: Point, by: float) -> Point:
    """Return the point that lies so much before the end of a straight line."""
    length = _length(from_, to) or 1.0
    return to[0] + (from_[0] - to[0]) * by / length, to[1] + (from_[1] - to[1]) * by / length


def _length(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _point(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"


def number(value: float) -> str:
    """Return a length as short as it may be."""
    return f"{value:.1f}".removesuffix(".0")
