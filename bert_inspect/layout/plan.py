"""What goes into a layout and what comes out of it. All lengths are in the units of whoever measures the bodies."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..dataflow import Node
from ..dataflow.graph import Shape

Point = tuple[float, float]

MOST = 20_000
"""The most nodes and arrows of a picture, and the most rows that its arrows pass together."""


class TooLarge(Exception):
    """There is more in a dataflow than can be laid out in seconds, and more than anybody could look at."""


@dataclass(frozen=True, kw_only=True)
class Body:
    """How big a node without others in it is drawn. ``note`` is the size of the text that stands beside the arrow that
    leaves it. Into a ``round`` one, arrows but the first come from the sides.
    """

    width: float
    height: float
    note: tuple[float, float] = (0, 0)
    round: bool = False


@dataclass(frozen=True, kw_only=True)
class Spacing:
    """What is left free: between columns, between rows at least, for each further arrow between rows, inside a box."""

    column: float = 28
    row: float = 26
    arrow: float = 13
    """What is left free between rows where all arrows go straight on beside their notes."""
    track: float = 10
    wire: float = 8
    pad: float = 14
    note: float = 7
    """How far a note stands from its arrow."""
    side: float = 16
    """What an arrow into the side of a round body needs."""


@dataclass(frozen=True)
class Measures:
    """How big everything is: bodies by node, titles of boxes by node, and the spaces between."""

    body: Callable[[Node], Body]
    title: Callable[[Node], tuple[float, float]]
    spacing: Spacing = field(default_factory=Spacing)


@dataclass(frozen=True, kw_only=True, eq=False)
class Net:
    """A tensor and everything that it goes to."""

    source: str
    shape: Shape
    targets: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Box:
    """A node where it stands. ``axis`` is where its arrow leaves; ``note`` and ``title`` are the corners of texts."""

    node: Node
    x: float
    y: float
    width: float
    height: float
    axis: float
    level: int = 0
    note: Point | None = None
    title: Point | None = None

    def moved(self, dx: float, dy: float, *, level: int = 0) -> "Box":
        """Return it elsewhere, deeper inside by ``level``."""
        return replace(
            self,
            x=self.x + dx,
            y=self.y + dy,
            axis=self.axis + dx,
            level=self.level + level,
            note=_moved(self.note, dx, dy),
            title=_moved(self.title, dx, dy),
        )


@dataclass(frozen=True, kw_only=True)
class Wire:
    """A piece of a tensor's way, along straight lines; ``target`` is the node that it ends in, if it ends here."""

    net: Net
    points: tuple[Point, ...]
    target: str | None = None

    def moved(self, dx: float, dy: float) -> "Wire":
        """Return it elsewhere."""
        return replace(self, points=tuple((x + dx, y + dy) for x, y in self.points))


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A finished layout: boxes, those around others first, and wires."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]


def _moved(point: Point | None, dx: float, dy: float) -> Point | None:
    return None if point is None else (point[0] + dx, point[1] + dy)
