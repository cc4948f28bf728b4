"""The running tolerance: how far rounding may have taken a run by a step, from the sizes of its tensors alone."""

import math
from collections.abc import Callable, Sequence

from ..traces.ops import ADD, FUSED_ATTENTION, MATMUL, SOFTMAX, op_of
from ..traces.record import Step
from .noise import centres, is_unrecorded, maker, own, unseen, way_before
from .side import Side

_CONDITIONED = (ADD, MATMUL, SOFTMAX, FUSED_ATTENTION)
_MOST = 1.0
"""The largest relative variance that is carried on: an error as large as the tensor says all there is to say."""


class Running:
    """The variance of the relative rounding error of each step's output, since the run last agreed with the other to
    the bit (`bert_inspect.diff.noise`).

    Steps are asked for in the order in which they ended. ``unit`` gives the unit roundoff at a step, ``mixed`` says
    that the two runs' types differ.
    """

    def __init__(self, side: Side, unit: Callable[[Step], float], *, mixed: bool) -> None:
        self._side = side
        self._unit = unit
        self._mixed = mixed
        self._found: dict[int, float] = {}
        self._identical: set[int] = set()  # steps that were compared before their errors were asked for
        self._agree: bool | None = None

    def variance(self, step: Step, inside: Sequence[Step]) -> float:
        """Return a step's variance; what it received and what ran inside it must have been asked for before.

        What came from a step that was filtered out at capture is taken for equal while all that was compared before
        is; else for as rough as the layers that lie before make it.
        """
        if step.id in self._identical:
            self._found[step.id] = 0.0
            return 0.0
        unit = self._unit(step)
        made = maker(step, inside)
        if made and not unseen(step, inside):
            # Where all that ran inside was recorded, a module returns what one of the steps inside it made.
            came = self._found[made.id]
        else:
            came = max([self._carried(step), *(self._found[child.id] for child in inside)])
        if not self._agree and self._side.trace.selection and any(map(is_unrecorded, step.inputs)):
            came = max(came, way_before(self._side.trace, step, unit, mixed=self._mixed))
        centred = _spread(self._side, step) if centres(step) else 1.0
        added = own(step, inside, unit, mixed=self._mixed) * centred
        self._found[step.id] = min(_MOST, came + added)
        return self._found[step.id]

    def received(self, step: Step, place: int) -> float:
        """Return the variance of what a step received."""
        tensor = step.inputs[place]
        if tensor.from_ is not None:
            return self._found.get(tensor.from_, 0.0)
        if not self._agree and self._side.trace.selection and is_unrecorded(tensor):
            return way_before(self._side.trace, step, self._unit(step), mixed=self._mixed)
        return 0.0

    def compared(self, step: Step, *, identical: bool) -> None:
        """Take note of how a step compares with its partner."""
        if identical:
            self._found[step.id] = 0.0
            self._identical.add(step.id)
            self._agree = True if self._agree is None else self._agree
        else:
            self._agree = False

    def _carried(self, step: Step) -> float:
        """Return the variance that a step makes of that of its inputs, by its condition number."""
        came = [self._found.get(tensor.from_, 0.0) for tensor in step.inputs if tensor.from_ is not None]
        worst = max(came, default=0.0)
        if not worst:
            return 0.0
        family = ADD if step.type == "sub" else op_of(step.type).family
        if family not in _CONDITIONED and not centres(step):
            return worst
        sizes = self._side.sizes_of_inputs(step)
        returned = self._side.size(step, step.outputs[0]) if step.outputs else None
        if not returned:
            return worst
        if centres(step):
            return worst * _spread(self._side, step)
        if family == ADD:
            return sum(variance * _square(size / returned) for variance, size in zip(came, sizes, strict=True)) or worst
        if family == MATMUL and len(sizes) == 2:
            terms = math.sqrt(step.inputs[0].shape[-1]) * sizes[0] * sizes[1]
            return worst * _square(max(1.0, terms / returned))
        if family == SOFTMAX:
            return worst * _square(max(1.0, sizes[0] / 2))
        if family == FUSED_ATTENTION and len(sizes) > 2:
            return worst * _square(max(1.0, sizes[0] * sizes[1] / 2))
        return worst


def _spread(side: Side, step: Step) -> float:
    """Return the square of how much larger what a step received is than its deviation from its mean."""
    source = side.source(step, 0) if step.inputs else None
    if source is None:
        return 1.0
    size, spread = side.size(*source), side.spread(*source)
    return _square(max(1.0, (size or 0.0) / spread)) if spread else 1.0


def _square(number: float) -> float:
    """Return the square; infinity where it is beyond all numbers, for which ``**`` raises."""
    return number * number
