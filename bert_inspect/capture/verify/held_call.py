"""A step's call, held so that it can be run again from where it began: on the same numbers, or on other ones."""

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

import torch
from torch import nn

from ..tracing.arguments import mapped, tensors_in
from ..undisturbed import random_states, set_random_states
from .model_state import ModelState

Results = list[tuple[str, torch.Tensor]]


class HeldCall:
    """What a step is about to receive, the states of the random generators, and the buffers of the ``module`` that it
    is; ``copies`` where it works in place, and what it received must be kept from it.
    """

    def __init__(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], *, copies: bool, module: nn.Module | None = None
    ) -> None:
        self.given = [args, kwargs]
        if copies:
            self.given = mapped(self.given, torch.Tensor.clone)
        self.generators = [(generator, generator.get_state()) for generator in _generators((args, kwargs))]
        self.copies = copies
        self._module = module if module is not None and _has_state(module) else None
        self._state = None if self._module is None else ModelState(self._module)
        self._random = random_states()

    def tensors(self) -> list[torch.Tensor]:
        """Return the tensors that the step received, in order; one that it received twice stands there twice."""
        return [tensor for _, tensor in tensors_in(self.given, "")]

    def run(self, call: Callable[..., Any], instead: Mapping[int, torch.Tensor] | None = None) -> Results:
        """Run the step again, perhaps with other tensors ``instead`` of its own, by their places in `tensors`; return
        its results. Everything around it is afterwards as it was.

        Raises:
            Exception: whatever the step raises.
        """
        after = None if self._module is None else ModelState(self._module)
        random, generators = random_states(), [(generator, generator.get_state()) for generator, _ in self.generators]
        args, kwargs = self._given(instead or {})
        try:
            set_random_states(self._random)
            _set(self.generators)
            if self._state is not None:
                self._state.restore()
            return tensors_in(call(*args, **kwargs), "output")
        finally:
            set_random_states(random)
            _set(generators)
            if after is not None:
                after.restore()

    def _given(self, instead: Mapping[int, torch.Tensor]) -> list[Any]:
        places = count()

        def given(tensor: torch.Tensor) -> torch.Tensor:
            other = instead.get(next(places), tensor)
            return other.clone() if self.copies else other

        held: list[Any] = mapped(self.given, given)
        return held


def _has_state(module: nn.Module) -> bool:
    """Whether a module of torch.nn has anything that a call of it could change."""
    held = (*module.children(), *module._buffers.values(), *vars(module).values())
    return any(isinstance(value, nn.Module | torch.Tensor) for value in held)


def _set(generators: list[tuple[torch.Generator, torch.Tensor]]) -> None:
    for generator, state in generators:
        generator.set_state(state)


def _generators(value: Any) -> Iterator[torch.Generator]:
    if isinstance(value, torch.Generator):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _generators(item)
    elif isinstance(value, dict):
        yield from _generators([*value.values()])
