"""The rounding tolerance: how far two right runs may part by rounding alone.

A number that is rounded to a type with unit roundoff u is off by at most u of its size, and n roundings in a row by at
most n u. That bound is never met: roundings go up as often as down, so they add up like a random walk, and after n of
them the error exceeds ``lambda sqrt(n) u`` only with a probability below ``2 exp(-lambda^2 / 2)``: N. J. Higham and
T. Mary, A New Approach to Probabilistic Rounding Error Analysis, SIAM J. Sci. Comput. 41(5), 2019, theorem 2.4. Errors
that reach a step pass through it by its condition: to first order by its derivative (Higham, Accuracy and Stability of
Numerical Algorithms, 2nd ed., sections 1.6 and 3.1). A layer norm divides them by the deviation of what it received,
which may be small beside its size; a sum keeps them while its terms cancel. So the floor of a step is

    floor = lambda * sqrt(sum over inputs of (derivative * error)^2 + n u_acc^2 size^2 + k u^2 size^2)

where

- ``u`` is the unit roundoff of the coarser of the two runs' types;
- ``n`` is how many roundings a sum inside the step takes: the inner length of a matrix product, the logarithm of
  the length for norms and softmax, which torch sums pairwise (Higham, section 4.2). Sums of half precision are
  accumulated in float32 (P. Blanchard et al., Mixed Precision Block Fused Multiply-Add, SIAM J. Sci. Comput. 42(3),
  2020), so that ``u_acc`` is at most that of float32;
- ``k`` counts the roundings of what is stored: the step's result, and its parameters where the types differ; none
  for what only moves numbers (a view, a lookup).

**By values** the floor is that of each entry (`bert_inspect.diff.propagation`). The error of an input is the difference
of the two runs that was observed there, where that is below its own floor: a step answers for what it adds, not for
what came. Where it exceeds the floor, and where an input has no partner (scores, beside fused attention), the error is
the one that was worked out. It is worked out on either side, and the larger counts.

**By statistics** nothing is observed of an entry, and the errors run on: relative to the tensors' sizes, from the last
step at which both runs agreed to the bit (`bert_inspect.diff.running`). That floor is wider with every step, ends at
half of the tensor's size, and knows a norm's deviation only as that of all tokens together.

The size of a tensor is its root mean square or that of what flowed in, whichever is larger, and for each entry its own
magnitude besides.
"""

import math
from collections.abc import Sequence

from ..traces.ops import FUSED_ATTENTION, op_of
from ..traces.record import Step, TensorIn, Trace
from ..traces.values import UNIT_ROUNDOFF

CONFIDENCE = 6.0
"""Lambda. ``2 exp(-18)`` is 3e-8: of the millions of numbers of a trace, none exceeds its floor by rounding alone.
``benchmarks/healthy_pairs.py`` holds it against right pairs, well and badly conditioned.
"""

_LARGEST = 0.5
"""No floor by statistics is more than half of a tensor's size: beyond it nothing could ever be called different."""

UNSEEN = 16
"""Roundings that a module is granted for ops of its own that were not recorded, and a function for its series."""
_MOST = 10**9
"""The longest sum that is believed: a trace is a file that anybody may have written."""


def unit_roundoff(dtype: str) -> float:
    """Return the unit roundoff of a type, 0 of one whose numbers are exact (integers, truth values)."""
    return UNIT_ROUNDOFF.get(dtype, 0.0 if dtype.startswith(("int", "uint", "bool")) else UNIT_ROUNDOFF["float32"])


def maker(step: Step, inside: Sequence[Step]) -> Step | None:
    """Return the step inside a module that made what it returns: the last one whose result is like it."""
    for output in step.outputs[:1]:
        for child in reversed(inside):
            if any(made.shape == output.shape and made.dtype == output.dtype for made in child.outputs):
                return child
    return None


def is_unrecorded(tensor: TensorIn) -> bool:
    """Whether a tensor came from a step that was not recorded, in a trace of which a part was filtered out."""
    return tensor.from_ is None and tensor.parameter is None and unit_roundoff(tensor.dtype) > 0


def way_before(trace: Trace, step: Step, unit: float, *, mixed: bool) -> float:
    """Return the variance of what a step received from steps that were not recorded, by the number of layers before."""

    def size(key: str) -> int:
        return min(max(0, getattr(trace.model.sizes, key) or 0), _MOST)

    layers = size("layers") if step.layer is None else min(step.layer + 1, _MOST)
    # Query, attention output and intermediate projection sum over the hidden size, the output projection over the
    # intermediate size; the rest (scores, context, norms) is short beside them. A dozen results are stored.
    summed = 4 * size("hidden") + size("intermediate")
    u_acc = min(unit, UNIT_ROUNDOFF["float32"])
    return layers * (summed * u_acc * u_acc + 12 * (2 if mixed else 1) * unit * unit)


def own(step: Step, inside: Sequence[Step], unit: float, *, mixed: bool) -> float:
    """Return the variance that a step itself adds, beside the steps inside it."""
    u_acc = min(unit, UNIT_ROUNDOFF["float32"])
    return inner(step, inside) * u_acc * u_acc + stored(step, inside, mixed=mixed) * unit * unit


def stored(step: Step, inside: Sequence[Step], *, mixed: bool) -> int:
    """Return how often a step rounds to the type that it stores: its result, and its parameters where types differ."""
    if inside or (is_exact(step) and not (mixed and step.kind == "module")):
        return 0
    return 2 if mixed else 1


def centres(step: Step) -> bool:
    """Whether a step subtracts the mean of what it received and divides by the deviation."""
    return step.type in ("LayerNorm", "layer_norm")


def is_exact(step: Step) -> bool:
    """Whether a step only moves numbers and rounds nothing."""
    return step.no_op or op_of(step.type).moves


def inner(step: Step, inside: Sequence[Step]) -> float:
    """Return how many roundings a sum inside a step takes."""
    main = next(iter(step.outputs), None)
    if main is None or is_exact(step):
        return 0
    if op_of(step.type).family == FUSED_ATTENTION and len(step.inputs) > 1 and len(step.inputs[1].shape) > 1:
        keys, width = (min(size, _MOST) for size in step.inputs[1].shape[-2:])
        return keys + width + math.log2(keys + 1)
    left = unseen(step, inside)
    length = min(left // (2 * max(1, math.prod(main.shape))), _MOST)
    if inside:
        return length + (UNSEEN if left else 0)
    return length + (math.log2(1 + (main.shape or [1])[-1]) if op_of(step.type).sums_pairwise else 0)


def unseen(step: Step, inside: Sequence[Step]) -> int:
    """Return the floating point operations of a step that ran in no recorded step inside it."""
    return max(0, step.total_flops - sum(child.total_flops for child in inside))


def relative_floor(variance: float, unit: float) -> float:
    """Return the floor as a part of a tensor's size; it is never below one rounding."""
    return min(_LARGEST, CONFIDENCE * math.sqrt(max(variance, unit * unit)))
