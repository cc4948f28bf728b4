"""What later steps make of a number: a score is scaled, masked, and becomes a probability among those of other keys."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..traces import ops
from ..traces.ops import op_of
from ..traces.record import Step, Trace
from ..traces.values import masked_below, strict
from ..traces.vocabulary import known_as
from .names import Names, label_of
from .operand import Index
from .record import Follow
from .run_numbers import Made, Numbers

_ENTRYWISE = (ops.SCALE, ops.DIVIDE, ops.ADD, ops.COPY, ops.RESHAPE)
_MOST_STEPS = 8
_OTHERS = 3


@dataclass(frozen=True)
class _Next:
    step: Step
    index: Index


def followers(trace: Trace, numbers: Numbers, made: Made) -> list[Step]:
    """Return the steps through which an output goes entry by entry to a softmax, that one the last; none where it goes
    to none.
    """
    at, found = made, list[Step]()
    for _ in range(_MOST_STEPS):
        readers = [step for step in trace.steps if _reads(numbers, step, at)]
        softmax = next((step for step in readers if op_of(step.type).family == ops.SOFTMAX), None)
        if softmax is not None:
            return [*found, softmax]
        shape = trace.steps[at[0]].outputs[at[1]].shape
        step = next((step for step in readers if _keeps(step, shape)), None)
        if step is None:
            return []
        found.append(step)
        at = step.id, 0
    return []


def _reads(numbers: Numbers, step: Step, made: Made) -> bool:
    if step.kind != "op" or len(step.outputs) != 1:
        return False
    return any(
        made in numbers.origins(step, place) for place, tensor in enumerate(step.inputs) if tensor.from_ == made[0]
    )


def _keeps(step: Step, shape: list[int]) -> bool:
    """Whether a step makes one number of each number of a tensor of that shape."""
    family = op_of(step.type).family
    return family == ops.RESHAPE or (family in _ENTRYWISE and step.outputs[0].shape == shape)


def becomes(numbers: Numbers, names: Names, made: Made, index: Index, row: int) -> list[Follow]:
    """Return what becomes of a number, as far as a softmax."""
    trace = numbers.trace
    steps = followers(trace, numbers, made)
    if not steps:
        return _of_logits(trace, names, made, index)
    places = list(_places(trace.steps[made[0]].outputs[made[1]].shape, index, steps))
    if not all(numbers.has(each.step, 0) for each in places):
        return []
    found = []
    for each in places:
        value = float(numbers.output(each.step, 0)(each.index))
        words = ""
        if each is places[-1]:
            words = _among(numbers, names, each, row)
        else:
            below = masked_below(label_of(each.step, 0), each.step.outputs[0].dtype)
            words = "hidden" if below is not None and value < below else ""
        label = label_of(each.step, 0)
        found.append(Follow(label=label, value=strict(value), step=each.step.id, words=words))
    after = [*(each.label for each in found[1:]), None]
    return [each for each, following in zip(found, after, strict=True) if each.label != following]


def _places(shape: list[int], index: Index, steps: list[Step]) -> Iterator[_Next]:
    for step in steps:
        other = step.outputs[0].shape
        if other != shape:
            flat = int(np.ravel_multi_index(index, shape))
            index = tuple(int(at) for at in np.unravel_index(flat, other))
            shape = other
        yield _Next(step, index)


def _among(numbers: Numbers, names: Names, at: _Next, row: int) -> str:
    """Return beside which other probabilities one stands."""
    output = at.step.outputs[0]
    shares = np.asarray(numbers.output(at.step, 0)((*at.index[:-1], slice(None))), dtype=np.float64)
    axis = output.axes[-1] if output.axes is not None else f"axis {len(output.shape) - 1}"
    order = [int(place) for place in np.argsort(-shares, kind="stable") if int(place) != at.index[-1]][:_OTHERS]
    own = names.row_of(output.axes, at.index, row, shape=output.shape)
    told = [f"{names.place(axis, place, own) or place} {shares[place]:.2f}" for place in order]
    more = " ..." if len(shares) > len(order) + 1 else ""
    what = "keys" if axis == "key tokens" else "places"
    return f"the softmax over {len(shares)} {what}: {', '.join(told)}{more}"


def _of_logits(trace: Trace, names: Names, made: Made, index: Index) -> list[Follow]:
    """Return the probability that a logit of the answer becomes."""
    output = trace.output
    step = trace.steps[made[0]]
    if output is None or output.probabilities is None or known_as.LOGITS not in step.known_as or len(index) != 2:
        return []
    if index[0] >= len(output.probabilities) or index[1] >= len(output.probabilities[index[0]]):
        return []
    shares = output.probabilities[index[0]]
    axis = (step.outputs[made[1]].axes or ["batch", "labels"])[-1]
    others = [f"{names.place(axis, at, 0)} {float(share):.2f}" for at, share in enumerate(shares) if at != index[1]]
    softmax = abs(sum(map(float, shares)) - 1) < 1e-6
    words = f"the softmax over {len(shares)} {axis}: {', '.join(others[:_OTHERS])}" if softmax else "its sigmoid"
    return [
        Follow(label="probability", value=shares[index[1]], words=words + (" ..." if len(others) > _OTHERS else ""))
    ]
