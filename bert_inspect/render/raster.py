"""From SVG to PNG, by resvg, which is an extra: only a picture asked for as PNG needs it."""

import re
from importlib.util import find_spec
from typing import Any

from ..errors import UsageError

_ZOOM = 2.0
"""Pixels a unit of the SVG: sharp on a slide."""
_PIXELS = 60e6
"""A picture of more is drawn smaller: every pixel takes four bytes."""


def check_rasterizer() -> None:
    """Refuse what needs resvg where it is not installed, before anything slow starts.

    Raises:
        UsageError: it is not.
    """
    if find_spec("resvg_py") is None:
        raise UsageError(
            "a PNG needs the package resvg-py, which is not installed",
            "pip install 'bert-inspect[png]', or name a file that ends in .svg",
        )


def rasterized(picture: str) -> bytes:
    """Return an SVG as PNG, as it looks on a light page, with the fonts of this machine.

    Raises:
        UsageError: resvg is not installed, or there is no font to write with.
    """
    check_rasterizer()
    import resvg_py

    if not _writes(resvg_py):
        raise UsageError("a PNG needs a font, and this system has none", "write an .svg: its reader has fonts")
    width, height = (float(size) for size in re.findall(r'\b(?:width|height)="(\d+)"', picture)[:2])
    zoom = min(_ZOOM, (_PIXELS / (width * height)) ** 0.5)
    return bytes(resvg_py.svg_to_bytes(svg_string=picture, zoom=zoom))


def _writes(resvg: Any) -> bool:
    """Whether a letter leaves anything on the picture."""
    frame = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">{}</svg>'
    letter = '<text x="2" y="16" font-family="sans-serif" font-size="14">A</text>'
    drawn, empty = (resvg.svg_to_bytes(svg_string=frame.format(text)) for text in (letter, ""))
    return bool(drawn != empty)
