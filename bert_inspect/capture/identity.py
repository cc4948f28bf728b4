"""Which tensor is which, over a whole run: two steps that show the same number hold the very same tensor, unchanged."""

import math
import weakref
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import nn

from .notes import Seen
from .summarize import dtype_name


class Tensors:
    """Numbers the tensors of a run as they are seen, without keeping one alive.

    ``parameters`` gathers which of them are parameters or buffers of the model, by number, with their names.
    """

    def __init__(self, state: Mapping[int, str]) -> None:
        self.parameters: dict[int, str] = {}
        self._state = state
        self._alive: dict[int, tuple[weakref.ref[torch.Tensor], int, tuple[int, ...], str]] = {}  # by id
        self._references: list[weakref.ref[torch.Tensor] | None] = []  # by number; None once it was changed in place

    def see(self, name: str, tensor: torch.Tensor) -> Seen:
        """Return what is noted of a tensor that a step calls ``name``."""
        key = id(tensor)
        known = self._alive.get(key)
        # An id is given again once its tensor is gone: the weak reference tells the two apart.
        if known is not None and known[0]() is tensor:
            return Seen(name, known[1], known[2], known[3])
        number = len(self._references)
        reference = weakref.ref(tensor)
        shape, dtype = tensor.shape, dtype_name(tensor.dtype)
        self._references.append(reference)
        self._alive[key] = (reference, number, shape, dtype)
        if key in self._state:
            self.parameters[number] = self._state[key]
        return Seen(name, number, shape, dtype)

    def numbers_of(self, values: Iterable[object]) -> set[int]:
        """Return the numbers of those values that are tensors which were seen."""
        known = (self._alive.get(id(value)) for value in values if isinstance(value, torch.Tensor))
        return {entry[1] for entry in known if entry is not None}

    def changed_in_place(self, results: Sequence[tuple[str, torch.Tensor]]) -> list[tuple[Seen, torch.Tensor]]:
        """Give every living tensor that shares memory with ``results`` a number anew, as it holds other numbers now;
        return those that are not among the results themselves.
        """
        changed = {tensor.untyped_storage()._cdata for _, tensor in results}
        own = {id(tensor) for _, tensor in results}
        others = []
        for key, known in list(self._alive.items()):
            tensor = known[0]()
            if tensor is None:
                del self._alive[key]
            elif tensor.untyped_storage()._cdata in changed:
                del self._alive[key]
                self._references[known[1]] = None
                if key not in own:
                    others.append(tensor)
        return [(self.see("changed", tensor), tensor) for tensor in others]

    def reorders(self, tensor: torch.Tensor, seen: Seen, source: Seen) -> bool:
        """Whether a tensor is all of its source in another order, so that its statistics are the same."""
        if source.dtype != seen.dtype or math.prod(source.shape) != math.prod(seen.shape) or 0 in tensor.stride():
            return False
        reference = self._references[source.number]
        other = None if reference is None else reference()
        return other is not None and other.untyped_storage()._cdata == tensor.untyped_storage()._cdata


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
