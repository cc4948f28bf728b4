"""The boxes of a picture with their texts: frames around modules, their titles, and what has nothing inside."""

import unicodedata
from collections.abc import Iterator, Set
from dataclasses import replace
from html import escape

from ...dataflow import Node
from ...layout import Box
from ...safetext import safe_text
from ..font import text_width
from .bodies import BADGE, BEHIND, LINE, TITLE, Looks, badge_width
from .wires import number as n
from .words import family, label_of, times, type_of

_LEFT_TO_RIGHT = "&#x200e;"


def frame(box: Box, marked: Set[int]) -> Iterator[str]:
    """Yield what is drawn of a module behind everything in it; what is ``marked`` has a strong border."""
    size = _size(box, 12)
    yield from _cards(box, 12)
    yield f'<rect{_step(box.node)} class="frame{_marked(box.node, marked)}" x="{n(box.x)}" y="{n(box.y)}" {size}/>'


def title(box: Box) -> Iterator[str]:
    """Yield a module's name and class, and how many it stands for."""
    if box.title is None:
        return
    x, y = box.title
    label, many = label_of(box.node), times(box.node)
    yield written(label, x, y + LINE, "title")
    yield written(type_of(box.node), x, y + 2 * LINE, "type quiet")
    if many:
        at, wide = x + text_width(label, TITLE, bold=True) + BADGE, badge_width(many)
        yield f'<rect class="badge" x="{n(at)}" y="{n(y + 3)}" width="{n(wide)}" height="16" rx="8"/>'
        yield written(many, at + wide / 2, y + LINE, "type strong mid times")


def leaf(box: Box, looks: Looks, marked: Set[int]) -> Iterator[str]:
    """Yield a node without others in it, and the text beside its arrow."""
    look, node = looks.look(box.node), box.node
    told = escape(safe_text(f"{node.path}: {node.type}({node.arguments})" if node.type else node.label))
    if node.links:
        box = replace(box, x=box.x + BEHIND, y=box.y + BEHIND, width=box.width - 2 * BEHIND, height=box.height - BEHIND)
    round_ = look.body.round or node.kind in ("input", "output", "parameter")
    size = _size(box, min(box.height / 2, 22) if round_ else 7)
    yield f"<g{_step(node)}><title>{told}</title>"
    yield from _cards(box, 7)
    yield f'<rect class="shape {family(node)}{_marked(node, marked)}" x="{n(box.x)}" y="{n(box.y)}" {size}/>'
    top = box.y + box.height / 2 - LINE * len(look.inside) / 2
    for line, (text, style) in enumerate(look.inside):
        yield written(text, box.x + box.width / 2, top + LINE * line + 11.5, f"{style} mid")
    for line, (text, style) in enumerate(look.beside):
        if box.note is not None:
            quiet = "" if "strong" in style else " quiet"
            yield written(text, box.note[0], box.note[1] + LINE * line + 13, style + quiet)
    yield "</g>"


def written(text: str, x: float, y: float, style: str) -> str:
    """Return a text; without ``mid`` in its style it begins at ``x``. ``tokens`` stand from left to right, whatever
    their script.
    """
    words = escape(text)
    if "tokens" in style and any(unicodedata.bidirectional(sign) in ("R", "AL") for sign in text):
        words = words.replace(" ", f"{_LEFT_TO_RIGHT} {_LEFT_TO_RIGHT}")
    return f'<text class="{style}" x="{n(x)}" y="{n(y)}">{words}</text>'


def _size(box: Box, radius: float) -> str:
    return f'width="{n(box.width)}" height="{n(box.height)}" rx="{n(radius)}"'


def _cards(box: Box, radius: float) -> Iterator[str]:
    """Yield what shows of further layers behind the first."""
    if not box.node.links:
        return
    for step in (BEHIND, BEHIND / 2, 0):
        yield f'<rect class="card" x="{n(box.x + step)}" y="{n(box.y - step)}" {_size(box, radius)}/>'


def _marked(node: Node, steps: Set[int]) -> str:
    """Return the class of a node that stands for one of these steps, nothing for others."""
    return " marked" if not {f"s{step}" for step in steps}.isdisjoint((node.id, *node.copies)) else ""


def _step(node: Node) -> str:
    """Return the attribute that names the step which a node stands for, nothing where it stands for none."""
    number = node.id.removeprefix("s")
    return f' data-step="{number}"' if number != node.id and number.isdecimal() else ""
