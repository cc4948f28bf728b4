"""Tells what each step of a run returned, in the order in which they ended, and makes no record of any."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol
from weakref import ref

import torch
from torch import nn
from torch._C import DisableTorchFunction

from .arguments import op_name, refs_in
from .events import Event, Passed, Ran, Returned
from .step_record import StepRecord

End = tuple[str, str]
"""A step that returned tensors: ``module`` and its path, or ``op`` and its name."""


class Watcher(Protocol):
    """Looks at the tensors that steps return, while they are as they were returned."""

    def ended(self, end: End, tensors: Sequence[torch.Tensor]) -> None:
        """Look at what a step returned, in the order of its outputs; it must change none of them."""


class Ends(list[Event]):
    """A tape that keeps nothing: its ``watcher`` is told of every step as it ends.

    What helps to build the attention mask is left out, as are steps that failed or returned no tensor.
    """

    watcher: Watcher

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self._paths = {module: ("module", path) for path, module in modules.items()}

    def append(self, event: Event) -> None:
        """Tell of an event."""
        if isinstance(event, Ran):
            if event.helper is None and not event.failed:
                self._tell(("op", op_name(event.func)), event.output)
        elif isinstance(event, Returned | Passed):
            self._tell(self._paths[event.module], event.output)

    def extend(self, events: Iterable[Event]) -> None:
        """Tell of some events."""
        for event in events:
            self.append(event)

    def _tell(self, end: End, output: Any) -> None:
        refs = [output] if type(output) is ref else [tensor_ref for _, tensor_ref in refs_in(output, "")]
        tensors = [tensor for tensor_ref in refs if (tensor := tensor_ref()) is not None]
        if tensors:
            with DisableTorchFunction():
                self.watcher.ended(end, tensors)


def ends_of(steps: Sequence[StepRecord]) -> list[StepRecord]:
    """Return, of the steps that were recorded of a run, those that `Ends` would have told of, in its order."""
    found: list[StepRecord] = []
    running: list[StepRecord] = []

    def end(step: StepRecord) -> None:
        if step.outputs and not step.mask and not step.failed:
            found.append(step)

    for step in steps:
        while running and running[-1].id != step.parent:
            end(running.pop())
        running.append(step)
    while running:
        end(running.pop())
    return found


def end_of(step: StepRecord) -> End:
    """Return a recorded step as `Ends` tells of it."""
    return (step.kind, step.path if step.kind == "module" else step.type)
