"""How shares are written: each with its sign, all of one sum with the same digits."""

import math
from collections.abc import Iterable, Sequence

from ...traces.values import Number

_SIGNIFICANT = 4
"""The largest of several shares has so many significant digits at least."""
_LEAST, _MOST = 4, 9
"""So many decimals are written at least, and at most."""
_LARGE = 1e5


def decimals(shares: Iterable[Number]) -> int:
    """Return how many decimals the shares of one sum are written with."""
    largest = max((abs(float(share)) for share in shares if math.isfinite(float(share))), default=0.0)
    if largest == 0:
        return _LEAST
    return min(_MOST, max(_LEAST, _SIGNIFICANT - 1 - math.floor(math.log10(largest))))


def signed(value: Number, digits: int = _LEAST) -> str:
    """Return a share with its sign: ``+0.8123``. One that is exactly 0 has none; one that is no more than a part of the
    last digit is written as ``+3e-6``.
    """
    number = float(value)
    if number == 0 or math.isnan(number):
        return plain(value, digits)
    if abs(number) < 0.5 * 10.0**-digits:
        return ("+" if number > 0 else "-") + size(number)
    return _written(value, f"+.{digits}")


def plain(value: Number, digits: int = _LEAST) -> str:
    """Return a number with a sign only where it is negative."""
    return _written(0.0 if float(value) == 0 else value, f".{digits}")


def short(value: Number, width: int) -> str:
    """Return a share with its sign in at most so many characters, four or more: ``+.81``, ``-1.2``, ``+12``. One that
    is too small for them is a dot, one that is exactly 0 is ``0``.
    """
    number = float(value)
    if number == 0:
        return "0"
    if not math.isfinite(number):
        return _written(number, ".0")[:width]
    for digits in range(3, -1, -1):
        text = f"{number:+.{digits}f}"
        text = text if abs(number) >= 1 or not digits else text[0] + text[1:].removeprefix("0")
        if len(text) <= width:
            break
    else:
        text = f"{number:+.0e}".replace("e+0", "e")
    return "·" if text.strip("+-.0") == "" else text


def cell_unit(shares: Iterable[Number]) -> tuple[float, str]:
    """Return what the numbers of a map are multiplied with so that the largest can be read in a cell, and in words what
    they are then: empty where they are what they were.
    """
    largest = largest_of(shares)
    for factor, words in _UNITS:
        if largest * factor >= _READABLE or largest == 0:
            return factor, words
    return _UNITS[-1]


_UNITS = ((1.0, ""), (1e3, "numbers in thousandths"), (1e6, "numbers in millionths"), (1e9, "numbers in billionths"))
_READABLE = 0.03


def size(value: Number) -> str:
    """Return a small positive number in one significant digit, as an error is written: ``3e-7``; 0 as ``0``."""
    number = abs(float(value))
    if not math.isfinite(number):
        return "nan" if math.isnan(number) else "inf"
    if number == 0:
        return "0"
    if number >= 1e-3:
        return f"{number:.2g}"
    mantissa, _, power = f"{number:.0e}".partition("e")
    return f"{mantissa}e{int(power)}"


def strengths(shares: Sequence[Number], *, largest: float | None = None) -> list[float]:
    """Return how strong each share is beside the largest, from -1 (against) to 1 (for); 0 where it is no number."""
    bare = [float(share) for share in shares]
    most = largest_of(bare) if largest is None else largest
    return [
        0.0 if math.isnan(share) or most == 0 else max(-1.0, min(1.0, share / most)) if math.isfinite(share) else 0.0
        for share in bare
    ]


def largest_of(shares: Iterable[Number]) -> float:
    """Return the size of the largest of shares, 0 where there is none that is finite."""
    return max((abs(float(share)) for share in shares if math.isfinite(float(share))), default=0.0)


def _written(value: Number, form: str) -> str:
    number = float(value)
    if math.isnan(number):
        return "nan"
    if math.isinf(number):
        return "inf" if number > 0 and "+" not in form else "+inf" if number > 0 else "-inf"
    if abs(number) >= _LARGE:
        return f"{number:{'+' if '+' in form else ''}.3e}"
    return f"{number:{form}f}"
