"""From SVG to PNG, by resvg, which is an extra: only a picture asked for as PNG needs it."""

from importlib.util import find_spec

from ..errors import UsageError


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


def rasterized(svg: str) -> bytes:
    """Return an SVG as PNG at twice its size, on white, with the fonts of this machine.

    Raises:
        UsageError: resvg is not installed.
    """
    check_rasterizer()
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=2, background="#ffffff"))
