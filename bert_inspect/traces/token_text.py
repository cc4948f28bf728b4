"""Tokens as text: the pieces of a byte-level or a metaspace vocabulary as the characters that they stand for.

A byte-level vocabulary (RoBERTa, ModernBERT) writes each byte of UTF-8 as a printable character, the space as ``Ġ``,
the two bytes of ``é`` as ``Ã©``. A metaspace vocabulary (sentencepiece) writes the space as ``▁``. What the trace holds
are those names; what is shown is their text, a space at the beginning as a middle dot.
"""

from functools import cache

from .record import Input

SPACE = "·"
"""What stands for a space at the beginning of a token."""
_META = "▁"
_SPACE_BYTE = "Ġ"


def token_texts(batch: Input, row: int) -> list[str]:
    """Return the tokens of a sentence as they are shown."""
    return [shown_token(batch, row, place) for place in range(len(batch.tokens[row]))]


def shown_token(batch: Input, row: int, place: int) -> str:
    """Return one token of a sentence as it is shown."""
    token = batch.tokens[row][place]
    return token if not batch.pieces or _is_name(batch, row, place) else token_text(token, batch.pieces)


def _is_name(batch: Input, row: int, place: int) -> bool:
    """Whether a token is no piece but a name: a special token, or an added one that stands in the text as it is called.

    A byte-level piece that is not ASCII equals its text only if it begins inside of a character (U+00BD is the bytes
    C2 BD, and BD is written as U+00BD).
    """
    token, (start, end) = batch.tokens[row][place], batch.offsets[row][place]
    if batch.special and batch.special[row][place]:
        return True
    if batch.pieces != "byte-level" or token.isascii() or "\xa1" <= token[0] <= "\xbf":
        return False
    text = batch.pairs[row] if batch.pairs is not None and batch.sides(row)[place] else batch.texts[row]
    return text[start:end] == token


def token_text(token: str, pieces: str) -> str:
    """Return a piece of a vocabulary as it is shown; ``pieces`` is `Input.pieces`."""
    if pieces == "byte-level":
        text = _of_bytes(token)
    elif pieces == "metaspace":
        text = token.replace(_META, " ")
    else:
        return token
    rest = text.lstrip(" ")
    return SPACE * (len(text) - len(rest)) + rest


def leading_spaces(token: str, pieces: str) -> int:
    """Return how many spaces a piece of a vocabulary begins with."""
    mark = {"byte-level": _SPACE_BYTE, "metaspace": _META}.get(pieces)
    return 0 if mark is None else len(token) - len(token.lstrip(mark))


def _of_bytes(token: str) -> str:
    """Return the text of a byte-level piece; bytes that make no whole character as ``<0xC3>``."""
    table = _bytes()
    if not all(sign in table for sign in token):
        return token
    data = bytes(table[sign] for sign in token)
    return data.decode("utf-8", errors="surrogateescape").translate(_BROKEN)


_BROKEN = {0xDC00 + byte: f"<0x{byte:02X}>" for byte in range(0x80, 0x100)}


@cache
def _bytes() -> dict[str, int]:
    """Return which byte each character stands for: GPT-2's table. What is printable in Latin-1 stands for itself, the
    other bytes are written as the characters from U+0100 on, in their order.
    """
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(0x100) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(0x100 + number): byte for number, byte in enumerate(rest)}
