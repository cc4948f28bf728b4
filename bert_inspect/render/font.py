"""The font that the package carries: every picture is measured in it, so that no word leaves its frame.

Its widths are read from the files themselves. The fonts that stand beside it in `FAMILIES` are as wide or narrower.
"""

import re
import struct
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

FAMILY = "Inspect Sans"
"""DejaVu Sans, reduced by pictures/subset_font.py and under a name of its own."""
FAMILIES = f'"{FAMILY}","DejaVu Sans",Verdana,"Helvetica Neue",Helvetica,Arial,"Liberation Sans",sans-serif'
"""What a style sheet asks for: the first that the reader has is taken."""
FOLDER = Path(__file__).parents[1] / "data" / "fonts"
_REGULAR, _BOLD = "DejaVuSans.ttf", "DejaVuSans-Bold.ttf"
_EMOJI, _WIDE, _OTHER = 1.35, 1.0, 0.9
"""How many times its size a character of a font that we do not carry may be wide."""


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a text in a font of a size, in the unit of the size."""
    advances = _advances(_BOLD if bold else _REGULAR)
    return size * sum(advances.get(ord(sign)) or _foreign(sign) for sign in text)


def wrapped(text: str, size: float, width: float, *, bold: bool = False) -> Iterator[str]:
    """Yield a text in lines that are no wider than a width; a word that is wider is broken."""
    line = ""
    for word in re.findall(r"\S+\s*|\s+", text):
        if line and text_width((line + word).rstrip(), size, bold=bold) > width:
            yield line.rstrip()
            line = ""
        line += word
        while text_width(line.rstrip(), size, bold=bold) > width:
            kept = cut(line, size, width, bold=bold)
            yield kept
            line = line[len(kept) :]
    if line.strip():
        yield line.rstrip()


def cut(text: str, size: float, width: float, *, bold: bool = False) -> str:
    """Return as much of a text as is no wider than a width, a character at least."""
    room = 0.0
    for place, sign in enumerate(text):
        room += text_width(sign, size, bold=bold)
        if room > width:
            return text[: max(1, place)]
    return text


def shortened(text: str, size: float, width: float, *, bold: bool = False) -> str:
    """Return a text that is no wider than a width; what is cut is marked by an ellipsis."""
    if text_width(text, size, bold=bold) <= width:
        return text
    return cut(text, size, width - text_width("…", size, bold=bold), bold=bold).rstrip() + "…"


def _foreign(sign: str) -> float:
    """Return how wide a character is at most that the carried font does not have, in sizes of the font."""
    if unicodedata.category(sign) in ("Mn", "Me", "Cf"):  # drawn over the one before, or not at all
        return 0.0
    if ord(sign) >= 0x1F000:
        return _EMOJI
    return _WIDE if unicodedata.east_asian_width(sign) in "WF" else _OTHER


@cache
def _advances(name: str) -> Mapping[int, float]:
    """Return the widths of a font's characters, in sizes of the font: OpenType 1.9, chapters head, hmtx and cmap."""
    data = (FOLDER / name).read_bytes()
    tables = {}
    for number in range(struct.unpack_from(">H", data, 4)[0]):
        tag, _, start, _ = struct.unpack_from(">4sIII", data, 12 + 16 * number)
        tables[tag] = start
    (units,) = struct.unpack_from(">H", data, tables[b"head"] + 18)
    (own,) = struct.unpack_from(">H", data, tables[b"hhea"] + 34)  # glyphs after these are as wide as the last
    widths = struct.unpack_from(">" + "Hh" * own, data, tables[b"hmtx"])[::2]
    return {code: widths[min(glyph, own - 1)] / units for code, glyph in _glyphs(data, tables[b"cmap"]).items()}


def _glyphs(data: bytes, start: int) -> dict[int, int]:
    """Return the glyph of each character of the basic plane: the subtable of format 4."""
    (tables,) = struct.unpack_from(">H", data, start + 2)
    offsets = (struct.unpack_from(">HHI", data, start + 4 + 8 * number)[2] for number in range(tables))
    at = next(start + offset for offset in offsets if struct.unpack_from(">H", data, start + offset)[0] == 4)
    count = struct.unpack_from(">H", data, at + 6)[0] // 2
    ends, starts, deltas, ranges = at + 14, at + 16 + 2 * count, at + 16 + 4 * count, at + 16 + 6 * count
    found: dict[int, int] = {}
    for number in range(count):
        first, last, delta, skip = (
            struct.unpack_from(">H", data, place + 2 * number)[0] for place in (starts, ends, deltas, ranges)
        )
        for code in range(first, min(last, 0xFFFE) + 1):
            if skip:
                (glyph,) = struct.unpack_from(">H", data, ranges + 2 * number + skip + 2 * (code - first))
            else:
                glyph = code
            if glyph:
                found[code] = (glyph + delta) % 65536
    return {code: glyph for code, glyph in found.items() if glyph}
