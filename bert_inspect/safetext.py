"""Text from outside (sentences, tokens, labels, names, paths) made safe to show.

Whoever draws makes each text safe where its width is measured. What leaves the program goes through one door besides,
which knows nothing of what it holds: `safe_segments` before a screen, `safe_document` before a file.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

# Everything that moves the cursor, changes the terminal or reorders what stands around it: control characters (Cc),
# format characters such as bidi overrides (Cf), line and paragraph separators (Zl, Zp), lone surrogates (Cs).
_UNSAFE = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}
_JOINS = {"\u200d", "\u200c"}  # zero-width (non-)joiners: part of emoji and of Persian spelling, and harmless

_MARKS = 8
"""So many combining marks on one letter are writing; what is stacked higher covers the lines above and below."""

_Segment = TypeVar("_Segment", bound=Any)

_RARE = re.compile(r"[^ -~]")
"""Anything but printable ASCII; of that, `is_unsafe` tells what is harmless."""


def safe_text(text: str, *, most: int | None = None) -> str:
    r"""Return the text with control characters shown instead of sent: a newline as ``\n``, an escape as ``\x1b``.

    Of a text longer than ``most`` characters the rest is left out, and said to be.
    """
    if most is not None and len(text) > most:
        return f"{safe_text(text[:most])}... ({len(text) - most:,} more characters)"
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    marks = 0
    for sign in text:
        marks = marks + 1 if unicodedata.category(sign) in ("Mn", "Me") else 0
        shown.append(_escape(sign) if is_unsafe(sign) or marks > _MARKS else sign)
    return "".join(shown)


def safe_lines(text: str) -> str:
    """Return a text of several lines, such as a traceback, with each of them made safe."""
    return "\n".join(map(safe_text, text.split("\n")))


def safe_json(text: bytes) -> bytes:
    r"""Return JSON that says the same with unsafe characters escaped (``\u202e``): it may go to a terminal too."""
    if text.isascii() and b"\x7f" not in text:
        return text  # JSON has escaped the other control characters itself
    # Outside of its strings JSON is plain ASCII, so that what is found here lies within one.
    return _RARE.sub(lambda found: _json_escape(found[0]), text.decode()).encode()


def safe_segments(segments: Iterable[_Segment]) -> Iterator[_Segment]:
    """Yield the pieces of a picture for a terminal (Rich's segments) with nothing in them that a terminal acts on: its
    styles alone are sent as control sequences.
    """
    for segment in segments:
        text = segment.text
        if segment.control:
            continue
        yield segment if text.isascii() and text.isprintable() else segment._replace(text=safe_document(text))


def safe_document(text: str) -> str:
    r"""Return a whole SVG, page or graph with unsafe characters shown (``\x1b``): none belongs there but a newline."""
    return _RARE.sub(lambda found: _escape(found[0]) if found[0] != "\n" and is_unsafe(found[0]) else found[0], text)


def without_surrogates(text: str) -> str:
    r"""Return the text with lone surrogates, which no UTF-8 can hold, written as ``\ud800``."""
    return text.encode("utf-8", "backslashreplace").decode()


def is_unsafe(sign: str) -> bool:
    """Whether a character may not be sent to a terminal as it is."""
    return sign not in _JOINS and unicodedata.category(sign) in _UNSAFE


def _escape(sign: str) -> str:
    return sign.encode("unicode_escape", "surrogatepass").decode("ascii")


def _json_escape(sign: str) -> str:
    if sign == "\n" or not is_unsafe(sign):
        return sign
    units = sign.encode("utf-16-be")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
