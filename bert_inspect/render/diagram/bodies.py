"""How each node looks: its shape, its lines of text, and how big both are."""

from dataclasses import dataclass

from ...dataflow import Dataflow, Node
from ...layout import Body
from .font import text_width
from .words import label_of, lines_of, shapes_from, times, type_of

NAME, TYPE, NOTE, TITLE = 13.0, 11.0, 11.0, 14.0
"""Sizes of fonts, in pixels."""
LINE = 15.0
RADIUS = 13.0
"""Of an op's circle."""
_INPUTS = 3
"""Into a circle go at most as many arrows; an op that takes more is drawn as a box."""


@dataclass(frozen=True)
class Look:
    """A node without others in it: lines in its body and beside its arrow, each with the class of its font."""

    body: Body
    inside: tuple[tuple[str, str], ...]
    beside: tuple[tuple[str, str], ...]


class Looks:
    """The looks of a dataflow's nodes."""

    def __init__(self, flow: Dataflow) -> None:
        self._shapes = shapes_from(flow)
        self._into: dict[str, int] = {}
        for target, _, _ in {(arrow.target, arrow.source, arrow.shape) for arrow in flow.arrows}:
            self._into[target] = self._into.get(target, 0) + 1

    def look(self, node: Node) -> Look:
        """Return how a node without others in it looks."""
        label, type_, shape = label_of(node), type_of(node), self._shapes.get(node.id, "")
        beside = [(shape, "note")] if shape else []
        if node.kind == "op" and self._into.get(node.id, 0) <= _INPUTS:
            beside = [(label, "note strong"), *beside, *((line, "note") for line in lines_of(node))]
            return Look(self._body(2 * RADIUS, 2 * RADIUS, beside, round=True), (), tuple(beside))
        inside = [(label, "name strong" if node.kind == "tokenizer" else "name")] if label else []
        inside += [(type_, "type quiet")] if type_ and type_ != label else []
        inside += [(line, "type") for line in lines_of(node)]
        width = max((_width(text, style) for text, style in inside), default=0.0) + 26
        return Look(self._body(max(width, 64), LINE * len(inside) + 13, beside), tuple(inside), tuple(beside))

    def body(self, node: Node) -> Body:
        """Return how big a node is."""
        return self.look(node).body

    def title(self, node: Node) -> tuple[float, float]:
        """Return how big the title of a box is."""
        wide = max(_width(label_of(node), "title"), _width(type_of(node), "type"))
        return wide + (text_width(times(node), TYPE) + 26 if times(node) else 0), 2 * LINE + 3

    def _body(self, width: float, height: float, beside: list[tuple[str, str]], *, round: bool = False) -> Body:
        wide = max((_width(text, style) for text, style in beside), default=0.0)
        return Body(width=width, height=height, note=(wide, LINE * len(beside) + 5 if beside else 0.0), round=round)


def _width(text: str, style: str) -> float:
    return text_width(text, {"name": NAME, "type": TYPE, "note": NOTE, "title": TITLE}[style.split()[0]])
