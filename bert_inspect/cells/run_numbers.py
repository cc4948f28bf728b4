"""Where the numbers of a trace come from: its own values, a file of tensors beside it, or a run that kept them; and of
which step's output each input is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import UsageError
from ..traces.ops import TRANSPOSE, op_of
from ..traces.record import Input, Step, TensorIn, TensorOut, Trace
from .arithmetic import Untold
from .operand import Operand, Read

_MOST_HANDED_ON = 10
Made = tuple[int, int]
"""A step and which of its outputs."""


class Missing(UsageError):
    """Numbers that are needed are not at hand. ``parameters`` says that they are the model's own."""

    def __init__(self, message: str, hint: str | None = None, *, parameters: bool = False) -> None:
        super().__init__(message, hint)
        self.parameters = parameters


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter or buffer of the model."""

    shape: tuple[int, ...]
    dtype: str
    whole: Read


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """The numbers of a run.

    ``outputs`` gives those of a step's output (None: not at hand), ``parameters`` the model's by name (None: there is
    no model). ``received`` and ``made`` say exactly, where that is known, of which step's output an input is, and which
    step inside a module made what the module hands on.
    """

    trace: Trace
    outputs: Callable[[Step, int], Read | None]
    parameters: Callable[[str], Parameter | None] | None = None
    received: Mapping[Made, Made] = field(default_factory=dict)
    made: Mapping[Made, Made] = field(default_factory=dict)

    def output(self, step: Step, place: int) -> Read:
        """Return what reads a step's output.

        Raises:
            Missing: its numbers are not at hand.
        """
        found = self.outputs(step, place)
        if found is None:
            raise Missing(f"the numbers of step {step.id}, {step.label}, are not at hand", "keep them with --values")
        return found

    def has(self, step: Step, place: int) -> bool:
        """Whether the numbers of a step's output are at hand."""
        return self.outputs(step, place) is not None

    def parameter(self, name: str) -> Operand | None:
        """Return a parameter of the model, None where it has none of that name.

        Raises:
            Missing: the model is not at hand.
        """
        if self.parameters is None:
            raise Missing("this needs the weights of the model", parameters=True)
        found = self.parameters(name)
        if found is None:
            return None
        return Operand(name=name, shape=found.shape, dtype=found.dtype, whole=found.whole, parameter=name)

    def operand(self, step: Step, place: int, *, other: Made | None = None) -> Operand:
        """Return what a step received in a place; ``other`` is the output that it is, where that was guessed.

        Raises:
            Missing: its numbers are not at hand.
            Untold: nothing says where it came from.
        """
        tensor = step.inputs[place]
        if tensor.parameter is not None:
            return self._of_parameter(step, tensor)
        came = other or next(iter(self.origins(step, place)), None)
        if came is not None:
            return self.of_output(*came, tensor)
        if tensor.argument is not None:
            return _given(self.trace.input, tensor)
        raise Untold(f"where {tensor.name} of {step.label} came from is not known", "name another step")

    def origins(self, step: Step, place: int) -> list[Made]:
        """Return the outputs that an input may be: one where it is known, else all that are like it."""
        if (step.id, place) in self.received:
            return [self.received[step.id, place]]
        tensor = step.inputs[place]
        if tensor.from_ is None:
            return []
        outputs = self.trace.steps[tensor.from_].outputs
        alike = [at for at, output in enumerate(outputs) if _alike(output, tensor)]
        return [(tensor.from_, at) for at in alike]

    def of_output(self, step: int, place: int, seen: TensorIn | TensorOut | None = None) -> Operand:
        """Return a step's output as what a later step works on."""
        source = self.trace.steps[step]
        output = source.outputs[place]
        shown, turned = self._shown(source, place)
        return Operand(
            name=shown[0].outputs[shown[1]].label or shown[0].label,
            shape=tuple(output.shape),
            dtype=output.dtype,
            whole=self.output(source, place),
            axes=(seen.axes if seen is not None else None) or output.axes,
            step=step,
            place=place,
            layer=shown[0].layer,
            turned=turned,
        )

    def _shown(self, source: Step, place: int) -> tuple[tuple[Step, int], bool]:
        """Return the output by which a tensor is called: one that was handed on as it is by what made it, one whose
        last two axes changed places by what it was before.
        """
        shown, turned = (source, place), False
        for _ in range(_MOST_HANDED_ON):
            step = shown[0]
            came = self.origins(step, 0) if len(step.inputs) == 1 else []
            if len(came) != 1 or not (step.no_op or (_swaps(step) and not turned)):
                break
            turned = turned or not step.no_op
            shown = self.trace.steps[came[0][0]], came[0][1]
        return shown, turned

    def _of_parameter(self, step: Step, tensor: TensorIn) -> Operand:
        found = self.parameter(tensor.parameter or "")
        if found is None or list(found.shape) != tensor.shape:
            raise Missing(f"the model has no {tensor.parameter} like that of {step.label}", "name its model: --model")
        return Operand(
            name=tensor.parameter or "",
            shape=found.shape,
            dtype=found.dtype,
            whole=found.whole,
            parameter=tensor.parameter,
        )


def _swaps(step: Step) -> bool:
    """Whether a step lets the axis of heads' numbers change places with the one before it, and nothing else."""
    before, after = step.inputs[0].axes, step.outputs[0].axes
    if op_of(step.type).family != TRANSPOSE or before is None or after is None or len(before) < 3:
        return False
    return before[-1] == "head_dim" != before[-2] and list(after) == [*before[:-2], before[-1], before[-2]]


def _alike(output: TensorOut, tensor: TensorIn | TensorOut) -> bool:
    return output.shape == tensor.shape and output.dtype == tensor.dtype


def _given(batch: Input, tensor: TensorIn) -> Operand:
    """Return an argument that the model was called with, out of the batch.

    Raises:
        Missing: the batch does not hold it.
    """
    held: Any = getattr(batch, tensor.argument or "", None)
    shape = tuple(tensor.shape)
    try:
        array = np.array(held, dtype=np.float64) if tensor.argument != "labels" else _labels(held, shape)
        array = array.reshape(shape)
    except (TypeError, ValueError) as error:
        raise Missing(f"the batch holds no {tensor.argument} of shape {list(shape)}", "trace it again") from error
    return Operand(
        name=tensor.argument or "",
        shape=shape,
        dtype=tensor.dtype,
        whole=array.__getitem__,
        axes=tensor.axes,
        argument=tensor.argument,
    )


def _labels(held: Sequence[Any], shape: Sequence[int]) -> Any:
    if len(shape) < 2 or shape[1:] == (1,):
        return np.array(held, dtype=np.float64)
    array = np.zeros(shape)
    for row, given in enumerate(held):
        for label in given if isinstance(given, list) else [given]:
            array[row, int(label)] = 1.0
    return array
