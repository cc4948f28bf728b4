"""What rounding may do: a sentence in another batch gives slightly other numbers, and that is not "beyond"."""

from typing import Final

from ...traces.values import UNIT_ROUNDOFF

_SAFETY: Final = {"float16": 8.0, "bfloat16": 8.0}
_USUAL: Final = 64.0
"""So many roundings may have added up; with half as many digits so many would hide everything."""


def margin(dtype: str, largest: float) -> float:
    """Return by how much a number of a tensor must pass a bound to lie beyond it: a part of the tensor's largest
    magnitude.
    """
    return _SAFETY.get(dtype, _USUAL) * UNIT_ROUNDOFF.get(dtype, 2.0**-24) * abs(largest)
