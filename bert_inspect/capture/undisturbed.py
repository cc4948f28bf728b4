"""Runs a model so that everything on it and around it is afterwards as it was found."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import nn

HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_pre_hooks_with_kwargs",
    "_forward_hooks_always_called",
)
"""The attributes under which torch keeps a module's hooks."""


@contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Run in eval mode and leave everything on the model as it was found."""
    training = [module for module in model.modules() if module.training]
    problem_type = model.config.problem_type  # transformers writes its guess here when there are labels
    returns_more = model.config.output_hidden_states or model.config.output_attentions
    try:
        for module in training:
            module.training = False
        with no_hook_stays(model) if returns_more else nullcontext():
            yield
    finally:
        for module in training:
            module.training = True
        model.config.problem_type = problem_type


@contextmanager
def attending(model: Any, implementation: str) -> Iterator[None]:
    """Let a model compute attention with an implementation for the block: ``eager`` or ``sdpa``."""
    own = model.config._attn_implementation
    if implementation == own:
        yield
        return
    try:
        model.set_attn_implementation(implementation)
        yield
    finally:
        model.set_attn_implementation(own)


@contextmanager
def no_collector() -> Iterator[None]:
    """Keep the garbage collector from running in the block: thousands of small records set it off, and it walks all
    that torch ever made.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextmanager
def no_hook_stays(model: nn.Module) -> Iterator[None]:
    """Take away, after the block, the hooks and attributes that it put on modules: transformers leaves its own on a
    model from which hidden states or attentions were asked.
    """
    before = [
        (module, set(vars(module)), {kind: dict(getattr(module, kind)) for kind in HOOKS}) for module in model.modules()
    ]
    try:
        yield
    finally:
        for module, attributes, hooks in before:
            for kind, entries in hooks.items():
                held = getattr(module, kind)
                if len(held) != len(entries):
                    held.clear()
                    held.update(entries)
            for name in vars(module).keys() - attributes:
                del vars(module)[name]


def random_states() -> list[torch.Tensor]:
    """Return the states of the random generators of the CPU and, where it is in use, of the CUDA device."""
    cuda: Any = torch.cuda
    return [torch.get_rng_state(), *([cuda.get_rng_state()] if cuda.is_initialized() else [])]


def set_random_states(states: Sequence[torch.Tensor]) -> None:
    """Set the random generators to states that `random_states` returned."""
    torch.set_rng_state(states[0])
    for state in states[1:]:
        torch.cuda.set_rng_state(state)
