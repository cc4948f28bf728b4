"""Where the numbers of one step lie in what a corpus showed of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from ...traces.values import masked_below
from ..buckets import edges, unpacked
from ..record import Numbers, Profile
from ..tensors import Tensor, tensors
from .margin import margin

TAIL: Final = 0.001
"""The largest numbers of the corpus: one in a thousand, or less."""
TIMES: Final = 10.0
"""From so many times the corpus's share of them on a run has many."""
_LEAST: Final = 10
"""Fewer numbers than this are not many, whatever their share."""

Verdict = Literal["not finite", "beyond", "large", "usual"]


@dataclass(frozen=True, kw_only=True)
class Tail:
    """Large numbers: those of magnitude ``size`` and more, how many there are ``here`` and of how many, and their share
    in the ``corpus``, `TAIL` at most.
    """

    size: float
    here: int
    count: int
    corpus: float

    @property
    def share(self) -> float:
        """Their share here."""
        return self.here / self.count

    @property
    def times(self) -> float:
        """How many times the corpus's share that is."""
        return self.share / self.corpus

    @property
    def many(self) -> bool:
        """Whether there are far more of them than in the corpus."""
        return self.here >= _LEAST and self.times >= TIMES


@dataclass(frozen=True, kw_only=True)
class StepPlace:
    """The numbers of a tensor in one run beside those in the corpus. ``above`` and ``below`` say by how much they pass
    its maximum and its minimum, 0 where they do not, or by no more than rounding. ``not_finite`` counts those that are
    not finite, where all of the corpus are.
    """

    held: Tensor
    here: Numbers
    corpus: Numbers
    above: float
    below: float
    not_finite: int
    tail: Tail | None

    @property
    def verdict(self) -> Verdict:
        """Where the run lies, in a word."""
        if self.not_finite:
            return "not finite"
        if self.above or self.below:
            return "beyond"
        return "large" if self.tail is not None and self.tail.many else "usual"

    @property
    def excess(self) -> float:
        """How far it goes beyond the corpus, in widths of the corpus's range."""
        low, high = _ends(self.corpus)
        width = high - low
        return max(self.above, self.below) / width if width else float("inf") if self.above or self.below else 0.0


def placed_steps(corpus: Profile, run: Profile) -> list[StepPlace]:
    """Return where each tensor lies that has finite numbers of its own in both, in the order of the steps; but not of
    scores that a mask has made as low as can be.
    """
    return [*_each(corpus, run)]


def _each(corpus: Profile, run: Profile) -> Iterator[StepPlace]:
    for theirs, mine in zip(tensors(corpus), tensors(run), strict=True):
        there, here = theirs.numbers, mine.numbers
        if not theirs.own or there is None or here is None or there.min is None or here.count == 0:
            continue
        low, high = _ends(there)
        hidden = masked_below(theirs.label, theirs.output.dtype)
        if hidden is not None and low < hidden:  # the sizes of masked scores say nothing
            continue
        lowest, highest = _ends(here) if here.min is not None else (low, high)
        allowed = margin(theirs.output.dtype, max(abs(low), abs(high)))
        yield StepPlace(
            held=theirs,
            here=here,
            corpus=there,
            above=highest - high if highest > high + allowed else 0.0,
            below=low - lowest if lowest < low - allowed else 0.0,
            not_finite=0 if there.nan + there.inf else here.nan + here.inf,
            tail=tail(there, here),
        )


def tail(corpus: Numbers, here: Numbers) -> Tail | None:
    """Return the large numbers: from the smallest bucket on above which no more than `TAIL` of the corpus lies; None
    where all of it lies below. The counts are exact, as a bucket's numbers all lie on one side of where it begins.
    """
    sizes, mine = (unpacked(each.negative) + unpacked(each.positive) for each in (corpus, here))
    finite, count = (each.count - each.nan - each.inf for each in (corpus, here))
    from_here = np.cumsum(sizes[::-1])[::-1]
    there = np.flatnonzero((from_here <= TAIL * finite) & (from_here > 0))
    if not there.size or not count:
        return None
    first = int(there[0])
    return Tail(
        size=float(edges(first, 0)[0]),
        here=int(mine[first:].sum()),
        count=count,
        corpus=float(from_here[first]) / finite,
    )


def _ends(numbers: Numbers) -> tuple[float, float]:
    assert numbers.min is not None and numbers.max is not None
    return float(numbers.min), float(numbers.max)
