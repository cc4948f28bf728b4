"""An explanation as SVG."""

from .picture import explanation_svg

__all__ = ["explanation_svg"]
