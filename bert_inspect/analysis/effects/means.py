"""The mean effect of each edit over many sentences, and from where to where it lies."""

import math
from collections.abc import Sequence
from typing import Any

from msgspec import structs

from ...traces.record import Input
from ...traces.values import strict
from .record import AnswerEffects, Mean

_QUANTILES = (
    *(12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281),
    *(2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860),
    *(2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423),
)  # fmt: skip
"""Student's t leaves 2.5 % above these, by its degrees of freedom from 1."""


def means(answers: Sequence[AnswerEffects]) -> list[Mean]:
    """Return the mean of each effect over answers that have the same edits, with its 95 % interval by Student's t. The
    order of the answers does not matter.
    """
    found = []
    for each in zip(*(answer.effects for answer in answers), strict=True):
        effects = [float(effect.effect) for effect in each]
        mean, half = mean_and_half(effects)
        found.append(
            Mean(
                edits=each[0].edits,
                layer=each[0].layer,
                number=each[0].number,
                effect=strict(mean),
                low=None if half is None else strict(mean - half),
                high=None if half is None else strict(mean + half),
                flips=sum(effect.flips for effect in each),
                sentences=len(each),
            )
        )
    return found


def mean_and_half(numbers: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean of numbers and half the width of its 95 % interval, None where there is one number only."""
    count = len(numbers)
    if not all(map(math.isfinite, numbers)):
        return math.nan, math.nan
    mean = math.fsum(numbers) / count
    if count < 2:
        return mean, None
    variance = math.fsum((number - mean) ** 2 for number in numbers) / (count - 1)
    return mean, quantile(count - 1) * math.sqrt(variance / count)


def quantile(freedom: int) -> float:
    """Return what Student's t with so many degrees of freedom exceeds in 2.5 % of cases."""
    if freedom <= len(_QUANTILES):
        return _QUANTILES[freedom - 1]
    return 1.959964 + 2.372271 / freedom + 2.82250 / freedom**2  # Abramowitz and Stegun 26.7.5


def joined(batches: Sequence[Input]) -> Input:
    """Return the sentences of several batches as one, each with the padding that it had."""
    first = batches[0]
    held: dict[str, list[Any]] = {
        name: list(getattr(first, name)) for name in first.__struct_fields__ if isinstance(getattr(first, name), list)
    }
    for batch in batches[1:]:
        for name, rows in held.items():
            rows += getattr(batch, name)
    return structs.replace(first, **held)
