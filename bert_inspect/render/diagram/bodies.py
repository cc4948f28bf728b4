"""How each node looks: its shape, its lines of text, and how big both are in the font that pictures carry."""

import re
from dataclasses import dataclass

from ...dataflow import Dataflow, Node
from ...layout import Body
from ..font import shortened, text_width
from .words import label_of, lines_of, operation, shapes_from, times, type_of

NAME, TYPE, NOTE, TITLE = 13.0, 11.0, 11.0, 14.0
"""Sizes of fonts, in pixels."""
LINE = 15.0
PILL = 24.0
"""How high an op's pill is."""
BADGE = 8.0
"""How far a badge stands from its title; so much room is left of its text and right of it together, and half again."""
BEHIND = 8.0
"""How far the cards that stand for further layers show behind the first, upwards and to the right."""
_MOST = 420.0
"""No line of text is wider: sentences and tokens are cut, the trace has them in full."""
_MORE = re.compile(r" \.\.\. \d+ more \w+$")
_INPUTS = 3
"""Into a pill go at most as many arrows; an op that takes more is drawn as a box."""


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
        self._looks: dict[str, Look] = {}
        self._into: dict[str, int] = {}
        for target, _, _ in {(arrow.target, arrow.source, arrow.shape) for arrow in flow.arrows}:
            self._into[target] = self._into.get(target, 0) + 1

    def look(self, node: Node) -> Look:
        """Return how a node without others in it looks."""
        if node.id not in self._looks:
            self._looks[node.id] = self._look(node)
        return self._looks[node.id]

    def _look(self, node: Node) -> Look:
        name, type_, shape = label_of(node), type_of(node), self._shapes.get(node.id, "")
        beside = [(shape, "note")] if shape else []
        if node.kind == "op" and self._into.get(node.id, 0) <= _INPUTS:
            beside = [(name, "note strong"), *beside, *((line, "note") for line in lines_of(node))]
            does = operation(node)
            inside = [(does, "name" if len(does) == 1 else "type")]
            wide = max(width_of(*inside[0]) + 18, PILL + 4)
            return Look(_body(wide, PILL, beside, round=True), _cut(inside), _cut(beside))
        inside = [(name, "name strong" if node.kind == "tokenizer" else "name")] if name else []
        inside += [(type_, "type quiet")] if type_ and type_ != name else []
        inside += [(line, "type tokens" if node.kind == "tokenizer" else "type") for line in lines_of(node)]
        inside += [(times(node), "type strong")] if times(node) else []
        wide = max((width_of(text, style) for text, style in _cut(inside)), default=0.0) + 24
        high, behind = LINE * len(inside) + 13, BEHIND if node.links else 0.0
        body = _body(max(wide, 64) + 2 * behind, high + behind, beside)
        return Look(body, _cut(inside), _cut(beside))

    def body(self, node: Node) -> Body:
        """Return how big a node is."""
        return self.look(node).body

    def title(self, node: Node) -> tuple[float, float]:
        """Return how big the title of a box is, its badge included."""
        wide = width_of(label_of(node), "title")
        if times(node):
            wide += BADGE + badge_width(times(node))
        return max(wide, width_of(type_of(node), "type")) + 2, 2 * LINE + 3


def width_of(text: str, style: str) -> float:
    """Return how wide a text of a class of the style sheet is."""
    size = {"name": NAME, "type": TYPE, "note": NOTE, "title": TITLE}[style.split()[0]]
    return text_width(text, size, bold="strong" in style or style == "title")


def badge_width(text: str) -> float:
    """Return how wide a badge with a text is."""
    return width_of(text, "type strong") + 1.5 * BADGE


def _cut(lines: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((_fitting(text, style), style) for text, style in lines)


def _fitting(text: str, style: str) -> str:
    """Return as much of a line as fits, up to the end of a word unless the first is too long."""
    if width_of(text, style) <= _MOST:
        return text
    head = _MORE.sub(" …", text)  # a count of what is left out would not be true
    if width_of(head, style) <= _MOST:
        return head
    kept = shortened(head, NAME if style.startswith("name") else TYPE, _MOST, bold="strong" in style)
    whole = kept.removesuffix("…").rpartition(" ")[0].rstrip(" .")
    return f"{whole} …" if whole else kept


def _body(width: float, height: float, beside: list[tuple[str, str]], *, round: bool = False) -> Body:
    wide = max((width_of(text, style) for text, style in _cut(beside)), default=0.0)
    return Body(width=width, height=height, note=(wide, LINE * len(beside) + 5 if beside else 0.0), round=round)
