"""The tensors that ``run --tensors`` stored beside a trace, read one by one and without torch.

The safetensors library reads into numpy too, but knows no bfloat16 there. The format is small enough to read: eight
bytes that say how long the header is, the header (JSON: each tensor's type, shape and place), then the numbers.
"""

import math
import mmap
import os
import stat
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ..errors import TraceFileError
from .arrays import Array

_MOST_HEADER = 100_000_000
"""The longest header that the safetensors library itself reads."""

_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U8": "|u1",
    "BOOL": "|b1",
}


class _Entry(msgspec.Struct):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


class TensorFile:
    """An open safetensors file. Only what is asked for is read."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._name = os.fspath(path)
        try:
            if not stat.S_ISREG(Path(path).stat().st_mode):
                raise TraceFileError(f"{self._name} is not a plain file", _HINT)
            with Path(path).open("rb") as stream:
                self._data: Any = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError as error:
            raise TraceFileError(f"there is no file {self._name}", _HINT) from error
        except (OSError, ValueError) as error:  # an empty file cannot be mapped
            reason = getattr(error, "strerror", None) or str(error)
            raise TraceFileError(f"cannot read {self._name}: {reason}", _HINT) from error
        length = int.from_bytes(self._data[:8], "little")
        self._start = 8 + length
        if length > _MOST_HEADER or self._start > len(self._data):
            raise self._damaged("its header is longer than the file")
        try:
            header = msgspec.json.decode(self._data[8 : self._start], type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._damaged("its header is not JSON") from error
        self._entries = {key: entry for key, entry in header.items() if key != "__metadata__"}

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def __getitem__(self, key: str) -> Array:
        """Return one tensor; bfloat16 is widened to float32, which holds it exactly.

        Raises:
            TraceFileError: the file does not hold what its header says.
        """
        try:
            entry = msgspec.json.decode(self._entries[key], type=_Entry)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._damaged(f"what its header says of {key} cannot be read") from error
        kind = _TYPES.get(entry.dtype)
        if kind is None:
            raise self._damaged(f"{key} has the type {entry.dtype}, which no trace has")
        begin, end = entry.data_offsets
        count = math.prod(entry.shape)
        size = np.dtype(kind).itemsize
        inside = 0 <= begin <= end <= len(self._data) - self._start
        if min(entry.shape, default=0) < 0 or not inside or count * size != end - begin:
            raise self._damaged(f"{key} is not where its header says")
        try:
            if not count:
                return np.empty(entry.shape, kind)
            flat = np.frombuffer(self._data, dtype=kind, count=count, offset=self._start + begin)
            if entry.dtype == "BF16":
                flat = (flat.astype(np.uint32) << 16).view(np.float32)
            return flat.reshape(entry.shape)
        except ValueError as error:  # more axes, or larger ones, than an array can have
            raise self._damaged(f"{key} has a shape that cannot be") from error

    def _damaged(self, what: str) -> TraceFileError:
        return TraceFileError(f"{self._name} is not a file of tensors: {what}", _HINT)


_HINT = 'save them with the trace: `tensors="trace.safetensors"`'
