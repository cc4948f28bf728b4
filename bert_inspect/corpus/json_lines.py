"""A sentence as a JSON object on a line of its own."""

import json
import re

import msgspec

from ..errors import UsageError
from .sentence_file import LONGEST, check_length

LONGEST_OBJECT = 14 * LONGEST
"""More bytes than such a line has: two texts of the greatest length, each character escaped."""

_HINT = 'each line is an object: {"text": "I love cats!", "label": "positive"}'


_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class Row(msgspec.Struct):
    """What is read of an object; other keys are passed over."""

    text: str
    pair: str | None = None
    label: str | int | None = None


def row_of(data: bytes, which: str) -> Row:
    """Return the sentence that a line holds.

    Raises:
        UsageError: it is no JSON object with a text, or something in it has another type; ``which`` is how the message
            calls it.
    """
    if len(data) >= LONGEST_OBJECT:
        raise UsageError(f"{which} has more than {LONGEST_OBJECT:,} bytes", "split its text")
    try:
        row = _decoder.decode(data)
    except msgspec.ValidationError as error:
        raise UsageError(f"{which} {_fault(data)}", _hint(data)) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{which} is not valid UTF-8 text", "save it as UTF-8") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"{which} {_not_json(data, error)}", _hint(data)) from error
    check_length(row.text, which)
    check_length(row.pair or "", f"the pair in {which}")
    return row


def _fault(data: bytes) -> str:
    """Say what is wrong with JSON that is no such object, in words that follow the name of its line."""
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:  # further on than what is no such object
        return _not_json(data, error)
    if not isinstance(found, dict):
        return f"is not a JSON object but {_named(found)}"
    if "text" not in found:
        keys = ", ".join(map(repr, [*found][:8])) or "no key at all"
        return f'has no "text": it has {keys}'
    for key, wanted, types in (
        ("text", "a string", (str,)),
        ("pair", "a string", (str, type(None))),
        ("label", "the name of a class or its index", (str, int, type(None))),
    ):
        value = found.get(key)
        if not isinstance(value, types) or isinstance(value, bool):
            return f'has {_named(value)} as its "{key}", which should be {wanted}'
    return 'has a "label" that is no index of a class'


def _not_json(data: bytes, error: Exception) -> str:
    if _SURROGATE.search(data) is not None:
        try:
            json.loads(data)
        except (ValueError, RecursionError):
            pass
        else:
            return "has half of a surrogate pair, which is no character"
    return f"is not JSON: {error}"


def _hint(data: bytes) -> str:
    return "a JSON array is no JSON Lines: jq -c '.[]' makes them" if data.lstrip().startswith(b"[") else _HINT


def _named(value: object) -> str:
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 40 else f"{text[:40]}..."


_decoder = msgspec.json.Decoder(Row)
