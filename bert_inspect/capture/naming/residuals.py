"""Which sums are residual ones: x + f(x), where one summand is computed from the other, wherever a model writes it."""

from collections.abc import Mapping, Sequence

from ...traces import ops
from ...traces.ops import op_of
from ...traces.vocabulary import roles
from ..tracing.step_record import StepRecord


def is_residual_sum(step: StepRecord, steps: Sequence[StepRecord], made: Mapping[int, int]) -> bool:
    """Whether an op in an encoder layer adds to a tensor what was computed from that tensor in the same layer.

    ``made`` says which step made a tensor, by its number.
    """
    if step.layer is None or len(step.inputs) != 2 or op_of(step.type).family != ops.ADD:
        return False
    one, other = step.inputs
    # Within an activation x + f(x) is a series; and a mask is of another type or shape than what it hides.
    if step.role == roles.ACTIVATION or (one.shape, one.dtype) != (other.shape, other.dtype):
        return False
    return _follows(one.number, other.number, step, steps, made) or _follows(
        other.number, one.number, step, steps, made
    )


def _follows(number: int, from_: int, step: StepRecord, steps: Sequence[StepRecord], made: Mapping[int, int]) -> bool:
    """Whether a tensor was computed from another one within the layer of a step."""
    seen, left = {number}, [number]
    while left:
        place = made.get(left.pop())
        maker = None if place is None else steps[place]
        if maker is None or maker.layer != step.layer or maker.part == roles.HEAD:
            continue
        for tensor in maker.inputs:
            if tensor.number == from_:
                return True
            if tensor.number not in seen:
                seen.add(tensor.number)
                left.append(tensor.number)
    return False


def part_before(place: int, steps: Sequence[StepRecord]) -> str:
    """Return the part of the model whose result a layer adds in a step of its own: that of the module before it."""
    step = steps[place]
    before = (other for other in reversed(steps[:place]) if other.parent == step.parent and other.kind == "module")
    return next((other.part for other in before), step.part)
