"""From SVG to PNG, by resvg, which is an extra: only a picture asked for as PNG needs it.

Text is written in the font that the package carries, so that a picture is the same on every machine and none needs a
font; only scripts that it lacks are written in what the machine has.
"""

import re
from importlib.util import find_spec

from ..errors import UsageError
from .font import FAMILY, FOLDER

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
    """Return an SVG as PNG, as it looks on a light page.

    Raises:
        UsageError: resvg is not installed.
    """
    check_rasterizer()
    import resvg_py

    width, height = (float(size) for size in re.findall(r'\b(?:width|height)="(\d+)"', picture)[:2])
    zoom = min(_ZOOM, (_PIXELS / (width * height)) ** 0.5)
    files = [str(file) for file in sorted(FOLDER.glob("*.ttf"))]
    written = re.sub(r"font-family:[^;}]+", f'font-family:"{FAMILY}"', picture)
    return bytes(resvg_py.svg_to_bytes(svg_string=written, zoom=zoom, font_files=files, font_family=FAMILY))
