"""What rounding explains of the difference between two runs, step by step as they are compared."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from ..traces.record import Step, TensorOut
from ..traces.tree import completion
from .noise import relative_floor, unit_roundoff
from .running import Running
from .side import Side

if TYPE_CHECKING:
    from .arrays import Array
    from .local import LocalErrors


class Rounding:
    """The rounding tolerance between two runs.

    Pairs are asked for in the order in which A's steps ended, and each is told how it came out before the next. With
    ``values`` each has to be reached before it is compared; else the errors up to a pair are worked out when one of the
    two is asked for.
    """

    def __init__(self, a: Side, b: Side, partner: Mapping[int, int]) -> None:
        units_a = {step.id: _unit(step) for step in a.steps}
        units_b = {step.id: _unit(step) for step in b.steps}
        for one, other in partner.items():
            units_a[one] = units_b[other] = max(units_a[one], units_b[other])
        self._units = units_a
        mixed = a.trace.model.dtype != b.trace.model.dtype
        self.values = all(_has_values(side) for side in (a, b))
        self._a = _Run(a, units_a, mixed=mixed, values=self.values)
        self._b = _Run(b, units_b, mixed=mixed, values=self.values)

    def reach(self, step: Step, other: Step) -> None:
        """Work out the errors of all steps up to a pair."""
        self._a.reach(step)
        self._b.reach(other)

    def unit(self, step: Step) -> float:
        """Return the unit roundoff of a pair, by A's step."""
        return self._units[step.id]

    def relative(self, step: Step, other: Step) -> float:
        """Return the running tolerance of a pair as a part of its tensors' size."""
        self.reach(step, other)
        return relative_floor(max(self._a.variances[step.id], self._b.variances[other.id]), self._units[step.id])

    def errors(
        self, a: tuple[Step, TensorOut], b: tuple[Step, TensorOut]
    ) -> "tuple[Array | float, Array | float] | None":
        """Return the errors of two outputs, entry by entry; None where those of one are not known."""
        one, other = self._a.error(*a), self._b.error(*b)
        return None if one is None or other is None else (one, other)

    def observed(self, a: tuple[Step, TensorOut, "Array | float"], b: tuple[Step, TensorOut, "Array | float"]) -> None:
        """Let two outputs carry on their difference in place of the errors that were worked out."""
        for run, (step, output, error) in ((self._a, a), (self._b, b)):
            if run.local is not None:
                run.local.observed(step, output, error)

    def compared(self, step: Step, other: Step, *, identical: bool) -> None:
        """Take note of how a pair came out."""
        self._a.running.compared(step, identical=identical)
        self._b.running.compared(other, identical=identical)


class _Run:
    """One of the two runs: its steps in the order in which they ended, and how far their errors are known."""

    def __init__(self, side: Side, units: Mapping[int, float], *, mixed: bool, values: bool) -> None:
        self._inside: dict[int, list[Step]] = {}
        for step in side.steps:
            if step.parent is not None:
                self._inside.setdefault(step.parent, []).append(step)
        self._rest: Iterator[Step] = iter(completion(side.steps))
        self.variances: dict[int, float] = {}
        self.running = Running(side, lambda step: units[step.id], mixed=mixed)
        self.local = _local(side, self.running, lambda step: units[step.id], mixed=mixed) if values else None

    def reach(self, wanted: Step) -> None:
        while wanted.id not in self.variances:
            step = next(self._rest)
            inside = self._inside.get(step.id, ())
            self.variances[step.id] = self.running.variance(step, inside)
            if self.local is not None:
                self.local.errors(step, inside)

    def error(self, step: Step, output: TensorOut) -> "Array | float | None":
        return None if self.local is None else self.local.of(step, output)


def _local(side: Side, running: Running, unit: Callable[[Step], float], *, mixed: bool) -> "LocalErrors":
    from .local import LocalErrors  # numpy takes as long to import as all the rest

    return LocalErrors(side, running, unit, mixed=mixed)


def _has_values(side: Side) -> bool:
    return any(side.has_values(step, output) for step in side.steps for output in step.outputs)


def _unit(step: Step) -> float:
    return max((unit_roundoff(output.dtype) for output in step.outputs), default=0.0)
