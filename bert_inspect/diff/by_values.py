"""Two arrays held against each other, entry by entry, with what is allowed of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .align import Rows
from .arrays import Array, Block, blocks, gap_of_values
from .gap import Gap, Tolerance
from .noise import CONFIDENCE

Errors = tuple[Array | float, Array | float]
"""The standard deviations of the errors of A's and of B's entries, or one for all of a tensor."""


@dataclass(frozen=True, kw_only=True)
class ArrayPair:
    """A's array and B's: in which ``order`` B's axes are A's, what the ``axes`` are, which sentences and tokens belong
    together (``rows``), and the errors of either, where they are known entry by entry.
    """

    a: Array
    b: Array
    order: Sequence[int] | None
    axes: Sequence[str] | None
    rows: Rows
    errors: Errors | None = None

    def gap(self, allowed: Tolerance, *, masked: float | None) -> Gap:
        """Return how far the two are apart, in multiples of what is allowed."""
        parts = self._parts(self.a, self.b)
        if self.errors is not None:
            parts = _with_room(parts, self._parts(*self._spread(self.errors)))
        return gap_of_values(parts, allowed=allowed, masked=masked)

    def differences(self, *, masked: float | None) -> Errors:
        """Return how far the entries are apart, in the shape of either array: 0 for those that have no partner, and for
        what is masked or not finite.
        """
        a, b = np.zeros(self.a.shape), np.zeros(self.b.shape)
        turned = b if self.order is None else b.transpose(self.order)
        for part in self._parts(self.a, self.b):
            apart = np.abs(_kept(part.a, masked) - _kept(part.b, masked))
            a[_mesh(part.index, a.shape)] = apart
            turned[_mesh(part.index_b, turned.shape)] = apart
        return a, b

    def _parts(self, a: Array, b: Array) -> Iterator[Block]:
        turned = b if self.order is None else b.transpose(self.order)
        return blocks(a, turned, self.axes, self.rows, padding=False)

    def _spread(self, errors: Errors) -> tuple[Array, Array]:
        return np.broadcast_to(errors[0], self.a.shape), np.broadcast_to(errors[1], self.b.shape)


def _with_room(parts: Iterator[Block], errors: Iterator[Block]) -> Iterator[Block]:
    for part, error in zip(parts, errors, strict=True):
        yield replace(part, room=CONFIDENCE * np.maximum(error.a, error.b))


def _kept(array: Array, masked: float | None) -> Array:
    exact = array.astype(np.float64, copy=False)
    kept = np.isfinite(exact) if masked is None else np.isfinite(exact) & (exact >= masked)
    return exact if kept.all() else np.where(kept, exact, 0.0)


def _mesh(index: Sequence[Sequence[int] | None], shape: Sequence[int]) -> Any:
    if all(places is None for places in index):
        return ...
    return np.ix_(*(range(size) if places is None else places for places, size in zip(index, shape, strict=True)))
