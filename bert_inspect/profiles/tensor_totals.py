"""Totals over the numbers of one tensor, and over each of its dimensions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..traces.values import Number, strict
from . import buckets
from .exact import ExactSum, ExactSums
from .examples import Candidates, TopExamples
from .record import Dimensions, Numbers

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class BatchNumbers:
    """The numbers of a tensor in one batch. ``low`` and ``high`` are infinite the other way round where none is finite;
    ``total`` and ``squares`` are sums over the finite ones, ``sizes`` counts (negative, positive) those that are not 0
    by bucket, from the ``first`` on.
    """

    count: int
    nan: int
    inf: int
    zeros: int
    low: float
    high: float
    total: float
    squares: float
    sizes: Integers
    first: int = 0


class NumbersTotal:
    """The numbers of a tensor, over all batches so far."""

    def __init__(self) -> None:
        self._count = self._nan = self._inf = self._zeros = 0
        self._low, self._high = math.inf, -math.inf
        self._total, self._squares = ExactSum(), ExactSum()
        self._sizes: Integers = np.zeros((2, buckets.SIDE), dtype=np.int64)

    @classmethod
    def read(cls, record: Numbers) -> "NumbersTotal":
        """Return the totals of a record.

        Raises:
            ValueError: it holds none.
        """
        found = cls()
        found._count, found._nan, found._inf, found._zeros = record.count, record.nan, record.inf, record.zeros
        if record.min is not None and record.max is not None:
            found._low, found._high = float(record.min), float(record.max)
        found._total, found._squares = ExactSum.read(record.total), ExactSum.read(record.squares)
        found._sizes = np.stack([buckets.unpacked(record.negative), buckets.unpacked(record.positive)])
        return found

    def add(self, batch: BatchNumbers) -> None:
        """Add a batch."""
        self._count += batch.count
        self._nan += batch.nan
        self._inf += batch.inf
        self._zeros += batch.zeros
        self._low, self._high = min(self._low, batch.low), max(self._high, batch.high)
        self._total.add(batch.total)
        self._squares.add(batch.squares)
        self._sizes[:, batch.first : batch.first + batch.sizes.shape[1]] += batch.sizes

    def merge(self, other: "NumbersTotal") -> None:
        """Add what another one holds."""
        self._count += other._count
        self._nan += other._nan
        self._inf += other._inf
        self._zeros += other._zeros
        self._low, self._high = min(self._low, other._low), max(self._high, other._high)
        self._total.merge(other._total)
        self._squares.merge(other._squares)
        self._sizes = self._sizes + other._sizes

    def record(self) -> Numbers:
        """Return it as a record."""
        finite = self._count - self._nan - self._inf
        low, high = self._low + 0.0, self._high + 0.0  # of 0 and -0 either may have come first
        constant = low == high
        deviation = 0.0 if constant else self._total.deviation(self._squares, finite)
        negative, positive = self._sizes
        return Numbers(
            count=self._count,
            nan=self._nan,
            inf=self._inf,
            zeros=self._zeros,
            min=strict(low) if finite else None,
            max=strict(high) if finite else None,
            mean=strict(low if constant else self._total.mean(finite)) if finite else None,
            std=strict(deviation) if finite > 1 else None,
            total=self._total.written(),
            squares=self._squares.written(),
            negative=buckets.packed(negative),
            positive=buckets.packed(positive),
        )


@dataclass(frozen=True, kw_only=True)
class BatchDimensions:
    """The numbers of a tensor in one batch by dimension, over ``count`` tokens. ``low`` and ``high`` are of the finite
    ones, and infinite the other way round where there is none. ``candidates`` are the largest of each, where examples
    are wanted.
    """

    count: int
    low: Floats
    high: Floats
    zeros: Integers
    total: Floats
    squares: Floats
    candidates: Candidates | None = None


@dataclass
class DimensionsTotal:
    """The numbers of a tensor by dimension, over all batches so far; ``wanted`` is how many examples are kept."""

    size: int
    wanted: int = 0
    _count: int = 0
    _examples: TopExamples | None = None
    _low: Floats = field(init=False)
    _high: Floats = field(init=False)
    _zeros: Integers = field(init=False)
    _total: ExactSums = field(init=False)
    _squares: ExactSums = field(init=False)

    def __post_init__(self) -> None:
        self._low, self._high = np.full(self.size, np.inf), np.full(self.size, -np.inf)
        self._zeros = np.zeros(self.size, dtype=np.int64)
        self._total, self._squares = ExactSums(self.size), ExactSums(self.size)
        if self.wanted:
            self._examples = TopExamples(self.size, self.wanted)

    @classmethod
    def read(cls, record: Dimensions, wanted: int) -> "DimensionsTotal":
        """Return the totals of a record.

        Raises:
            ValueError: it holds none.
        """
        size = len(record.zeros)
        found = cls(size, wanted)
        found._count = record.count
        found._low, found._high = _floats(record.min, size), _floats(record.max, size)
        found._zeros = np.array(record.zeros, dtype=np.int64)
        found._total, found._squares = ExactSums.read(record.total, size), ExactSums.read(record.squares, size)
        found._total.spoil(record.spoilt)
        if found._examples is not None:
            found._examples.read(record.examples)
        return found

    @property
    def least(self) -> Floats | None:
        """What an activation of each dimension must reach to be an example; None where none are wanted."""
        return None if self._examples is None else self._examples.least

    def add(self, batch: BatchDimensions) -> None:
        """Add a batch."""
        self._count += batch.count
        np.fmin(self._low, batch.low, out=self._low)
        np.fmax(self._high, batch.high, out=self._high)
        self._zeros += batch.zeros
        self._total.add(batch.total)
        self._squares.add(batch.squares)
        if self._examples is not None and batch.candidates is not None:
            self._examples.add(batch.candidates)

    def settle(self) -> None:
        """Hold on to no sentence of the batches so far."""
        if self._examples is not None:
            self._examples.settle()

    def merge(self, other: "DimensionsTotal") -> None:
        """Add what another one holds.

        Raises:
            ValueError: it has another number of dimensions.
        """
        if other.size != self.size:
            raise ValueError(f"{other.size} dimensions instead of {self.size}")
        self._count += other._count
        np.fmin(self._low, other._low, out=self._low)
        np.fmax(self._high, other._high, out=self._high)
        self._zeros = self._zeros + other._zeros
        self._total.merge(other._total)
        self._squares.merge(other._squares)
        if self._examples is not None and other._examples is not None:
            self._examples.merge(other._examples)

    def record(self) -> Dimensions:
        """Return it as a record."""
        low, high = self._low + 0.0, self._high + 0.0  # of 0 and -0 either may have come first
        constant = low == high
        means, deviations = self._total.means(self._count), self._total.deviations(self._squares, self._count)
        spoilt = self._total.spoilt | self._squares.spoilt
        for place in np.flatnonzero(spoilt):
            means[place] = deviations[place] = math.nan
        for place in np.flatnonzero(constant & ~spoilt):
            means[place], deviations[place] = float(low[place]), 0.0 if self._count > 1 else math.nan
        none = low > high
        return Dimensions(
            count=self._count,
            min=[strict(number) for number in np.where(none, math.nan, low).tolist()],
            max=[strict(number) for number in np.where(none, math.nan, high).tolist()],
            mean=[strict(number) for number in means],
            std=[strict(number) for number in deviations],
            zeros=self._zeros.tolist(),
            total=self._total.written(),
            squares=self._squares.written(),
            spoilt=np.flatnonzero(spoilt).tolist(),
            examples=[] if self._examples is None else self._examples.record(),
        )


def _floats(numbers: Sequence[Number], size: int) -> Floats:
    if len(numbers) != size:
        raise ValueError(f"{len(numbers)} numbers instead of {size}")
    return np.array([float(number) for number in numbers])
