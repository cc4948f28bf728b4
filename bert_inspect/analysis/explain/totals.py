"""What shares add up to, beside the number that they are the shares of."""

import math
from collections.abc import Sequence

from ...traces.values import strict
from .explanation import Total


def total(shares: Sequence[float], value: float, rounding: float) -> Total:
    """Return the sum of shares beside what the model returned, and how far rounding may keep the two apart."""
    finite = all(map(math.isfinite, shares))
    added = math.fsum(shares) if finite else float("nan")
    return Total(sum=strict(added), value=strict(value), difference=strict(added - value), rounding=strict(rounding))
