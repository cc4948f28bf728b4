"""How wide a text is in the sans-serif font that whatever shows an SVG has: as wide as in Helvetica, and a bit."""

import unicodedata

# Thousandths of the size, from Adobe's font metrics for Helvetica; Arial and Liberation Sans have the same.
_WIDTHS = {
    191: "'", 222: "ijl", 260: "|", 278: " !,./:;I[\\]ft", 333: "()-`r", 334: "{}", 355: '"', 389: "*", 469: "^",
    500: "Jcksvxyz", 556: "#$0123456789?L_abdeghnopqu", 584: "+<=>~", 611: "FTZ", 667: "&ABEKPSVXY", 722: "CDHNRUw",
    778: "GOQ", 833: "Mm", 889: "%", 944: "W", 1015: "@",
}  # fmt: skip
_WIDTH = {sign: width for width, signs in _WIDTHS.items() for sign in signs}
_SPARE = 1.06
"""Other fonts are somewhat wider, and bold ones too."""


def text_width(text: str, size: float) -> float:
    """Return the width of a text in a font of a size, rather too wide than too narrow."""
    return sum(_WIDTH.get(sign) or _other(sign) for sign in text) * size * _SPARE / 1000


def _other(sign: str) -> int:
    return 1000 if unicodedata.east_asian_width(sign) in "WF" else 640
