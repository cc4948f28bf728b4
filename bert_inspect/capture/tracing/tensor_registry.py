"""Which tensor is which, over a whole run: two steps that show the same number hold the very same tensor, unchanged."""

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any
from weakref import ref

import torch
from torch import nn

from .step_record import Seen
from .tensor_stats import dtype_name

Sight = ref[torch.Tensor]
"""A tensor that was seen. Python gives one tensor the same weak reference again for as long as that is held, and no
other tensor ever the same: it tells tensors apart without keeping one alive.
"""

CONTAINERS = (tuple, list, dict)
"""What may hold tensors."""

Layout = tuple[Sight, tuple[int, ...], torch.dtype]
"""A tensor with its shape and dtype at some time."""


class Tensors:
    """Looks at the tensors of a run while it runs, and numbers them when they are written down.

    ``parameters`` gathers which of them are parameters or buffers of the model, by number, with their names.
    """

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        self.parameters: dict[int, str] = {}
        self._modules = modules
        self._first: dict[int, Layout] = {}  # by the id of the sight: what each tensor was when it was seen first
        self._written: dict[int, tuple[int, tuple[int, ...], str]] = {}  # likewise: its number, shape and dtype by now
        self._count = 0

    # While the model runs

    def look(self, tensor: torch.Tensor) -> Sight:
        """Return the sight of a tensor, whose shape is noted if it was not seen before."""
        sight = ref(tensor)
        key = id(sight)
        if key not in self._first:
            self._first[key] = (sight, tensor.shape, tensor.dtype)
        return sight

    def look_at(self, values: Iterable[Any]) -> list[Any]:
        """Return what a step was given with the sights of its tensors in their place."""
        first, sights = self._first, []
        for value in values:
            if isinstance(value, torch.Tensor):  # `look`, without a call for each: this is done at every step
                sight = ref(value)
                if id(sight) not in first:
                    first[id(sight)] = (sight, value.shape, value.dtype)
                sights.append(sight)
            else:
                sights.append(self.look_into(value) if isinstance(value, CONTAINERS) else value)
        return sights

    def look_at_named(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the same of what it was given by name, for short without what was left out."""
        return {name: self.look_into(value) for name, value in values.items() if value is not None}

    def look_into(self, value: Any) -> Any:
        """Return a value with the sights of its tensors in their place."""
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

    def sharing_memory(self, results: Sequence[Sight]) -> list[Layout]:
        """Return the living tensors that share memory with the results of an op that worked in place."""
        changed = {tensor.untyped_storage()._cdata for sight in results if (tensor := sight()) is not None}
        return [
            (sight, tensor.shape, tensor.dtype)
            for sight, *_ in self._first.values()
            if (tensor := sight()) is not None and tensor.untyped_storage()._cdata in changed
        ]

    # When it is written down

    def see(self, name: str, sight: Sight) -> Seen:
        """Return what is noted of a tensor that a step calls ``name``."""
        known = self._written.get(id(sight))
        if known is None:
            known = self._number(self._first[id(sight)])
        return Seen(name, *known, sight)

    def renumber(self, changed: Iterable[Layout]) -> None:
        """Take tensors that were changed in place for others from now on, as they hold other numbers."""
        for layout in changed:
            self._number(layout)

    def _number(self, layout: Layout) -> tuple[int, tuple[int, ...], str]:
        sight, shape, dtype = layout
        known = self._written[id(sight)] = self._count, shape, dtype_name(dtype)
        tensor = sight()
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
        sights = (ref(value) for value in values if isinstance(value, torch.Tensor))
        return {known[0] for sight in sights if (known := self._written.get(id(sight))) is not None}

    def reorders(self, tensor: torch.Tensor, seen: Seen, source: Seen) -> bool:
        """Whether a tensor is all of its source in another order, so that its statistics are the same."""
        if source.dtype != seen.dtype or math.prod(source.shape) != math.prod(seen.shape) or 0 in tensor.stride():
            return False
        other = source.sight()
        unchanged = self._written[id(source.sight)][0] == source.number
        return unchanged and other is not None and other.untyped_storage()._cdata == tensor.untyped_storage()._cdata


def same_place(result: torch.Tensor, source: torch.Tensor) -> bool:
    """Whether an op handed its input on as it was: the same numbers in the same places of the same memory."""
    return (
        source.data_ptr() == result.data_ptr()
        and source.shape == result.shape
        and source.dtype == result.dtype
        and source.untyped_storage()._cdata == result.untyped_storage()._cdata
        and source.storage_offset() == result.storage_offset()
        and source.stride() == result.stride()
    )


def works_in_place(module: nn.Module) -> bool:
    """Whether a module of torch.nn works in place (a dropout in eval mode does not work at all)."""
    if not module.__dict__.get("inplace", False):
        return False
    return module.training or not isinstance(module, nn.modules.dropout._DropoutNd)
