"""Totals over where the heads of a layer look."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..traces.values import strict
from .exact import ExactSums
from .record import Heads

QUANTITIES: Final = ("entropy", "first", "separator", "itself", "previous", "next", "padding")
"""What is told of a head: `Heads` says what each is."""


@dataclass(frozen=True, kw_only=True)
class BatchHeads:
    """Sums over the ``count`` real query tokens of one batch, for each quantity (heads,)."""

    count: int
    totals: Mapping[str, NDArray[np.float64]]


class HeadsTotal:
    """The heads of one layer, over all batches so far."""

    def __init__(self, layer: int, path: str, size: int) -> None:
        self.layer, self.path, self.size = layer, path, size
        self._count = 0
        self._totals = {name: ExactSums(size) for name in QUANTITIES}

    @classmethod
    def read(cls, record: Heads) -> "HeadsTotal":
        """Return the totals of a record.

        Raises:
            ValueError: it holds none.
        """
        found = cls(record.layer, record.path, len(record.entropy))
        found._count = record.count
        if {*record.totals} != {*QUANTITIES}:
            raise ValueError("the totals of other quantities")
        found._totals = {name: ExactSums.read(text, found.size) for name, text in record.totals.items()}
        if record.count:
            for name, total in found._totals.items():
                total.spoil(np.isnan([float(mean) for mean in getattr(record, name)]))
        return found

    def add(self, batch: BatchHeads) -> None:
        """Add a batch."""
        self._count += batch.count
        for name, total in self._totals.items():
            total.add(batch.totals[name])

    def merge(self, other: "HeadsTotal") -> None:
        """Add what another one holds.

        Raises:
            ValueError: it has another number of heads.
        """
        if other.size != self.size:
            raise ValueError(f"{other.size} heads instead of {self.size}")
        self._count += other._count
        for name, total in self._totals.items():
            total.merge(other._totals[name])

    def record(self) -> Heads:
        """Return it as a record."""
        means = {name: [strict(mean) for mean in total.means(self._count)] for name, total in self._totals.items()}
        return Heads(
            layer=self.layer,
            path=self.path,
            count=self._count,
            totals={name: total.written() for name, total in self._totals.items()},
            **means,
        )
