"""What kind of pieces a tokenizer makes, and where they stand in the text without the space that goes before them."""

import json
from collections.abc import Iterator
from typing import Any, Literal

from ..traces.token_text import leading_spaces

Pieces = Literal["", "byte-level", "metaspace"]
Span = tuple[int, int]


def pieces_of(tokenizer: Any) -> Pieces:
    """Return what kind of names a fast tokenizer gives its pieces, as `Input.pieces` says it.

    Its decoder knows how to make text of them again; without one, what splits the text beforehand tells.
    """
    backend = tokenizer.backend_tokenizer
    for part in (backend.decoder, backend.pre_tokenizer):
        for inner in _parts(None if part is None else json.loads(part.__getstate__())):
            if inner.get("type") == "ByteLevel":
                return "byte-level"
            if "▁" in (inner.get("replacement"), *_values(inner.get("pattern"))):
                return "metaspace"
    return ""


def _parts(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        for inner in (*part.get("decoders", ()), *part.get("pretokenizers", ())):
            yield from _parts(inner)


def _values(pattern: Any) -> list[Any]:
    return list(pattern.values()) if isinstance(pattern, dict) else []


def without_spaces(text: str, span: Span, *, token: str, pieces: Pieces) -> Span:
    """Return the span of a token in a text without the white space before it.

    A piece of a byte-level or metaspace vocabulary may begin with a space, an added token may take those around it in;
    some tokenizers count them to the span, others do not, and to a space that they put there themselves some count the
    character after it.
    """
    start, end = span
    spelled = text[start:end]
    if spelled.strip() == token:  # it stands there as it is called; an added token may have spaces around it
        return start + len(spelled) - len(spelled.lstrip()), end - len(spelled) + len(spelled.rstrip())
    spaces = leading_spaces(token, pieces)
    for _ in range(spaces):
        if start < end and text[start : start + 1].isspace():
            start += 1
    return start, start if spaces and spaces == len(token) else end
