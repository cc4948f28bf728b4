"""What a trace is to hold of a run: which steps, and what of their tensors. Plain data, without torch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from ..errors import UsageError
from ..traces.selection import Selection


class Ends(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a tensor that is kept in its place: of the last two axes, which are a matrix, so many of the first and
    of the last entries; of an axis of sentences before them so many of the first; of any other axis, such as that of
    the heads, the first ``stack``. ``also`` are indices that are kept besides, of every axis but the first.
    """

    entries: int
    sentences: int
    stack: int = 1
    also: tuple[int, ...] = ()

    def kept(self, shape: Sequence[int]) -> list[list[int]]:
        """Return which indices of each axis are kept."""
        return [self._kept(axis, size, len(shape)) for axis, size in enumerate(shape)]

    def _kept(self, axis: int, size: int, axes: int) -> list[int]:
        if axis == 0 and axes > 2:
            return list(range(min(size, self.sentences)))
        also = {index for index in self.also if index < size and axis > 0}
        if axis < axes - 2:
            return sorted({*range(min(size, self.stack)), *also})
        if size <= 2 * self.entries:
            return list(range(size))
        return sorted({*range(self.entries), *range(size - self.entries, size), *also})


class TooManyValues(UsageError):
    """More numbers would be kept in full than `Keep.limit` allows."""


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of tensors besides their shapes. ``values`` are ``"full"``, or what is kept in their place;
    ``limit`` is the most numbers that may be kept in full. ``steps``, where they are given, are the only ones of which
    anything is kept, by their ids in a trace of all steps.
    """

    stats: bool = False
    values: Ends | Literal["full"] | None = None
    tensors: bool = False
    seconds: bool = False
    limit: int | None = None
    steps: frozenset[int] | None = None

    @property
    def any(self) -> bool:
        """Whether anything is kept of tensors."""
        return self.stats or self.values is not None or self.tensors


@dataclass(frozen=True, kw_only=True)
class TraceSpec:
    """What one trace of a run is to hold. One forward may serve several."""

    selection: Selection = field(default_factory=Selection)
    keep: Keep = field(default_factory=Keep)
