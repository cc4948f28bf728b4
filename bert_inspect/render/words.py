"""How numbers and shapes are written, and the styles that all pictures share."""

import math
from collections.abc import Sequence

from rich.style import Style

from ..safetext import safe_text
from ..traces.record import Stats, TensorIn, TensorOut
from ..traces.values import Number, masked_below
from ..traces.vocabulary.axes import Axis

# The sixteen basic colours follow the terminal's own scheme, so they are legible on dark and on light alike; of them
# only those are used that are on both (no yellow, no white, no blue).
PLAIN = Style()
NAME = Style(bold=True)
LAYER = Style(bold=True, color="cyan")
OP = Style(color="magenta")
DIM = Style(dim=True)
KNOWN = Style(color="green")
GOOD = Style(bold=True, color="green")
BAD = Style(bold=True, color="red")
WARN = Style(bold=True, color="magenta")
MASKED = Style(dim=True, italic=True)

SENTENCE = 1000
"""The characters of a sentence that are shown; exports hold all of it."""


def number(value: Number | bool | int) -> str:
    """Return a number in at most ten characters."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}[value]
    if isinstance(value, int):
        return str(value)
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    if 1e-3 <= abs(value) < 1e5:
        return f"{value:.4f}" if abs(value) < 1e3 else f"{value:.1f}"
    return f"{value:.2e}"


def is_masked(value: Number | bool, *, label: str, dtype: str) -> bool:
    """Whether a score, or an entry of the mask itself, hides a token."""
    below = masked_below(label, dtype)
    if below is None:
        return False
    if isinstance(value, bool):
        return not value
    return value == "-Infinity" or (not isinstance(value, str) and value < below)


def shape(sizes: Sequence[int]) -> str:
    """Return a shape as torch prints it."""
    return "[" + ", ".join(map(str, sizes)) + "]"


def named_shape(tensor: TensorIn | TensorOut, times: str) -> str:
    """Return a shape with the names of its axes: ``batch 2 × tokens 9 × hidden 768``."""
    if tensor.axes is None:
        return shape(tensor.shape)
    axes: Sequence[Axis] = tensor.axes
    return f" {times} ".join(f"{axis} {size}" for axis, size in zip(axes, tensor.shape, strict=True)) or "scalar"


def count(value: int) -> str:
    """Return a count with thousands separated."""
    return f"{value:,}"


def short_count(value: int) -> str:
    """Return a count in at most six characters: ``590.6K``."""
    for power, sign in ((12, "T"), (9, "G"), (6, "M"), (3, "K")):
        if value >= 10**power:
            return f"{value / 10**power:.1f}{sign}"
    return str(value)


def matmuls(flops: int) -> str:
    """Return the floating point operations of matrix products: ``1.0 GFLOP (matmuls)``."""
    text = short_count(flops)
    size, unit = (text[:-1], text[-1]) if text[-1] in "KMGT" else (text, "")
    return f"{size} {'k' if unit == 'K' else unit}FLOP (matmuls)"


def not_finite(stats: Stats) -> str:
    """Return how many entries are NaN or infinite, empty if none is."""
    found = [f"{amount:,} {what}" for amount, what in ((stats.nan, "nan"), (stats.inf, "inf")) if amount]
    return ", ".join(found)


def plural(amount: int, noun: str) -> str:
    """Return ``1 sentence`` or ``2 sentences``."""
    return f"{amount:,} {noun}" + ("" if amount == 1 else "s")


def sentence(text: str, *, most: int = SENTENCE) -> str:
    """Return a sentence as it is shown: safe, and cut visibly where it goes on and on."""
    return safe_text(text, most=most)
