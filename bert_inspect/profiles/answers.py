"""Totals over what a model answers, held against the labels of a corpus where it has any."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..traces.values import strict
from .exact import ExactSum
from .record import Answers, Bin

BINS = 10


@dataclass(frozen=True, kw_only=True)
class BatchAnswers:
    """The answers of a batch: the class of each, its probability, and the class that the corpus gives, None where it
    gives none; all (answers,).
    """

    indices: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    labels: Sequence[int | None]


class AnswersTotal:
    """The answers over all batches so far, about sentences or tokens, between these classes."""

    def __init__(self, of: Literal["sentences", "tokens"], classes: Sequence[str]) -> None:
        self.of, self.classes = of, list(classes)
        self._counts = [0] * len(classes)
        self._total = ExactSum()
        self._by_label = [[0] * len(classes) for _ in classes]
        self._bins = [_Bin() for _ in range(BINS)]

    @classmethod
    def read(cls, record: Answers) -> "AnswersTotal":
        """Return the totals of a record.

        Raises:
            ValueError: it holds none.
        """
        found = cls(record.of, record.classes)
        found._counts, found._total = list(record.counts), ExactSum.read(record.total)
        if record.by_label:
            found._by_label = [list(row) for row in record.by_label]
            found._bins = [_Bin(bin.count, bin.right, ExactSum.read(bin.total)) for bin in record.bins]
        return found

    def add(self, batch: BatchAnswers) -> None:
        """Add the answers of a batch; one whose probability is NaN is none."""
        there = ~np.isnan(batch.probabilities)
        counts = np.bincount(batch.indices[there], minlength=len(self._counts))
        self._counts = [one + more for one, more in zip(self._counts, counts.tolist(), strict=True)]
        self._total.add_each(batch.probabilities[there].tolist())
        for place, label in enumerate(batch.labels):
            if label is not None and there[place]:
                self._add_labelled(int(batch.indices[place]), float(batch.probabilities[place]), label)

    def _add_labelled(self, index: int, probability: float, label: int) -> None:
        self._by_label[label][index] += 1
        into = self._bins[min(int(probability * BINS), BINS - 1)]
        into.count += 1
        into.right += label == index
        into.total.add(probability)

    def merge(self, other: "AnswersTotal") -> None:
        """Add what another one holds.

        Raises:
            ValueError: its answers are between other classes.
        """
        if (other.of, other.classes) != (self.of, self.classes):
            raise ValueError("answers between other classes")
        self._counts = [one + more for one, more in zip(self._counts, other._counts, strict=True)]
        self._total.merge(other._total)
        for mine, theirs in zip(self._by_label, other._by_label, strict=True):
            mine[:] = [one + more for one, more in zip(mine, theirs, strict=True)]
        for bin, more in zip(self._bins, other._bins, strict=True):
            bin.count += more.count
            bin.right += more.right
            bin.total.merge(more.total)

    def record(self) -> Answers:
        """Return it as a record."""
        count, labelled = sum(self._counts), sum(bin.count for bin in self._bins)
        return Answers(
            of=self.of,
            classes=self.classes,
            counts=self._counts,
            probability=strict(self._total.mean(count)) if count else None,
            total=self._total.written(),
            labelled=labelled,
            right=sum(bin.right for bin in self._bins),
            by_label=self._by_label if labelled else [],
            bins=[bin.record() for bin in self._bins] if labelled else [],
            calibration_error=strict(self._error(labelled)) if labelled else None,
        )

    def _error(self, labelled: int) -> float:
        return sum(bin.distance for bin in self._bins) / labelled


@dataclass
class _Bin:
    count: int = 0
    right: int = 0
    total: ExactSum = field(default_factory=ExactSum)

    @property
    def distance(self) -> float:
        """How far the sum of the probabilities lies from the number of right answers."""
        return abs(self.total.mean(1) - self.right)

    def record(self) -> Bin:
        mean = strict(self.total.mean(self.count)) if self.count else None
        return Bin(count=self.count, right=self.right, probability=mean, total=self.total.written())
