"""One of the two runs: its trace, and what of its tensors' numbers is at hand."""

import math
from typing import TYPE_CHECKING, Any

from ..errors import TraceFileError
from ..traces.lookup import origin
from ..traces.record import Stats, Step, TensorOut, Trace
from ..traces.values import Number, Values, masked_below
from .returned import returned_by

if TYPE_CHECKING:
    from .arrays import Array
    from .tensors import TensorFile


def is_float(output: TensorOut) -> bool:
    """Whether a tensor's numbers are rounded."""
    return output.dtype.startswith(("float", "bfloat"))


class Side:
    """A trace with the numbers of its tensors: from the trace itself, else from the file of tensors beside it.

    What a run returned as logits counts as values of the step that computed them.
    """

    def __init__(self, trace: Trace, tensors: "TensorFile | None" = None) -> None:
        self.trace = trace
        self.steps = trace.steps
        self._tensors = tensors
        self._sizes: dict[int, float | None] = {}

    def has_values(self, step: Step, output: TensorOut) -> bool:
        """Whether all numbers of a step's output are at hand."""
        if output.values is not None:
            return output.values.kept is None
        return self._stored(output) or self._returned(step, output) is not None

    def values(self, step: Step, output: TensorOut) -> "Array":
        """Return the numbers of a step's output, which must be at hand.

        Raises:
            TraceFileError: the file of tensors is damaged, or belongs to another trace.
        """
        from .arrays import as_array  # numpy takes as long to import as all the rest

        if output.values is not None:
            return as_array(output.values)
        if self._tensors is not None and self._stored(output):
            array = self._tensors[output.tensor or ""]
            if list(array.shape) != output.shape:
                raise TraceFileError(
                    f"{output.tensor} is {list(array.shape)} in the file of tensors, {output.shape} in the trace",
                    "give the tensors that the same run wrote",
                )
            return array
        return as_array(Values.from_nested(self._returned(step, output)))

    def stats(self, step: Step, output: TensorOut) -> Stats | None:
        """Return the statistics of a step's output, worked out from its values where only those were kept."""
        if output.stats is None and self.has_values(step, output):
            from .arrays import statistics

            return statistics(self.values(step, output))
        return output.stats

    def size(self, step: Step, output: TensorOut) -> float | None:
        """Return the root mean square of a step's output, None where its numbers are not at hand. What is masked or
        not finite does not count.
        """
        if id(output) not in self._sizes:
            self._sizes[id(output)] = self._size(step, output)
        return self._sizes[id(output)]

    def _size(self, step: Step, output: TensorOut) -> float | None:
        masked = masked_below(step.label, output.dtype)
        if not is_float(output):
            return 0.0
        if self.has_values(step, output):
            from .arrays import root_mean_square

            return root_mean_square(self.values(step, output), masked=masked)
        return None if output.stats is None else _size_by(output.stats, masked)

    def sizes_of_inputs(self, step: Step) -> list[float]:
        """Return the sizes of what came from other steps into one, 0 of what is not at hand."""
        found = [self.source(step, place) for place, tensor in enumerate(step.inputs) if tensor.from_ is not None]
        return [0.0 if one is None else self.size(*one) or 0.0 for one in found]

    def spread(self, step: Step, output: TensorOut) -> float | None:
        """Return the standard deviation of a step's output, None where its numbers are not at hand."""
        stats = self.stats(step, output)
        return None if stats is None or stats.std is None else _number(stats.std)

    def source(self, step: Step, place: int) -> tuple[Step, TensorOut] | None:
        """Return the step that an input came from, with which of its outputs it was."""
        return origin(self.steps, step.inputs[place])

    def _stored(self, output: TensorOut) -> bool:
        return self._tensors is not None and output.tensor is not None and output.tensor in self._tensors

    def _returned(self, step: Step, output: TensorOut) -> list[Any] | None:
        """Return the logits that the run returned where a step computed them and nothing else is known of them."""
        if self.trace.output is None or output.stats is not None:
            return None
        return returned_by(step, output, self.trace.output)


def _size_by(stats: Stats, masked: float | None) -> float:
    low, mean, std = (_number(number) for number in (stats.min, stats.mean, stats.std))
    if masked is not None and (low < masked or stats.inf):
        # The mask's lowest number drowns what was computed; all that is left of that is the largest score.
        return abs(_number(stats.max))
    return math.hypot(mean, std)


def _number(number: Number | None) -> float:
    value = 0.0 if number is None else float(number)
    return value if math.isfinite(value) else 0.0
