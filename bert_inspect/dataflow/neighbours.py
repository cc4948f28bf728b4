"""What one step received and from whom, and who used what it made: one step's arrows, to walk along them."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..traces.record import Step, TensorIn, Trace
from ..traces.tree import relaid_from


@dataclass(frozen=True, kw_only=True)
class Received:
    """A tensor that a step received: its name there, and the step that made it (None: it came from outside)."""

    tensor: TensorIn
    step: int | None


@dataclass(frozen=True, kw_only=True)
class Used:
    """A step that used what another one made, under a name of its own."""

    step: int
    tensor: TensorIn


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """The tensors that a step received, and the steps that used what it made, in the order in which they ran.

    Of modules that only handed a tensor on to something inside of them, the innermost is named.
    """

    received: Sequence[Received]
    used: Sequence[Used]


def neighbours(trace: Trace, step: Step) -> Neighbours:
    """Return the neighbours of a step. What only lays a tensor out anew counts as the step that made the tensor."""
    steps, relaid = trace.steps, relaid_from(trace.steps)
    inside = _inside(steps, step)
    inside |= {alias for alias, source in relaid.items() if source in inside}
    received = [
        Received(tensor=tensor, step=None if tensor.from_ is None else relaid.get(tensor.from_, tensor.from_))
        for tensor in step.inputs
    ]
    used = [
        Used(step=other.id, tensor=tensor)
        for other in steps
        if other.id not in inside
        for tensor in other.inputs
        if tensor.from_ in inside
    ]
    opened = {above for use in used for above in _above(steps, steps[use.step])}
    return Neighbours(received=received, used=[use for use in used if use.step not in opened])


def _inside(steps: Sequence[Step], step: Step) -> set[int]:
    """Return the ids of a step and of all that ran in it."""
    found = {step.id}
    for other in steps[step.id + 1 :]:
        if other.parent in found:
            found.add(other.id)
    return found


def _above(steps: Sequence[Step], step: Step) -> list[int]:
    """Return the ids of the modules around a step, the nearest first."""
    found: list[int] = []
    while step.parent is not None:
        found.append(step.parent)
        step = steps[step.parent]
    return found
