"""Puts an observer around the forward of every module of a model, and takes it off again."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import nn

_CALL = nn.Module._call_impl.__code__
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
    everywhere = bool(_hooks("_global", nn.modules.module))
    try:
        for module in modules:
            if everywhere or _hooks("", module) or isinstance(module, torch.jit.ScriptModule):
                handles.append(module.register_forward_pre_hook(observer.enter, with_kwargs=True))
                handles.append(module.register_forward_hook(observer.leave, with_kwargs=True))
            else:
                wrapped.append((module, module.__dict__.get("forward", _ABSENT)))
                module.__dict__["forward"] = _observed(observer, module, module.forward)
        yield
    finally:
        for handle in handles:
            handle.remove()
        for module, before in wrapped:
            if before is _ABSENT:
                module.__dict__.pop("forward", None)
            else:
                module.__dict__["forward"] = before


def _hooks(prefix: str, holder: Any) -> bool:
    return bool(getattr(holder, f"{prefix}_forward_hooks") or getattr(holder, f"{prefix}_forward_pre_hooks"))


def _observed(observer: Observer, module: nn.Module, original: Callable[..., Any]) -> Callable[..., Any]:
    enter, leave = observer.enter, observer.leave

    def forward(*args: Any, **kwargs: Any) -> Any:
        code = sys._getframe(1).f_code
        if code is not _CALL and code.co_filename != _CALL_FILE:
            return original(*args, **kwargs)  # the method is used as a function: that is no call of the module
        enter(module, args, kwargs)
        try:
            output = original(*args, **kwargs)
        except BaseException:
            observer.raised(module)
            raise
        leave(module, args, kwargs, output)
        return output

    forward.__wrapped__ = original  # type: ignore[attr-defined]
    return forward
