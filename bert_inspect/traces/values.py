"""The numbers of one tensor: flat in memory, nested lists in JSON, and possibly cut to what a screen shows."""

import math
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from .vocabulary import labels

VALUES_LIMIT = 50_000_000
"""The most numbers that are held of one run, in a trace or beside it; the contract fixes it for exports."""
UNIT_ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
"""Half a unit in the last place, relative to the number that is stored."""

_MASKED_BELOW = {"float16": -6e4}
"""A masked score is its type's lowest number (or minus infinity): far below any score that was computed."""

Number = float | Literal["NaN", "Infinity", "-Infinity"]
"""A number as strict JSON has it."""

NON_FINITE = ("NaN", "Infinity", "-Infinity")


def strict(number: float) -> Number:
    """Return the number as strict JSON has it: itself, or the string that stands for a non-finite one."""
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def masked_below(label: str, dtype: str) -> float | None:
    """Return below which number an entry of a step's tensor hides a token, None where entries hide nothing."""
    if label != labels.MASKED_ATTENTION_SCORES and label not in labels.MASKS:
        return None
    return _MASKED_BELOW.get(dtype, -1e30)


class Values:
    """The numbers of one tensor.

    ``flat`` holds them in row-major order; ``shape`` is the tensor's shape. ``kept``, where it is given, says which
    indices of each axis ``flat`` really holds: a run that exports nothing keeps only what the screen will show.
    """

    __slots__ = ("_places", "_strides", "flat", "kept", "shape")

    def __init__(
        self,
        flat: memoryview | Sequence[Any],
        shape: Sequence[int],
        *,
        kept: Sequence[Sequence[int]] | None = None,
    ) -> None:
        self.flat = flat
        self.shape = tuple(shape)
        self.kept = None if kept is None else tuple(tuple(axis) for axis in kept)
        self._places = None if kept is None else [{index: at for at, index in enumerate(axis)} for axis in kept]
        sizes = self.shape if kept is None else tuple(len(axis) for axis in kept)
        self._strides = [math.prod(sizes[axis + 1 :]) for axis in range(len(sizes))]

    def __len__(self) -> int:
        return len(self.flat)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Values) and self.shape == other.shape and self.json() == other.json()

    __hash__ = None  # type: ignore[assignment]

    def at(self, *index: int) -> Any:
        """Return the number at ``index``; one that was cut away is a KeyError."""
        if self._places is not None:
            index = tuple(places[i] for places, i in zip(self._places, index, strict=True))
        return self.flat[sum(i * stride for i, stride in zip(index, self._strides, strict=True))]

    def json(self) -> bytes:
        """Return the numbers as nested JSON lists, non-finite ones as strings.

        Raises:
            ValueError: the numbers were cut, so that they are not the whole tensor.
        """
        if self.kept is not None:
            raise ValueError("these values were cut for the screen")
        return b"".join(_nested(self.flat, self.shape))

    @classmethod
    def from_nested(cls, nested: Any) -> "Values":
        """Build from decoded JSON lists.

        Raises:
            ValueError: the lists are ragged or hold something that is not a number.
        """
        shape: list[int] = []
        flat: list[Any] = [nested]
        while flat and isinstance(flat[0], list):
            size = len(flat[0])
            if any(not isinstance(part, list) or len(part) != size for part in flat):
                raise ValueError("values are not a rectangular array")
            shape.append(size)
            flat = [item for part in flat for item in part]
        if set(map(type, flat)) <= {float}:
            return cls(memoryview(array("d", flat)), shape)  # a fifth of the memory
        return cls([_number(item) for item in flat], shape)


def _number(item: Any) -> Any:
    if isinstance(item, bool | int | float):
        return item
    if item in NON_FINITE:
        return float(item)
    raise ValueError("values hold something that is not a number")


def _nested(flat: memoryview | Sequence[Any], shape: Sequence[int]) -> Iterator[bytes]:
    """Yield the JSON text of nested lists, a row at a time, so that no second copy of the tensor is ever held."""
    if not shape:
        yield _row(flat)[1:-1]
    elif len(shape) == 1:
        yield _row(flat)
    else:
        size = math.prod(shape[1:])
        yield b"["
        for i in range(shape[0]):
            if i:
                yield b","
            yield from _nested(flat[i * size : (i + 1) * size], shape[1:])
        yield b"]"


def _row(flat: memoryview | Sequence[Any]) -> bytes:
    row = flat.tolist() if isinstance(flat, memoryview) else flat
    text = msgspec.json.encode(row)
    if b"null" in text:  # how msgspec writes a non-finite float
        text = msgspec.json.encode([strict(number) for number in row])
    return text
