"""An SVG as a PNG."""

import re
from typing import Any

from ...errors import UsageError

_SCALE = 2.0
"""Pixels a unit of the SVG: sharp on a slide."""
_PIXELS = 60e6
"""A picture of more is drawn smaller: every pixel takes four bytes."""


def png(picture: str) -> bytes:
    """Return an SVG of `svg` as PNG, as it looks on a light page.

    Raises:
        UsageError: the renderer, an extra, is not installed, or there is no font to write with.
    """
    try:
        import resvg_py
    except ImportError as error:
        hint = "pip install 'bert-inspect[png]', or write an .svg"
        raise UsageError("a PNG needs resvg, which is not installed", hint) from error
    if not _writes(resvg_py):
        raise UsageError("a PNG needs a font, and this system has none", "write an .svg: its reader has fonts")
    width, height = (float(size) for size in re.findall(r'\b(?:width|height)="(\d+)"', picture)[:2])
    zoom = min(_SCALE, (_PIXELS / (width * height)) ** 0.5)
    return bytes(resvg_py.svg_to_bytes(svg_string=picture, zoom=zoom))


def _writes(resvg: Any) -> bool:
    """Whether a letter leaves anything on the picture."""
    frame = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">{}</svg>'
    letter = '<text x="2" y="16" font-family="sans-serif" font-size="14">A</text>'
    drawn, empty = (resvg.svg_to_bytes(svg_string=frame.format(text)) for text in (letter, ""))
    return bool(drawn != empty)
