"""How large the activations of each step get, and what of them int8 would lose."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ..buckets import quantiles
from ..tensors import Tensor
from .int8 import Int8, int8, not_finite

SHARES: Final = (0.01, 0.5, 0.99)
"""The quantiles that are told."""


@dataclass(frozen=True, kw_only=True)
class Range:
    """The range of a tensor: 1 %, median and 99 % of its numbers (within 1/32 of the exact ones), the share of zeros,
    what int8 would lose, None where that says nothing, and what is not finite, in words.
    """

    held: Tensor
    low: float
    median: float
    high: float
    zeros: float
    int8: Int8 | None
    not_finite: str


def ranges(held: Iterable[Tensor]) -> list[Range]:
    """Return the range of each of these tensors that has numbers, in order; of several that hold the same, that
    of the one that made them, else of the first.
    """
    found: dict[int, Tensor] = {}
    for one in held:
        if one.numbers is not None and (one.own or id(one.numbers) not in found):
            found.pop(id(one.numbers), None)  # so that it stands where it runs
            found[id(one.numbers)] = one
    return [_of(one) for one in found.values()]


def worst(found: Iterable[Range]) -> list[Range]:
    """Return those of which int8 would lose anything, the largest relative error first."""
    losing = [one for one in found if one.int8 is not None]
    return sorted(losing, key=lambda one: -one.int8.error if one.int8 is not None else math.inf)


def _of(held: Tensor) -> Range:
    numbers = held.numbers
    assert numbers is not None
    low, median, high = quantiles(numbers, list(SHARES))
    finite = numbers.count - numbers.nan - numbers.inf
    return Range(
        held=held,
        low=low,
        median=median,
        high=high,
        zeros=numbers.zeros / finite if finite else math.nan,
        int8=int8(held),
        not_finite=not_finite(held),
    )
