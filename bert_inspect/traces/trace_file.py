"""A trace as strict JSON, as one line of JSON Lines, and as a file; and back, held to what a trace may be."""

import os
from collections.abc import Iterator
from typing import Any

import msgspec

from ..errors import TraceFileError
from .codec import decoder, encode
from .codec import schema as schema_of
from .limits import HOW_TO_MAKE, check_amount, read_line, read_trace
from .older import completed
from .record import FORMAT, VERSION, Trace
from .validate import check


def trace_json(trace: Trace) -> Iterator[bytes]:
    """Yield a trace as strict JSON, a step at a time, so that big values are never held twice."""
    # A trace is small but for its steps: they are written one by one into the place that an empty list marks.
    head, tail = encode(msgspec.structs.replace(trace, steps=[])).rsplit(b'"steps":[]', 1)
    yield head + b'"steps":['
    for number, step in enumerate(trace.steps):
        yield (b",\n" if number else b"\n") + encode(step)
    yield b"]" + tail + b"\n"


def trace_line(trace: Trace) -> bytes:
    """Return a trace as one line of JSON Lines."""
    return encode(trace) + b"\n"


def load_trace(path: str | os.PathLike[str]) -> Trace:
    """Read a saved trace.

    Raises:
        TraceFileError: the file is unreadable, damaged, not a trace, or of another major version.
    """
    return decode_trace(read_trace(path), name=os.fspath(path))


def load_line(path: str | os.PathLike[str], number: int) -> Trace:
    """Read one of the traces that a file holds one a line, counted from 1.

    Raises:
        TraceFileError: as for `load_trace`, or the file has no such line.
    """
    return decode_trace(read_line(path, number), name=f"line {number} of {os.fspath(path)}")


def decode_trace(text: bytes, *, name: str = "the trace") -> Trace:
    """Decode a trace from JSON; ``name`` is how errors call it.

    Raises:
        TraceFileError: as for `load_trace`.
    """
    check_amount(text, name)
    try:
        head = msgspec.json.decode(text, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if isinstance(error, msgspec.ValidationError):
            raise TraceFileError(f"{name} is not a trace of bert-inspect", HOW_TO_MAKE) from error
        if b'\n{"format"' in text:
            count = 1 + text.count(b'\n{"format"')
            raise TraceFileError(f"{name} holds {count} traces, one a line", "`line=1` takes the first") from error
        raise TraceFileError(f"{name} is damaged: {error}", HOW_TO_MAKE) from error
    if head.format != FORMAT:
        raise TraceFileError(f"{name} is not a trace of bert-inspect", HOW_TO_MAKE)
    if head.version != VERSION:
        raise TraceFileError(
            f"{name} has trace version {head.version}, this bert-inspect reads version {VERSION}",
            "trace it again, or use the bert-inspect that made it",
        )
    try:
        trace = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TraceFileError(f"{name} is damaged: {error}", HOW_TO_MAKE) from error
    check(trace, name, hint=HOW_TO_MAKE)
    return completed(trace)


class _Head(msgspec.Struct):
    format: str
    version: int


_decoder = decoder(Trace)


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a trace."""
    made = schema_of(Trace)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": FORMAT, **made}
