"""The numbers of a saved trace, and of the file of tensors beside it."""

from collections.abc import Callable, Set
from pathlib import Path

from ..diff.side import Side
from ..diff.tensors import TensorFile
from ..traces.record import Step, Trace
from .operand import Read
from .run_numbers import Made, Numbers, Parameter


class Saved:
    """A trace with values as a source of numbers; ``path`` is its file, beside which its tensors may lie (None: it has
    none, for it was not saved).
    """

    def __init__(
        self, trace: Trace, path: str | None, parameters: Callable[[str], Parameter | None] | None = None
    ) -> None:
        self.trace = trace
        self._path = path
        beside = None if path is None else Path(path).with_suffix(".safetensors")
        self._side = Side(trace, TensorFile(beside) if beside is not None and beside.is_file() else None)
        self._read: dict[Made, Read] = {}
        self.links = Numbers(trace=trace, outputs=self._outputs, parameters=parameters)

    def with_parameters(self, parameters: Callable[[str], Parameter | None]) -> "Saved":
        """Return the same with the parameters of the model that made it."""
        return Saved(self.trace, self._path, parameters)

    def numbers(self, steps: Set[int]) -> Numbers:
        """Return the numbers: all that the trace holds."""
        return self.links

    def _outputs(self, step: Step, place: int) -> Read | None:
        output = step.outputs[place]
        if not self._side.has_values(step, output):
            return None
        if (step.id, place) not in self._read:
            self._read[step.id, place] = self._side.values(step, output).__getitem__
        return self._read[step.id, place]
