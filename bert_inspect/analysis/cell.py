"""A cell of a model: it is run once to find the step, and again keeping only the tensors that the cell is made of."""

from collections.abc import Callable, Sequence, Set
from typing import Any

from ..capture.forward import Linked, run_linked
from ..capture.keep import Keep
from ..capture.readers import dtype_name, named_tensors, reader
from ..cells.operand import Read
from ..cells.run_numbers import Numbers, Parameter
from ..errors import UsageError
from ..loading.loaded import Loaded
from ..traces.edits import Edit
from ..traces.record import Input, Step, Trace


def numbers_of_all(loaded: Loaded, batch: Input, ran: Trace, *, edits: Sequence[Edit] = ()) -> Numbers:
    """Run a model once more, edited as in that run, and return the numbers of what every step of a whole run returned.

    Raises:
        UsageError: other steps ran than before.
    """
    return _numbers(_again(loaded, batch, ran, keep=Keep(tensors=True), edits=edits), loaded)


def _again(loaded: Loaded, batch: Input, ran: Trace, *, keep: Keep, edits: Sequence[Edit]) -> Linked:
    linked = run_linked(loaded, batch, keep=keep, edits=edits)
    if [step.type for step in linked.trace.steps] != [step.type for step in ran.steps]:
        raise UsageError("the model ran other steps the second time", "bert-inspect doctor asks whether it is random")
    return linked


class Runs:
    """Runs of one model over one batch, all with the same edits, each of which keeps what a few steps returned."""

    def __init__(self, loaded: Loaded, batch: Input, *, edits: Sequence[Edit] = ()) -> None:
        self._loaded = loaded
        self._batch = batch
        self._edits = edits
        first = run_linked(loaded, batch, keep=Keep(), edits=edits)
        self.trace: Trace = first.trace
        self.links = _numbers(first, loaded)

    def numbers(self, steps: Set[int]) -> Numbers:
        """Run the model and return the numbers of what these steps returned.

        Raises:
            UsageError: other steps ran than before.
        """
        keep = Keep(tensors=True, steps=frozenset(steps))
        again = _again(self._loaded, self._batch, self.trace, keep=keep, edits=self._edits)
        return _numbers(again, self._loaded)


def _numbers(linked: Linked, loaded: Loaded) -> Numbers:
    def outputs(step: Step, place: int) -> Read | None:
        key = linked.trace.steps[step.id].outputs[place].tensor
        held = None if key is None else linked.tensors.get(key)
        return None if held is None else reader(held)

    return Numbers(
        trace=linked.trace,
        outputs=outputs,
        parameters=parameters_of(loaded.model),
        received=linked.received,
        made=linked.made,
    )


def parameters_of(model: Any) -> Callable[[str], Parameter | None]:
    """Return what gives the parameters and buffers of a model by their names."""
    held = named_tensors(model)

    def parameter(name: str) -> Parameter | None:
        tensor = held.get(name)
        if tensor is None:
            return None
        return Parameter(shape=tuple(tensor.shape), dtype=dtype_name(tensor.dtype), whole=reader(tensor))

    return parameter
