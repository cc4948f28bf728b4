"""Puts an observer around the forward of every module of a model, and takes it off again."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol

from torch import nn
from torch.nn.modules import module as everyones

Forward = Callable[..., Any]


class Observer(Protocol):
    """Runs the forwards of modules in place of torch; where it cannot, it is told of them."""

    def around(self, module: nn.Module, forward: Forward) -> Forward:
        """Return what is called in place of a module's forward."""

    def enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], frame: FrameType) -> None:
        """A module is about to run its forward; it was called from within a frame."""

    def leave(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """A module has run its forward."""


@contextmanager
def attached(observer: Observer, modules: Iterable[nn.Module]) -> Iterator[None]:
    """Let an observer see every call of these modules for the block; afterwards they are as they were.

    A forward is wrapped, on the module and not on its class: torch's own hooks take longer, even if they do nothing
    (benchmarks/README.md). Only where others have hooks on the module, which may change what it receives and returns,
    ours are hooks too and stand behind them.
    """
    wrapped: list[nn.Module] = []
    before: dict[nn.Module, Forward] = {}  # forwards that stood on the module already
    handles = []
    everywhere = bool(everyones._global_forward_hooks or everyones._global_forward_pre_hooks)
    enter = _entering(observer)
    try:
        for module in modules:
            held = module.__dict__
            if everywhere or module._forward_hooks or module._forward_pre_hooks:
                handles.append(module.register_forward_pre_hook(enter, with_kwargs=True))
                handles.append(module.register_forward_hook(observer.leave, with_kwargs=True))
                continue
            forward = module.forward
            if "forward" in held:
                before[module] = forward
            wrapped.append(module)
            around: Any = observer.around(module, forward)
            around.__wrapped__ = forward  # whoever asks for the signature is told the forward's own
            held["forward"] = around
        yield
    finally:
        for handle in handles:
            handle.remove()
        for module in wrapped:
            module.__dict__.pop("forward", None)
        for module, forward in before.items():
            module.__dict__["forward"] = forward


def _entering(observer: Observer) -> Callable[..., None]:
    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        observer.enter(module, args, kwargs, sys._getframe(1))

    return hook
