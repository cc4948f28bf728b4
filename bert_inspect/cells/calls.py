"""From a step of a trace to the call that its rule reads."""

from itertools import product

import numpy as np

from ..traces.ops import op_of
from ..traces.record import Step
from .arguments import arguments, index, merged, with_tensors
from .arithmetic import Arithmetic, Untold
from .operand import Call, Index, Operand
from .rules import rule_of
from .run_numbers import Made, Missing, Numbers

_HELD = {
    "Linear": ("weight", "bias"),
    "LayerNorm": ("weight", "bias"),
    "Embedding": ("weight",),
    "Conv1d": ("weight", "bias"),
}
"""Modules of torch.nn with parameters, and what they call them."""
_MOST_GUESSES = 16


@np.errstate(all="ignore")  # infinity and NaN are told of in the answer, not on stderr
def worked_out(numbers: Numbers, step: Step, place: int, at: Index) -> Arithmetic:
    """Return the arithmetic of a step's number.

    Where a trace does not say which output of a step an input is, the one is taken with which the number comes out.

    Raises:
        Missing: numbers that it needs are not at hand.
        Untold: the arithmetic of the step is not known, or what it returned was edited.
    """
    check_unedited(step)
    rule = rule_of(step.type)
    first: Arithmetic | None = None
    recorded = numbers.output(step, place)(at) if numbers.has(step, place) else None
    for guess in _guesses(numbers, step):
        try:
            found = rule(_call(numbers, step, place, guess), at)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise Untold(
                f"what {step.label} received does not fit what it returned: {error}", "name another step"
            ) from error
        if first is None:
            first = found
        if recorded is None or _close(float(recorded), found):
            return found
    if first is None:
        raise Missing(f"what {step.label} received is not known", "name another step")
    return first


def check_unedited(step: Step) -> None:
    """Refuse a step whose output is not what it computed.

    Raises:
        Untold: it was edited.
    """
    if step.edited:
        what = "the layer was removed and handed on what it received" if step.no_op else "an edit changed it"
        raise Untold(
            f"the numbers of {step.label} are not what that computes: {what}",
            "name another step, or run it without --ablate",
        )


def _close(recorded: float, found: Arithmetic) -> bool:
    apart = abs(recorded - found.result)
    return not apart > 1e-2 * (abs(found.result) + found.size * 1e-4)


def _guesses(numbers: Numbers, step: Step) -> list[dict[int, Made]]:
    """Return which outputs a step's inputs may be, the likeliest first."""
    open_ = {place: origins for place in range(len(step.inputs)) if len(origins := numbers.origins(step, place)) > 1}
    combined = [dict(zip(open_, chosen, strict=True)) for chosen in product(*open_.values())]
    return combined[:_MOST_GUESSES]


def _call(numbers: Numbers, step: Step, place: int, guess: dict[int, Made]) -> Call:
    operands = [numbers.operand(step, number, other=guess.get(number)) for number in range(len(step.inputs))]
    named = [(tensor.name, operand) for tensor, operand in zip(step.inputs, operands, strict=True)]
    output = step.outputs[place]
    parameters: dict[str, Operand] = {}
    options: dict[str, object]
    if step.kind == "module":
        given, options = list[object](operands), {"built with": step.arguments}
        for name in _HELD.get(step.type, ()):
            held = numbers.parameter(f"{step.path}.{name}" if step.path else name)
            if held is not None:
                parameters[name] = held
    elif step.type == "getitem":
        given, options = [operands[0], with_tensors(index(step.arguments), iter(operands[1:]))], {}
    else:
        rest, options = arguments(step.arguments)
        names = op_of(step.type).inputs
        given = merged(names, named, rest)
        options = {**options, **{name: value for name, value in named if name not in names and "[" not in name}}
    return Call(
        type=step.type,
        given=given,
        options=dict(options),
        shape=tuple(output.shape),
        dtype=output.dtype,
        axes=output.axes,
        place=place,
        parameters=parameters,
        returned=numbers.output(step, place),
    )
