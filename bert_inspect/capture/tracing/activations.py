"""What is kept of the tensors of a run for one trace: statistics, values, full copies, as asked for."""

import torch

from ...traces.record import Stats
from ...traces.selection import Wanted
from ...traces.values import Values
from ..keep import TraceSpec
from .step_record import StepRecord, TensorRecord
from .tensor_registry import TensorRegistry
from .tensor_stats import full_copy, numbers, statistics, unordered, unreadable


class TooManyNumbers(Exception):
    """More numbers would be kept than the limit allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class Activations:
    """Keeps what a `TraceSpec` asks for, by the numbers that tensors bear; ``wanted`` is what it selects, ``unread``
    says why nothing could be kept of a tensor.
    """

    def __init__(self, spec: TraceSpec, wanted: Wanted, tensors: TensorRegistry) -> None:
        self.wanted = wanted
        self.stats: dict[int, Stats] = {}
        self.values: dict[int, Values] = {}
        self.copies: dict[int, torch.Tensor] = {}
        self.unread: dict[int, str] = {}
        self._spec = spec
        self._tensors = tensors
        self._count = 0

    def wants(self, record: StepRecord) -> bool:
        """Whether anything is kept of what a step returned."""
        if not self._spec.keep.any or (record.kind == "op" and self.wanted.level == "module"):
            return False
        if self._spec.keep.steps is not None and record.id not in self._spec.keep.steps:
            return False
        return self.wanted.wants(record.path, record.layer)

    def take(self, record: StepRecord, seen: TensorRecord, tensor: torch.Tensor) -> None:
        """Keep what was asked for of a step's output, at once: a later op may change the tensor in place.

        Raises:
            TooManyNumbers: with this one the limit is passed.
        """
        number = seen.number
        if reason := unreadable(tensor):
            self.unread[number] = reason
            return
        try:
            self._read(record, seen, tensor)
        except (RuntimeError, TypeError) as error:
            if type(tensor) in (torch.Tensor, torch.nn.Parameter):
                raise
            # A type of somebody else's may do less than a tensor does.
            self.unread[number] = f"a {type(tensor).__name__}, which cannot be read: {error}"

    def _read(self, record: StepRecord, seen: TensorRecord, tensor: torch.Tensor) -> None:
        keep, number = self._spec.keep, seen.number
        if keep.values == "full" or keep.tensors:
            self._count += tensor.numel() if keep.values == "full" else 0
            if keep.limit is not None and self._count > keep.limit:
                raise TooManyNumbers(keep.limit)
        if keep.tensors and number not in self.copies:
            self.copies[number] = full_copy(tensor)
        if not (keep.stats or keep.values):
            return
        if reason := unordered(tensor):
            self.unread[number] = reason
            return
        if keep.stats and number not in self.stats:
            view = next((other for other in record.inputs if other.number in self.stats), None)
            if view is not None and self._tensors.reorders(tensor, seen, view):
                self.stats[number] = self.stats[view.number]
            else:
                self.stats[number] = statistics(tensor)
        if keep.values is not None and number not in self.values:
            self.values[number] = numbers(tensor, None if keep.values == "full" else keep.values)
