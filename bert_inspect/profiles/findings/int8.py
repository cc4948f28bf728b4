"""What a tensor would lose as int8: symmetric, one scale for all of it, which its largest magnitude sets (absmax).

A step is the largest magnitude / 127, and a number becomes the nearest multiple of it. Where numbers spread over many
steps, rounding errors have the standard deviation step / sqrt(12); where most of them lie within a step, they vanish.
The error is therefore summed up over the histogram, each bucket as if its numbers were spread evenly, and told relative
to the standard deviation of the numbers. After Bondarenko, Nagel and Blankevoort ("Understanding and Overcoming the
Challenges of Efficient Transformer Quantization", EMNLP 2021): a few outliers widen the step for all others.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from ...traces.values import UNIT_ROUNDOFF, masked_below
from ...traces.vocabulary import labels
from ..buckets import edges, share_below
from ..record import Buckets, Numbers
from ..tensors import Tensor

STEPS: Final = 127


@dataclass(frozen=True, kw_only=True)
class Int8:
    """The ``step`` from one number of int8 to the next, the standard deviation of the rounding ``error`` relative to
    that of the numbers, and which share of the numbers would become 0 that are not (``zeroed``).
    """

    step: float
    error: float
    zeroed: float


def int8(held: Tensor) -> Int8 | None:
    """Return what a tensor would lose; None of masks, of what holds no floating point numbers, and where nothing
    varies.
    """
    numbers = held.numbers
    if numbers is None or held.output.dtype not in UNIT_ROUNDOFF or held.label in labels.MASKS:
        return None
    if numbers.min is None or numbers.max is None or numbers.std is None:
        return None
    below = masked_below(held.label, held.output.dtype)
    if below is not None and float(numbers.min) < below:
        return None
    return of_numbers(numbers)


def of_numbers(numbers: Numbers) -> Int8 | None:
    """Return what numbers would lose; None where nothing varies."""
    low, high, deviation = (
        math.nan if each is None else float(each) for each in (numbers.min, numbers.max, numbers.std)
    )
    largest = max(abs(low), abs(high))
    if not largest or not deviation or not math.isfinite(largest / deviation):
        return None
    step = largest / STEPS
    finite = numbers.count - numbers.nan - numbers.inf
    squares = _squares(numbers.negative, step) + _squares(numbers.positive, step)
    return Int8(
        step=step,
        error=math.sqrt(squares / finite) / deviation,
        zeroed=max(share_below(numbers, step / 2) - numbers.zeros / finite, 0.0),
    )


def _squares(side: Buckets, step: float) -> float:
    """Return the sum of the squares of the rounding errors of the numbers of one sign."""
    if not side.counts:
        return 0.0
    ends = edges(side.first, len(side.counts)) / step
    nearest = np.rint(ends)
    # The integral from 0 of (t - rint(t))**2: 1/12 from each multiple to the next, and the rest of a cube.
    integral = nearest / 12 + (ends - nearest) ** 3 / 3
    means = np.diff(integral) / np.diff(ends)
    return float(np.array(side.counts, dtype=np.float64) @ means) * step * step


def not_finite(held: Tensor) -> str:
    """Return which numbers of a tensor are not finite that should be: ``3 NaN``; empty where all are. A mask may hold
    infinities.
    """
    numbers = held.numbers
    if numbers is None:
        return ""
    masks = masked_below(held.label, held.output.dtype) is not None
    found = [(numbers.nan, "NaN"), (0 if masks else numbers.inf, "infinite")]
    return ", ".join(f"{count:,} {what}" for count, what in found if count)
