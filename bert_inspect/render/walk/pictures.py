"""The picture of a component beside a station: drawn once on a page, and shown again with other steps marked."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from html import escape
from xml.etree import ElementTree

from ...dataflow import Dataflow
from ...stations.station import Station
from ...stations.walk import Walk
from ..diagram.style import STYLE
from ..diagram.svg import TooLarge, svg
from ..report.document import light_on_paper
from .flows import component_flow, whole_flow

_NAMESPACE = "{http://www.w3.org/2000/svg}"
_BOX = ("frame", "shape")
"""The classes of what a step is drawn as: a module that is opened, and everything else."""
_AROUND = 3.0
"""How far around a step its mark is drawn."""
_MARK = 'fill="none" stroke="#bf3989" stroke-width="2.5"'
"""The look of a mark: a colour that no node has, legible on light and on dark."""

PAGE_STYLE = light_on_paper(STYLE)
"""The style of pictures on a page, which is light on paper."""


def component_svg(walk: Walk, station: Station, *, name: str = "flow") -> str | None:
    """Return the picture of a station's component, None where there is more in it than can be drawn. ``name`` begins
    the ids in it.
    """
    return _svg(component_flow(walk, station), name)


def whole_svg(walk: Walk, *, name: str = "flow") -> str | None:
    """Return the picture of the whole model, None where there is more in it than can be drawn."""
    return _svg(whole_flow(walk), name)


def _svg(flow: Dataflow, name: str) -> str | None:
    try:
        return svg(flow, upwards=False, name=name)
    except TooLarge:
        return None


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture that a page holds once. ``key`` names it there, and begins the ids in its ``text``, the SVG."""

    key: str
    text: str

    def drawn(self, steps: AbstractSet[int]) -> str:
        """Return it for the place where the page holds it, with the marks of steps; its style stands in the page."""
        text = re.sub(r"<style>.*?</style>", "", self.text.strip(), count=1, flags=re.DOTALL)
        at = text.index('<rect class="page"')
        inside = text[at:].removesuffix("</svg>")
        inside = re.sub(r' data-step="\d+"', "", inside)
        # Rules of style that begin with the class of the picture hold in a reference only if the group has it too.
        return f'{text[:at]}<g id="{self.key}" class="dataflow">{inside}</g>{self._marks(steps)}</svg>'

    def again(self, steps: AbstractSet[int], title: str) -> str:
        """Return a reference to it with the marks of other steps."""
        width, height = re.findall(r'\b(?:width|height)="([\d.]+)"', self.text)[:2]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="dataflow" role="img" aria-label="{escape(title)}" '
            f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"><use href="#{self.key}"/>'
            f"{self._marks(steps)}</svg>"
        )

    def _marks(self, steps: AbstractSet[int]) -> str:
        return "".join(
            f'<rect class="marked-step" x="{box.x - _AROUND:.1f}" y="{box.y - _AROUND:.1f}" '
            f'width="{box.width + 2 * _AROUND:.1f}" height="{box.height + 2 * _AROUND:.1f}" '
            f'rx="{min(10.0, (box.height + 2 * _AROUND) / 2):.1f}" {_MARK}/>'
            for box in boxes(self.text)
            if box.step in steps
        )


@dataclass(frozen=True, kw_only=True)
class Box:
    """Where a step is drawn in a picture."""

    step: int
    x: float
    y: float
    width: float
    height: float


def boxes(picture: str) -> list[Box]:
    """Return where the steps are drawn, as the attribute ``data-step`` of a picture says."""
    return list(_boxes(ElementTree.fromstring(picture), 0.0, 0.0))


def _boxes(element: ElementTree.Element, x: float, y: float) -> Iterator[Box]:
    moved = re.match(r"translate\(([-\d.]+)[ ,]+([-\d.]+)\)", element.get("transform", ""))
    if moved is not None:
        x, y = x + float(moved[1]), y + float(moved[2])
    step = element.get("data-step")
    if step is not None:
        shapes = [each for each in element.iter(f"{_NAMESPACE}rect") if each.get("class", "").partition(" ")[0] in _BOX]
        if shapes:
            left, top, width, height = (float(shapes[0].get(size, 0)) for size in ("x", "y", "width", "height"))
            yield Box(step=int(step), x=x + left, y=y + top, width=width, height=height)
    for child in element:
        yield from _boxes(child, x, y)
