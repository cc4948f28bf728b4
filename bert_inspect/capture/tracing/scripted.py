"""Lets a tracer see the functions beside a model's classes that ``torch.jit.script`` has compiled.

Torch tells no function mode of them: what they return would come from nowhere. While a trace runs, a caller stands in
their place in the module of Python that defines the model's classes; for threads that trace nothing it only calls them.
"""

import sys
from collections.abc import Callable, Iterable
from threading import Lock, get_ident
from typing import Any

import torch
from torch import nn

Run = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]
"""Runs a function on what it was given by position and by name."""

_changing = Lock()


class _Caller:
    """Stands in the place of one compiled function."""

    def __init__(self, compiled: Any) -> None:
        self.compiled = compiled
        self.observers: dict[int, list[Run]] = {}  # by thread, the innermost trace last

        def plain(*args: Any, **kwargs: Any) -> Any:
            return compiled(*args, **kwargs)

        plain.__name__ = compiled.name  # of the function that was compiled; its own is that of its class
        self._plain = plain

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        runs = self.observers.get(get_ident())
        return runs[-1](self._plain, args, kwargs) if runs else self.compiled(*args, **kwargs)


class Scripted:
    """Puts the callers there and takes them away, the last one that needs them."""

    def __init__(self) -> None:
        self._joined: list[tuple[dict[str, Any], str, _Caller, Run]] = []
        self._thread = get_ident()

    def attach(self, run: Run, modules: Iterable[nn.Module]) -> None:
        """Let compiled functions beside the classes of modules be run by ``run`` where this thread calls them."""
        names = dict.fromkeys(type(module).__module__ for module in modules)
        names = dict.fromkeys(name for name in names if not name.startswith("torch."))
        for namespace in (vars(sys.modules[name]) for name in names if name in sys.modules):
            for name, value in list(namespace.items()):
                if isinstance(value, torch.jit.ScriptFunction | _Caller):
                    with _changing:
                        held = namespace[name]
                        caller = held if isinstance(held, _Caller) else _Caller(held)
                        self._joined.append(
                            (namespace, name, caller, run)
                        )  # noted first: an interrupt may come between
                        caller.observers.setdefault(self._thread, []).append(run)
                        namespace[name] = caller

    def detach(self) -> None:
        """Take them away; it may be called again."""
        while self._joined:
            namespace, name, caller, run = self._joined[-1]
            with _changing:
                runs = caller.observers.get(self._thread, [])
                if run in runs:
                    runs.remove(run)
                if not runs:
                    caller.observers.pop(self._thread, None)
                if not caller.observers and namespace.get(name) is caller:
                    namespace[name] = caller.compiled
            self._joined.pop()
