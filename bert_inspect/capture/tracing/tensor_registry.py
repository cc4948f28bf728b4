"""Which tensor is which, over a whole run: two steps that show the same number hold the very same tensor, unchanged."""

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any
from weakref import ref

import torch
from torch import nn

from .step_record import TensorRecord
from .tensor_stats import dtype_name, shape_of

TensorRef = ref[torch.Tensor]
"""A tensor that was seen. Python gives one tensor the same weak reference again for as long as that is held, and no
other tensor ever the same: it tells tensors apart without keeping one alive.
"""

CONTAINERS = (tuple, list, dict)
"""What may hold tensors."""

_USUAL = (torch.Tensor, nn.Parameter)

TensorState = tuple[TensorRef, tuple[int, ...], torch.dtype]
"""A tensor with its shape and dtype at some time."""


class TensorRegistry:
    """Looks at the tensors of a run while it runs, and numbers them when they are written down.

    ``parameters`` gathers which of them are parameters or buffers of the model, by number, with their names.
    """

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        self.parameters: dict[int, str] = {}
        self._modules = modules
        self._first: dict[int, TensorState] = {}  # by the id of the reference: each as first seen
        self._written: dict[int, tuple[int, tuple[int, ...], str]] = {}  # likewise: its number, shape and dtype by now
        self._count = 0

    def forget(self) -> None:
        """Know of no tensor."""
        self._first.clear()
        self._written.clear()

    # While the model runs

    def look(self, tensor: torch.Tensor) -> TensorRef:
        """Return the tensor_ref of a tensor, whose shape is noted if it was not seen before."""
        tensor_ref = ref(tensor)
        key = id(tensor_ref)
        if key not in self._first:
            self._first[key] = _state(tensor_ref, tensor)
        return tensor_ref

    def look_at(self, values: Iterable[Any]) -> list[Any]:
        """Return what a step was given with the refs of its tensors in their place."""
        first, refs = self._first, []
        for value in values:
            if isinstance(value, torch.Tensor):  # `look`, without a call for each: this is done at every step
                tensor_ref = ref(value)
                if id(tensor_ref) not in first:
                    first[id(tensor_ref)] = _state(tensor_ref, value)
                refs.append(tensor_ref)
            else:
                refs.append(self.look_into(value) if isinstance(value, CONTAINERS) else value)
        return refs

    def look_at_named(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the same of what it was given by name, for short without what was left out."""
        return {name: self.look_into(value) for name, value in values.items() if value is not None}

    def look_into(self, value: Any) -> Any:
        """Return a value with the refs of its tensors in their place."""
        if isinstance(value, torch.Tensor):
            return self.look(value)
        if isinstance(value, dict):
            return dict(zip(value, self.look_at(value.values()), strict=True))
        if isinstance(value, list):
            return self.look_at(value)
        if isinstance(value, tuple) and type(value) is not torch.Size:
            inside = tuple(self.look_at(value))
            return value if all(map(operator.is_, inside, value)) else inside
        return value

    def sharing_memory(self, results: Sequence[TensorRef]) -> list[TensorState]:
        """Return the results of an op that worked in place, and the living tensors that share memory with them."""
        own = {id(tensor_ref) for tensor_ref in results}
        changed = {_memory(tensor) for tensor_ref in results if (tensor := tensor_ref()) is not None} - {None}
        return [
            _state(tensor_ref, tensor)
            for tensor_ref, *_ in self._first.values()
            if (tensor := tensor_ref()) is not None and (id(tensor_ref) in own or _memory(tensor) in changed)
        ]

    # When it is written down

    def see(self, name: str, tensor_ref: TensorRef) -> TensorRecord:
        """Return what is noted of a tensor that a step calls ``name``."""
        known = self._written.get(id(tensor_ref))
        if known is None:
            known = self._number(self._first[id(tensor_ref)])
        return TensorRecord(name, *known, tensor_ref)

    def renumber(self, changed: Iterable[TensorState]) -> None:
        """Take tensors that were changed in place for others from now on, as they hold other numbers."""
        for layout in changed:
            self._number(layout)

    def _number(self, layout: TensorState) -> tuple[int, tuple[int, ...], str]:
        tensor_ref, shape, dtype = layout
        known = self._written[id(tensor_ref)] = self._count, shape, dtype_name(dtype)
        tensor = tensor_ref()
        if tensor is not None and (name := self._state.get(id(tensor))) is not None:
            self.parameters[self._count] = name
        self._count += 1
        return known

    @cached_property
    def _state(self) -> dict[int, str]:
        return {
            id(tensor): f"{path}.{name}" if path else name
            for path, module in self._modules.items()
            for held in (module._parameters, module._buffers)
            for name, tensor in held.items()
            if tensor is not None
        }

    def numbers_of(self, values: Iterable[object]) -> set[int]:
        """Return the numbers of those values that are tensors which were seen."""
        refs = (ref(value) for value in values if isinstance(value, torch.Tensor))
        return {known[0] for tensor_ref in refs if (known := self._written.get(id(tensor_ref))) is not None}

    def reorders(self, tensor: torch.Tensor, seen: TensorRecord, source: TensorRecord) -> bool:
        """Whether a tensor is all of its source in another order, so that its statistics are the same."""
        if source.dtype != seen.dtype or math.prod(source.shape) != math.prod(seen.shape) or 0 in tensor.stride():
            return False
        other = source.tensor_ref()
        unchanged = self._written[id(source.tensor_ref)][0] == source.number
        return unchanged and other is not None and _memory(other) == _memory(tensor) is not None


def same_place(result: torch.Tensor, source: torch.Tensor) -> bool:
    """Whether an op handed its input on as it was: the same numbers in the same places of the same memory."""
    try:
        return (
            source.data_ptr() == result.data_ptr()
            and source.shape == result.shape
            and source.dtype == result.dtype
            and source.untyped_storage()._cdata == result.untyped_storage()._cdata
            and source.storage_offset() == result.storage_offset()
            and source.stride() == result.stride()
        )
    except RuntimeError:  # how torch says that a tensor has no memory of its own: sparse, inside of torch.func ...
        return result is source


def _memory(tensor: torch.Tensor) -> int | None:
    """Return what tells the memory that a tensor lies in from any other; None where it has none to point at."""
    try:
        memory: int = tensor.untyped_storage()._cdata
    except RuntimeError:
        return None
    return memory


def _state(tensor_ref: TensorRef, tensor: torch.Tensor) -> TensorState:
    """Return a tensor's state by now."""
    try:
        if type(tensor) in _USUAL:
            return tensor_ref, tensor.shape, tensor.dtype
    except RuntimeError:  # a nested tensor has no shape
        pass
    return tensor_ref, shape_of(tensor), tensor.dtype
