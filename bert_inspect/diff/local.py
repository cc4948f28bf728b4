"""How far rounding may have taken each entry of a step from its partner, by the values of what flowed into it."""

from collections.abc import Callable, Sequence

import numpy as np

from ..traces.record import Step, TensorOut
from ..traces.tree import completion
from ..traces.values import UNIT_ROUNDOFF, masked_below
from ..traces.vocabulary import labels
from .arrays import Array, visible
from .noise import inner, stored
from .propagation import Roundings, Tensor, error_of
from .running import Running
from .side import Side, is_float


class LocalErrors:
    """The standard deviations of the errors in what a run's steps returned, entry by entry.

    What flowed into a step carries the difference that was observed there, where that is no more than rounding
    explains; else what rounding explains. Steps are asked for in the order in which they ended, and an error is
    forgotten when the last step has asked for it.
    """

    def __init__(self, side: Side, running: Running, unit: Callable[[Step], float], *, mixed: bool) -> None:
        self._side = side
        self._running = running
        self._unit = unit
        self._mixed = mixed
        self._found: dict[int, dict[int, Array | float]] = {}
        self._ends = _last_readers(side.steps)

    def errors(self, step: Step, inside: Sequence[Step]) -> None:
        """Work out the errors of a step's outputs from its inputs."""
        for place, output in enumerate(step.outputs):
            if is_float(output) and self._side.has_values(step, output):
                self._keep(step, place, self._error(step, output, inside))
        for id_ in self._ends.pop(step.id, ()):
            self._found.pop(id_, None)

    def of(self, step: Step, output: TensorOut) -> Array | float | None:
        """Return the error of an output, None where its numbers are not at hand."""
        return self._found.get(step.id, {}).get(_place(step, output))

    def observed(self, step: Step, output: TensorOut, error: Array | float) -> None:
        """Let an output carry on this error in place of the one that was worked out."""
        self._keep(step, _place(step, output), error)

    def _keep(self, step: Step, place: int, error: Array | float) -> None:
        self._found.setdefault(step.id, {})[place] = error

    def _error(self, step: Step, output: TensorOut, inside: Sequence[Step]) -> Array | float:
        array = self._side.values(step, output)
        if (made := self._made(step, output, array, inside)) is not None:
            return made
        returned = _clean(array, step, output)
        u = self._unit(step)
        u_acc = min(u, UNIT_ROUNDOFF["float32"])
        own = Roundings(
            sums=inner(step, inside) * u_acc**2,
            stored=stored(step, inside, mixed=self._mixed) * u**2,
            accumulated=u_acc**2,
            unit=u,
        )
        received = [self._received(step, place, returned) for place in range(len(step.inputs))]
        received += [self._tensor(child, each) for child in inside for each in child.outputs if is_float(each)]
        return error_of(step, [each for each in received if each is not None], returned, own)

    def _made(self, step: Step, output: TensorOut, array: Array, inside: Sequence[Step]) -> Array | float | None:
        """Return the error of the very tensor that a step inside a module returned, where the module hands on one."""
        alike = [
            (child, made)
            for child in reversed(inside)
            for made in child.outputs
            if made.shape == output.shape and made.dtype == output.dtype and self._side.has_values(child, made)
        ]
        same = (one for one in alike if np.array_equal(self._side.values(*one), array, equal_nan=True))
        return next((error for one in same if (error := self.of(*one)) is not None), None)

    def _received(self, step: Step, place: int, returned: Array) -> Tensor | None:
        """Return what flowed into a step, None where it has no errors: whole numbers, parameters."""
        source = self._side.source(step, place)
        if source is not None and (found := self._tensor(*source)) is not None:
            return found
        if variance := self._running.received(step, place):
            size = self._side.size(*source) if source is not None else None
            size = size or float(np.sqrt(np.mean(returned**2))) if returned.size else 0.0
            return Tensor(np.full(1, size), float(size * variance**0.5))
        return None

    def _tensor(self, step: Step, output: TensorOut) -> Tensor | None:
        if not self._side.has_values(step, output):
            return None
        if step.label in labels.MASKS:
            array = self._side.values(step, output)
            return Tensor(np.zeros(1), 0.0, hidden=~visible(array, output))
        error = self.of(step, output)
        if not is_float(output) or error is None:
            return None
        return Tensor(_clean(self._side.values(step, output), step, output), error)


def _place(step: Step, output: TensorOut) -> int:
    return next(place for place, each in enumerate(step.outputs) if each is output)


def _clean(array: Array, step: Step, output: TensorOut) -> Array:
    """Return the numbers in float64, 0 for those that are masked or not finite."""
    masked = masked_below(step.label, output.dtype)
    exact = array.astype(np.float64)
    kept = np.isfinite(exact) if masked is None else np.isfinite(exact) & (exact >= masked)
    return exact if kept.all() else np.where(kept, exact, 0.0)


def _last_readers(steps: Sequence[Step]) -> dict[int, list[int]]:
    """Return, for each step, those whose outputs nobody reads after it."""
    order = completion(steps)
    ended = {step.id: place for place, step in enumerate(order)}
    last: dict[int, int] = {}
    for step in steps:
        for tensor in step.inputs:
            if tensor.from_ is not None:
                last[tensor.from_] = max(last.get(tensor.from_, 0), ended[step.id])
        if step.parent is not None:  # a module may return what a step inside it made
            last[step.id] = max(last.get(step.id, 0), ended[step.parent])
    readers: dict[int, list[int]] = {}
    for id_, place in last.items():
        readers.setdefault(order[place].id, []).append(id_)
    return readers
