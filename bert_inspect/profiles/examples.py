"""The tokens that drive each unit most, whatever the order in which they come."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from ..traces.values import strict
from .record import Example

MOST_EXAMPLES: Final = 100
"""So many examples of a unit are kept at most."""
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Told = Callable[[float, int], Example]
"""From an activation and the place of its token in a sentence to the example that it is."""


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """The largest activations of some units in a batch, of which minus infinity is none. ``values``, ``sentences``
    (their numbers in the corpus) and ``places`` (of tokens) are of the shape (units, candidates); ``told`` tells of the
    tokens of one of these sentences.
    """

    units: Integers
    values: Floats
    sentences: Integers
    places: Integers
    told: Callable[[int], Told]


class TopExamples:
    """The ``wanted`` largest activations of each of ``size`` units. Of equal ones, the first in the corpus is kept; NaN
    and minus infinity are none.
    """

    def __init__(self, size: int, wanted: int) -> None:
        self._values: Floats = np.full((size, wanted), -np.inf)
        self._sentences: Integers = np.zeros((size, wanted), dtype=np.int64)
        self._places: Integers = np.zeros((size, wanted), dtype=np.int64)
        self._examples: dict[tuple[int, int], Example] = {}  # by sentence and place, whatever the value
        self._to_be_told: dict[int, Told] = {}  # by sentence: of the batches since it was settled

    @property
    def least(self) -> Floats:
        """What an activation of each unit must reach to be kept (units,)."""
        return self._values[:, -1]

    def read(self, examples: Sequence[Sequence[Example]]) -> None:
        """Add those of a record.

        Raises:
            ValueError: they are of another number of units, or more than are kept.
        """
        if len(examples) != len(self._values) or any(len(found) > self._values.shape[1] for found in examples):
            raise ValueError(f"examples of {len(examples)} units instead of {len(self._values)}")
        for unit, found in enumerate(examples):
            for at, each in enumerate(found):
                self._values[unit, at] = float(each.value)
                self._sentences[unit, at], self._places[unit, at] = each.sentence, each.place
                self._examples[each.sentence, each.place] = each

    def add(self, batch: Candidates) -> None:
        """Add a batch."""
        kept = (self._values[batch.units], self._sentences[batch.units], self._places[batch.units])
        found = (batch.values, batch.sentences, batch.places)
        together = (np.concatenate(both, axis=1) for both in zip(kept, found, strict=True))
        best = _best(*together, wanted=kept[0].shape[1])
        self._values[batch.units], self._sentences[batch.units], self._places[batch.units] = best
        for sentence in np.unique(batch.sentences[batch.values >= best[0][:, -1:]]).tolist():
            self._to_be_told[sentence] = batch.told(sentence)

    def merge(self, other: "TopExamples") -> None:
        """Add what another one holds."""
        mine = (self._values, self._sentences, self._places)
        theirs = (other._values, other._sentences, other._places)
        together = (np.concatenate(both, axis=1) for both in zip(mine, theirs, strict=True))
        self._values, self._sentences, self._places = _best(*together, wanted=self._values.shape[1])
        self._examples.update(other._examples)
        self._to_be_told.update(other._to_be_told)

    def settle(self) -> None:
        """Tell those that are kept, and hold on to no sentence that they are of."""
        kept = zip(*(each[self._values > -math.inf].tolist() for each in (self._sentences, self._places)), strict=True)
        known, told = self._examples, self._to_be_told
        self._examples = {
            key: known[key] if key in known else told[key[0]](math.nan, key[1]) for key in dict.fromkeys(kept)
        }
        self._to_be_told = {}

    def record(self) -> list[list[Example]]:
        """Return them, the largest first."""
        self.settle()
        rows = zip(self._values.tolist(), self._sentences.tolist(), self._places.tolist(), strict=True)
        return [
            [
                structs.replace(self._examples[sentence, place], value=strict(value))
                for value, sentence, place in zip(*row, strict=True)
                if value > -math.inf
            ]
            for row in rows
        ]


def _best(values: Floats, sentences: Integers, places: Integers, *, wanted: int) -> tuple[Floats, Integers, Integers]:
    """Return the largest of each unit, from values, sentences and places, each (units, any number)."""
    order = np.lexsort((places, sentences, -values), axis=-1)[:, :wanted]
    taken = np.take_along_axis
    return taken(values, order, axis=-1), taken(sentences, order, axis=-1), taken(places, order, axis=-1)


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
