"""A picture in parts beside each other, where one would be a ribbon: a module is closed and drawn by itself."""

from collections.abc import Callable
from dataclasses import dataclass

from ...dataflow import Dataflow, parted
from ...layout import Box, Drawing

_TALL, _RATIO = 1800.0, 1.25
"""Drawn in parts is what is higher than this, and so many times as high as it is wide."""
_MOST = 4
"""So many parts at most."""
_GAIN = 0.85
"""A part is divided if what comes of it is lower by this factor at least."""
_CLOSED, _AROUND = 60.0, 150.0
"""About how high a closed module is, and what stands around one that is drawn by itself."""
GAP = 56.0
"""What is left free between parts."""


@dataclass(frozen=True)
class Part:
    """A dataflow and where everything in it stands."""

    flow: Dataflow
    drawing: Drawing


def parts_of(flow: Dataflow, drawn: Callable[[Dataflow], Drawing]) -> list[Part]:
    """Return the parts of a picture, the whole first: one if that has a sensible shape."""
    parts = [Part(flow, drawn(flow))]
    while len(parts) < _MOST:
        tall = max(parts, key=lambda part: part.drawing.height)
        width = sum(part.drawing.width + GAP for part in parts) - GAP
        if tall.drawing.height <= max(_TALL, _RATIO * width):
            break
        box = _apart(tall.drawing)
        if box is None:
            break
        rest, alone = parted(tall.flow, box.node.id, told=f"see part {len(parts) + 1}")
        parts[parts.index(tall)] = Part(rest, drawn(rest))
        parts.append(Part(alone, drawn(alone)))
    return parts


def _apart(drawing: Drawing) -> Box | None:
    """Return the module that is best drawn by itself, None if there is none."""

    def left(box: Box) -> float:
        return max(drawing.height - box.height + _CLOSED, box.height + _AROUND)

    best = min((box for box in drawing.boxes if box.node.children), key=left, default=None)
    return best if best is not None and left(best) < _GAIN * drawing.height else None
