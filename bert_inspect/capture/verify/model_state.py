"""What a model's own forward may change of the model, so that each of several runs can begin where the first began."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from .checks import digest

_ELSEWHERE = {"_parameters", "_modules"}
_DEEPEST = 3
"""How many lists and dictionaries inside one another are looked into."""


class ModelState:
    """The attributes of a model's modules as they are now: buffers with their numbers, tensors and random generators
    that wait on them, also in lists and dictionaries, flags, hooks. Parameters are left out: a forward that changes
    them is at fault.
    """

    def __init__(self, model: nn.Module) -> None:
        self._seen: set[int] = set()
        self._modules = [(module, _attributes(module), self._kept(module)) for module in model.modules()]

    def restore(self) -> None:
        """Put everything back that has changed.

        Where a run changed plain numbers alone, as one does that counts its calls, they stay: should the answer depend
        on them, the model is nondeterministic.
        """
        for module, before, kept in self._modules:
            changed = [restore() for restore in kept]
            now = _attributes(module)
            names = {name for name in {**before, **now} if before.get(name, module) is not now.get(name, module)}
            if any(changed) or not all(_is_number(held.get(name)) for name in names for held in (before, now)):
                for name in names - before.keys():
                    del vars(module)[name]
                vars(module).update({name: before[name] for name in names & before.keys()})

    def _kept(self, module: nn.Module) -> list[Callable[[], bool]]:
        """Return what puts back what a module's attributes hold, and says whether that had changed."""
        found: list[Callable[[], bool]] = []
        for value in _attributes(module).values():
            self._keep(value, found, 0)
        return found

    def _keep(self, value: Any, found: list[Callable[[], bool]], depth: int) -> None:
        if isinstance(value, torch.Generator):
            found.append(partial(_set_state, value, value.get_state()))
        elif isinstance(value, torch.Tensor):
            if id(value) not in self._seen and not isinstance(value, nn.Parameter) and not value.is_meta:
                self._seen.add(id(value))
                found.append(partial(_set_numbers, value, value.detach().clone(), digest(value)))
        elif type(value) in (list, tuple, dict, OrderedDict, defaultdict) and depth < _DEEPEST:
            items = value.values() if isinstance(value, dict) else value
            for item in items:
                self._keep(item, found, depth + 1)
            if isinstance(value, dict):
                found.append(partial(_refill, value, {**value}))
            elif isinstance(value, list):
                found.append(partial(_fill, value, [*value]))


def _attributes(module: nn.Module) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if name not in _ELSEWHERE}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _set_state(generator: torch.Generator, state: torch.Tensor) -> bool:
    changed = not torch.equal(generator.get_state(), state)
    generator.set_state(state)
    return changed


def _set_numbers(tensor: torch.Tensor, numbers: torch.Tensor, before: bytes) -> bool:
    if digest(tensor) == before:
        return False
    with torch.no_grad():
        tensor.copy_(numbers)
    return True


def _refill(held: dict[Any, Any], items: Mapping[Any, Any]) -> bool:
    if held.keys() == items.keys() and all(held[key] is item for key, item in items.items()):
        return False
    held.clear()
    held.update(items)
    return True


def _fill(held: list[Any], items: list[Any]) -> bool:
    if len(held) == len(items) and all(one is other for one, other in zip(held, items, strict=True)):
        return False
    held[:] = items
    return True
