"""What stands where on an SVG, read from the file alone: words, boxes, frames and wires as rectangles."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from xml.etree import ElementTree

from bert_inspect.render.font import text_width

Rectangle = tuple[float, float, float, float]
SVG = "{http://www.w3.org/2000/svg}"
SIZES = {"name": 13.0, "type": 11.0, "note": 11.0, "title": 14.0, "part": 14.0}
CLOSE = 0.6


@dataclass(frozen=True)
class Text:
    """A text with the box that it stands in, or beside whose arrow it stands."""

    words: str
    style: frozenset[str]
    place: Rectangle
    leaf: Rectangle | None


@dataclass
class Picture:
    """Everything on an SVG that can be in the way of something else."""

    page: Rectangle = (0, 0, 0, 0)
    texts: list[Text] = field(default_factory=list)
    leaves: list[Rectangle] = field(default_factory=list)
    frames: list[Rectangle] = field(default_factory=list)
    cards: list[Rectangle] = field(default_factory=list)
    badges: list[Rectangle] = field(default_factory=list)
    wires: list[Rectangle] = field(default_factory=list)


def read(svg: str) -> Picture:
    """Read a picture."""
    picture = Picture()
    _read(ElementTree.fromstring(svg), picture, 0.0, 0.0)
    return picture


def _read(element: ElementTree.Element, picture: Picture, dx: float, dy: float) -> None:
    if moved := re.match(r"translate\(([-\d.]+) ([-\d.]+)\)", element.get("transform", "")):
        dx, dy = dx + float(moved[1]), dy + float(moved[2])
    leaf = next((_rect(each, dx, dy) for each in element if "shape" in each.get("class", "").split()), None)
    for each in element:
        style = frozenset(each.get("class", "").split())
        if each.tag == f"{SVG}rect":
            kinds = {"shape": picture.leaves, "frame": picture.frames, "card": picture.cards, "badge": picture.badges}
            for kind in style & kinds.keys():
                kinds[kind].append(_rect(each, dx, dy))
            if "page" in style:
                picture.page = _rect(each, dx, dy)
        elif each.tag == f"{SVG}text":
            picture.texts.append(_text(each, style, leaf, dx, dy))
        elif "wire" in style:
            picture.wires += _pieces(each.get("d", ""), dx, dy)
        elif each.tag == f"{SVG}g":
            _read(each, picture, dx, dy)


def _rect(element: ElementTree.Element, dx: float, dy: float) -> Rectangle:
    x, y, width, height = (float(element.get(name, "0")) for name in ("x", "y", "width", "height"))
    return x + dx, y + dy, x + dx + width, y + dy + height


def _text(element: ElementTree.Element, style: frozenset[str], leaf: Rectangle | None, dx: float, dy: float) -> Text:
    words, size = element.text or "", next(SIZES[name] for name in style if name in SIZES)
    wide = text_width(words, size, bold=bool(style & {"strong", "title", "part"}))
    x, y = float(element.get("x", "0")) + dx, float(element.get("y", "0")) + dy
    left = x - wide / 2 if "mid" in style else x
    return Text(words, style, (left, y - 0.76 * size, left + wide, y + 0.2 * size), leaf)


def _pieces(path: str, dx: float, dy: float) -> Iterator[Rectangle]:
    for line in path.split("M"):
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", line)]
        points = [(x + dx, y + dy) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
        for (x1, y1), (x2, y2) in pairwise(points):
            yield min(x1, x2) - 0.7, min(y1, y2) - 0.7, max(x1, x2) + 0.7, max(y1, y2) + 0.7


def overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] - CLOSE and b[0] < a[2] - CLOSE and a[1] < b[3] - CLOSE and b[1] < a[3] - CLOSE


def inside(a: Rectangle, b: Rectangle) -> bool:
    return b[0] - CLOSE <= a[0] and b[1] - CLOSE <= a[1] and a[2] <= b[2] + CLOSE and a[3] <= b[3] + CLOSE


def faults(svg: str) -> list[str]:
    """Say what is in the way of something else, or leaves what it belongs into."""
    picture = read(svg)
    return [*_text_faults(picture), *_wire_faults(picture), *_box_faults(picture)]


def _text_faults(picture: Picture) -> Iterator[str]:
    for text in picture.texts:
        if text.leaf is not None and "mid" in text.style:
            if not inside(text.place, text.leaf):
                yield f"{text.words!r} overruns its box"
        else:
            holder = text.leaf or (text.place[0], text.place[1], text.place[0] + 1, text.place[3])
            around = [frame for frame in picture.frames if inside(holder, frame)]
            if not all(inside(text.place, frame) for frame in [picture.page, *around]):
                yield f"{text.words!r} overruns its frame"
            if any(overlap(text.place, leaf) for leaf in picture.leaves):
                yield f"{text.words!r} lies over a box"
            if any(overlap(text.place, card) and not inside(text.place, card) for card in picture.cards):
                yield f"{text.words!r} lies over the edge of a card"
            if "times" not in text.style and any(overlap(text.place, badge) for badge in picture.badges):
                yield f"a badge covers {text.words!r}"
    for one, other in combinations(picture.texts, 2):
        if overlap(one.place, other.place):
            yield f"{one.words!r} lies over {other.words!r}"


def _wire_faults(picture: Picture) -> Iterator[str]:
    for wire in picture.wires:
        for text in picture.texts:
            if overlap(text.place, wire):
                yield f"a wire runs through {text.words!r}"
        for badge in picture.badges:
            if overlap(badge, wire):
                yield "a wire runs through a badge"


def _box_faults(picture: Picture) -> Iterator[str]:
    for one, other in combinations([*picture.leaves, *picture.frames], 2):
        if overlap(one, other) and not inside(one, other) and not inside(other, one):
            yield f"the boxes at {one} and {other} lie over each other"
    for one, other in combinations(picture.leaves, 2):
        if overlap(one, other):
            yield f"the boxes at {one} and {other} lie over each other"
