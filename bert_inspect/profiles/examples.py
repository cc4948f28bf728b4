"""The tokens that drive each unit most, whatever the order in which they come."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..traces.values import strict
from .record import Example

Key = tuple[float, int, int]
"""Minus the activation, the number of the sentence and the place of the token: what comes first is kept."""


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """The largest activations of some units in a batch. ``values``, ``sentences`` (their numbers in the corpus) and
    ``places`` (of tokens) are of the shape (units, candidates); ``told`` makes an example of one.
    """

    units: NDArray[np.int64]
    values: NDArray[np.float64]
    sentences: NDArray[np.int64]
    places: NDArray[np.int64]
    told: Callable[[float, int, int], Example]


class TopExamples:
    """The ``wanted`` largest activations of each of ``size`` units. Of equal ones, the first in the corpus is kept; NaN
    and minus infinity are none.

    Attributes:
        least: what an activation of each unit must reach to be kept (units,).
    """

    def __init__(self, size: int, wanted: int) -> None:
        self._wanted = wanted
        self._kept: list[dict[Key, Example]] = [{} for _ in range(size)]
        self.least = np.full(size, -np.inf)

    def read(self, examples: Sequence[Sequence[Example]]) -> None:
        """Add those of a record.

        Raises:
            ValueError: they are of another number of units.
        """
        if len(examples) != len(self._kept):
            raise ValueError(f"examples of {len(examples)} units instead of {len(self._kept)}")
        for unit, found in enumerate(examples):
            self._add(unit, {(-float(each.value), each.sentence, each.place): each for each in found})

    def add(self, batch: Candidates) -> None:
        """Add a batch."""
        rows = zip(batch.values.tolist(), batch.sentences.tolist(), batch.places.tolist(), strict=True)
        for unit, (values, sentences, places) in zip(batch.units.tolist(), rows, strict=True):
            kept = self._kept[unit]
            found = zip(values, sentences, places, strict=True)
            keys = [(-value, *where) for value, *where in found if value > -math.inf]
            best = sorted({*kept, *keys})[: self._wanted]
            self._add(unit, {key: kept.get(key) or batch.told(-key[0], key[1], key[2]) for key in best})

    def merge(self, other: "TopExamples") -> None:
        """Add what another one holds."""
        for unit, kept in enumerate(other._kept):
            self._add(unit, kept)

    def record(self) -> list[list[Example]]:
        """Return them, the largest first."""
        return [[kept[key] for key in sorted(kept)] for kept in self._kept]

    def _add(self, unit: int, found: dict[Key, Example]) -> None:
        together = {**self._kept[unit], **found}
        self._kept[unit] = kept = {key: together[key] for key in sorted(together)[: self._wanted]}
        if len(kept) == self._wanted:
            self.least[unit] = -max(kept)[0]


def example(value: float, sentence: int, place: int, *, text: str, span: tuple[int, int], around: int = 40) -> Example:
    """Return a token as an example, with up to ``around`` characters of its text on either side."""
    start, end = span
    return Example(
        value=strict(value),
        sentence=sentence,
        place=place,
        token=text[start:end],
        before=text[max(start - around, 0) : start],
        after=text[end : end + around],
    )
