"""The table of characters that a sentencepiece model normalizes a text by (``Precompiled`` in a tokenizer.json).

It is a search tree over bytes (a double array, github.com/s-yata/darts-clone, 32 bits a unit) and the texts that it
leads to, each ended by a zero byte. The library that runs it trusts every index in it and panics where one leads
outside, so all of them are looked at before.
"""

import base64
import binascii
import struct
from typing import Any

_MOST_BYTES = 4 * 1024 * 1024  # nmt_nfkc, which nearly all models have, takes 240,000
_LEAF, _HAS_LEAF, _WIDE = 1 << 31, 1 << 8, 1 << 9


def decoded(text: Any) -> bytes:
    """Return the bytes of a table as tokenizer.json holds it, in base64.

    Raises:
        ValueError: it is not that.
    """
    if not isinstance(text, str) or len(text) > 2 * _MOST_BYTES:
        raise ValueError("its precompiled_charsmap is no text, or too long")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("its precompiled_charsmap is not base64") from error


def check_charsmap(table: bytes) -> int:
    """Hold a table against what can be run, and return how many times as long it may make a text, at most.

    Raises:
        ValueError: it is damaged or too large.
    """
    if len(table) > _MOST_BYTES:
        raise ValueError(f"its precompiled_charsmap has {len(table):,} bytes, more than {_MOST_BYTES:,}")
    size = int.from_bytes(table[:4], "little") if len(table) >= 4 else 0
    if not size or size % 4 or size > len(table) - 4:
        raise ValueError("its precompiled_charsmap is damaged: it is cut off")
    units, texts = struct.unpack(f"<{size // 4}I", table[4 : 4 + size]), table[4 + size :]
    try:
        texts.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("its precompiled_charsmap is damaged: its texts are not UTF-8") from error
    if not all(_leads_inside(place, unit, units, texts) for place, unit in enumerate(units)):
        raise ValueError("its precompiled_charsmap is damaged: it leads outside of itself")
    return max(map(len, texts.split(b"\0")))


def _leads_inside(place: int, unit: int, units: tuple[int, ...], texts: bytes) -> bool:
    """Whether every step from a unit of the tree stays in it, and a text that it leads to begins with a character."""
    if unit & _LEAF and place:  # no step leads to it, but every search begins at the first unit
        return True
    below = place ^ ((unit >> 10) << (8 if unit & _WIDE else 0))
    if below | 0xFF >= len(units):
        return False
    if not unit & _HAS_LEAF:
        return True
    start = units[below] & (_LEAF - 1)
    return start == len(texts) or (start < len(texts) and texts[start] & 0xC0 != 0x80)
