"""Puts an observer around the forward of every module of a model, and takes it off again."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from torch import nn
from torch.jit import ScriptModule
from torch.nn.modules import module as everyones

_CALL = nn.Module._wrapped_call_impl.__code__
_CALL_FILE = _CALL.co_filename
_ABSENT: Any = object()


class Observer(Protocol):
    """Is told of every call of a module."""

    def enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A module is about to run its forward."""

    def leave(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """A module has run its forward."""

    def raised(self, module: nn.Module) -> None:
        """The forward of a module has raised."""


@contextmanager
def attached(observer: Observer, modules: Iterable[nn.Module]) -> Iterator[None]:
    """Let an observer see every call of these modules for the block; afterwards they are as they were.

    A forward is wrapped, on the module and not on its class: what torch calls a hook takes several times as long. Only
    where others have hooks on the module, which may change what it receives and returns, ours stand behind them.
    """
    wrapped: list[tuple[nn.Module, Any]] = []
    handles = []
    everywhere = bool(everyones._global_forward_hooks or everyones._global_forward_pre_hooks)
    enter = _entering(observer)
    try:
        for module in modules:
            held = module.__dict__
            if everywhere or held["_forward_hooks"] or held["_forward_pre_hooks"] or isinstance(module, ScriptModule):
                handles.append(module.register_forward_pre_hook(enter, with_kwargs=True))
                handles.append(module.register_forward_hook(observer.leave, with_kwargs=True))
            else:
                observed = _observed(observer, module, module.forward)
                wrapped.append((module, held.get("forward", _ABSENT)))
                held["forward"] = observed
        yield
    finally:
        for handle in handles:
            handle.remove()
        for module, before in wrapped:
            if before is _ABSENT:
                module.__dict__.pop("forward", None)
            else:
                module.__dict__["forward"] = before


def _entering(observer: Observer) -> Callable[..., None]:
    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        observer.enter(module, args, kwargs, sys._getframe(1))

    return hook


def _observed(observer: Observer, module: nn.Module, original: Callable[..., Any]) -> Callable[..., Any]:
    enter, leave = observer.enter, observer.leave
    through = observer.through if observer.passes(module) else None

    def forward(*args: Any, **kwargs: Any) -> Any:
        call = sys._getframe(2)
        if call.f_code is _CALL:
            frame = call.f_back
        elif sys._getframe(1).f_code.co_filename != _CALL_FILE:
            return original(*args, **kwargs)  # the method is used as a function: that is no call of the module
        else:
            frame = call
        if through is not None and len(args) == 1 and not kwargs:
            return through(module, original, args[0], frame)
        enter(module, args, kwargs, frame)
        try:
            output = original(*args, **kwargs)
        except BaseException:
            observer.raised(module)
            raise
        leave(module, args, kwargs, output)
        return output

    forward.__wrapped__ = original  # type: ignore[attr-defined]
    return forward
