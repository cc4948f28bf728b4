"""Records as JSON text: strict, UTF-8, and with nothing in it that a terminal would act on."""

from typing import Any, TypeVar

import msgspec

from ..safetext import safe_json, without_surrogates
from .values import Values

T = TypeVar("T")


def encode(record: Any) -> bytes:
    """Return a record as strict JSON, without a newline."""
    try:
        text = _encoder.encode(record)
    except UnicodeEncodeError:
        # A label or a file name may hold a lone surrogate, which JSON's UTF-8 cannot: it is written as an escape.
        text = _encoder.encode(_clean(msgspec.to_builtins(record, enc_hook=_plain)))
    return safe_json(text)


def encode_line(record: Any) -> bytes:
    """Return a record as a line of strict JSON."""
    return encode(record) + b"\n"


def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Return what decodes a kind of record from JSON."""
    return msgspec.json.Decoder(kind, dec_hook=_decode)


def schema(kind: Any) -> dict[str, Any]:
    """Return the JSON Schema of a kind of record."""
    return msgspec.json.schema(kind, schema_hook=_describe)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value


def _raw(value: Any) -> Any:
    if isinstance(value, Values):
        return msgspec.Raw(value.json())
    raise TypeError(f"cannot encode {type(value)}")


def _plain(value: Any) -> Any:
    return msgspec.json.decode(_raw(value))


def _decode(kind: type, value: Any) -> Any:
    if kind is Values:
        return Values.from_nested(value)
    raise TypeError(f"cannot decode {kind}")


def _describe(kind: type) -> dict[str, Any]:
    if kind is Values:
        return {"description": "nested lists of numbers; non-finite ones are strings", "type": _ANY_DEPTH}
    raise TypeError(f"cannot describe {kind}")


_ANY_DEPTH = ["array", "number", "boolean", "string"]  # a tensor without axes is a bare number
_encoder = msgspec.json.Encoder(enc_hook=_raw)
