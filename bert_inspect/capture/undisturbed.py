"""Runs a model so that everything on it and around it is afterwards as it was found."""

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Lock
from typing import Any

import torch
from torch import nn

from ..families import family_of
from ..loading.classes import check_attention
from .tracing.hooks import exclusively

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
    """Run in eval mode, as the code is written, and leave everything on the model as it was found."""
    training = [module for module in model.modules() if module.training]
    problem_type = model.config.problem_type  # transformers writes its guess here when there are labels
    returns_more = model.config.output_hidden_states or model.config.output_attentions

    def restore() -> None:
        for module in training:
            module.training = True
        model.config.problem_type = problem_type

    try:
        for module in training:
            module.training = False
        with uncompiled(), no_hook_stays(model) if returns_more else nullcontext():
            yield
    finally:
        try:
            restore()
        except KeyboardInterrupt:
            restore()
            raise


@contextmanager
def attending(model: Any, implementation: str) -> Iterator[None]:
    """Let a model compute attention with an implementation for the block: ``eager`` or ``sdpa``.

    Raises:
        UsageError: transformers has no such implementation for its architecture.
    """
    with exclusively(model):  # what a trace in another thread sets is not the model's own
        own = model.config._attn_implementation
        if implementation == own:
            yield
            return
        check_attention(family_of(model.config.model_type), implementation)
        try:
            model.set_attn_implementation(implementation)
            yield
        finally:
            model.set_attn_implementation(own)


def without_gradients(model: nn.Module) -> AbstractContextManager[object]:
    """Return what switches gradients off: inference mode, which is the faster, where all modules are torch's and
    transformers' own. A module of somebody else's may take a gradient inside, or hold on to a tensor for later, and
    neither can be done with a tensor made in inference mode.
    """
    return torch.inference_mode() if of_known_code(model) else torch.no_grad()


def of_known_code(model: nn.Module) -> bool:
    """Whether all modules of a model are torch's and transformers' own, and nobody has put another forward on one."""
    return all(
        type(module).__module__.startswith(("torch.nn.", "transformers.models.", "transformers.activations"))
        and "forward" not in vars(module)
        for module in model.modules()
    )


class _Compiler:
    """The compiler's stance, one for the whole process: changed by the first who asks, changed back after the last."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asking = 0
        self._before: Any = None

    def stand_aside(self) -> None:
        with self._lock:
            if self._before is None and "torch._dynamo" in sys.modules:  # else nothing was compiled yet
                self._before = torch.compiler.set_stance("force_eager")
            self._asking += 1

    def go_on(self) -> None:
        with self._lock:
            self._asking -= 1
            if not self._asking and self._before is not None:
                self._before.__exit__(None, None, None)
                self._before = None


_compiler = _Compiler()


@contextmanager
def uncompiled() -> Iterator[None]:
    """Run what ``torch.compile`` and ``nn.Module.compile`` made as its code is written, for the block.

    Compiled code has neither modules nor ops to look at, and a compiler that met the tracer would compile it as well.
    In other threads too nothing is compiled meanwhile.
    """
    _compiler.stand_aside()
    try:
        yield
    finally:
        _compiler.go_on()


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
def collecting_what_is_new() -> Iterator[None]:
    """Keep the garbage collector, in the block, from walking what is there when it begins: torch and transformers have
    made hundreds of thousands of objects by then, and each walk over them takes longer than a batch.
    """
    others = gc.get_freeze_count() > 0  # somebody else keeps it from that, and for longer
    if not others:
        gc.freeze()
    try:
        yield
    finally:
        if not others:
            gc.unfreeze()


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
