"""How far rounding may take a number from what its arithmetic gives in float64."""

import math

from ..traces.values import UNIT_ROUNDOFF

_LARGEST = {"float16": 65504.0, "float32": 3.4028234663852886e38, "bfloat16": 3.3895313892515355e38}
_SMALLEST = {"float16": 2.0**-24, "float32": 2.0**-126, "bfloat16": 2.0**-126, "float64": 2.0**-1022}
"""Below this numbers are coarser, or 0."""


def unit(dtype: str) -> float:
    """Return half a unit in the last place of a type, relative to the number; 0 of types that nothing rounds."""
    if not dtype.startswith(("float", "bfloat")):
        return 0.0
    return UNIT_ROUNDOFF.get(dtype, 2.0**-3)


def allowed(dtype: str, result: float, size: float, *, stored: float = 0.0) -> float:
    """Return how far rounding may take a number of that type from its result: once where it is stored, and once for
    each term that is added up, in proportion to the ``size`` of all terms. What is added up is held in float32 at
    least; ``stored`` is the size of what is stored on the way in the type of the result.
    """
    own = unit(dtype)
    if not own or not math.isfinite(result):
        return 0.0
    added = min(own, UNIT_ROUNDOFF["float32"])
    found = own * (abs(result) + stored) + added * size + _SMALLEST.get(dtype, 0.0)
    return found if math.isfinite(found) else math.inf


def held(dtype: str, result: float) -> float:
    """Return a result as its type can hold it: what is too large is infinite."""
    largest = _LARGEST.get(dtype)
    if largest is not None and math.isfinite(result) and abs(result) > largest * (1 + unit(dtype)):
        return math.copysign(math.inf, result)
    return result


def apart(recorded: float, computed: float) -> float:
    """Return how far two numbers are apart: 0 if both are NaN, or the same infinity."""
    if recorded == computed or (math.isnan(recorded) and math.isnan(computed)):
        return 0.0
    difference = abs(recorded - computed)
    return math.inf if math.isnan(difference) else difference
