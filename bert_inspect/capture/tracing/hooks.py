"""Puts an observer around the forward of every module of a model, and takes it off again; one at a time."""

from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from threading import Condition, get_ident
from typing import Any, Protocol

from torch import nn
from torch.nn.modules import module as everyones

from ...errors import UsageError

Forward = Callable[..., Any]


class Observer(Protocol):
    """Runs the forwards of modules in place of torch."""

    def around(self, module: nn.Module, forward: Forward) -> Forward:
        """Return what is called in place of a module's forward."""

    def around_hooked(self, module: nn.Module, forward: Forward, call: Forward) -> tuple[Forward, Forward]:
        """Return what is called in place of a module's forward, and of the call that runs others' hooks around it."""


_NOTHING = object()


class Attachment:
    """Lets an observer see every call of modules until it is taken off; then they are as they were.

    A forward is wrapped, on the module and not on its class: torch's own hooks take longer, even if they do nothing
    (benchmarks/README.md), and torch.nn's fast paths look for hooks. Where others have hooks on a module, which may
    change what it receives and returns, the call around the forward is wrapped too, so that they are seen through.
    """

    def __init__(self) -> None:
        self._put: list[tuple[dict[str, Any], str, Any, object]] = []

    def attach(self, observer: Observer, modules: Iterable[nn.Module]) -> None:
        """Put an observer around modules.

        Raises:
            UsageError: another one stands around them.
        """
        everywhere = bool(everyones._global_forward_hooks or everyones._global_forward_pre_hooks)
        for module in modules:
            held, forward = module.__dict__, module.forward
            if getattr(forward, "observed", None) == id(forward):
                raise UsageError(
                    "this model, or a module that it shares, is being traced already: its own forward asks for a trace",
                    "trace it when that forward has returned, or trace a copy of it",
                )
            if everywhere or module._forward_hooks or module._forward_pre_hooks:
                # A module compiled in place is called by that name.
                name = "_call_impl" if module._compiled_call_impl is None else "_compiled_call_impl"
                around, call = observer.around_hooked(module, forward, getattr(module, name))
                self._replace(held, name, call)
            else:
                around = observer.around(module, forward)
            marks: Any = around
            marks.observed = id(around)  # others copy what stands on a function when they wrap it
            marks.__wrapped__ = forward  # whoever asks for the signature is told the forward's own
            self._replace(held, "forward", around)

    def _replace(self, held: dict[str, Any], name: str, value: object) -> None:
        self._put.append((held, name, held.get(name, _NOTHING), value))  # noted first: an interrupt may come between
        held[name] = value

    def detach(self) -> None:
        """Take the observer off. What somebody else has put in its place since stays; it may be called again."""
        for held, name, before, value in self._put:
            if held.get(name) is not value:
                continue
            if before is _NOTHING:
                del held[name]
            else:
                held[name] = before


_changed = Condition()
_owners: dict[int, int] = {}
"""By the id of a module: the thread that has it for itself."""
_awaited: dict[int, Set[int]] = {}
"""By thread: the modules that it waits for."""


@contextmanager
def exclusively(model: nn.Module) -> Iterator[None]:
    """Have a model, and every other that shares modules with it, for this thread alone; wait while another has it.

    All modules are taken at once or none, so two traces never wait for each other; only one that runs inside another
    can close such a circle. The thread that has a model may ask for it again. Plain calls do not ask and never wait.

    Raises:
        UsageError: waiting would never end, as the other thread waits for a model that this one has.
    """
    thread = get_ident()
    modules = {id(module) for module in model.modules()}
    wanted: Set[int] = set()
    try:
        with _changed:
            wanted = {key for key in modules if _owners.get(key) != thread}
            _wait_for(wanted, thread)
            _owners.update(dict.fromkeys(wanted, thread))
        yield
    finally:
        try:
            _give_back(wanted, thread)
        except KeyboardInterrupt:
            _give_back(wanted, thread)
            raise


def _wait_for(wanted: Set[int], thread: int) -> None:
    if wanted.isdisjoint(_owners):
        return
    if _waits_for(wanted, thread):
        raise UsageError(
            "two threads would wait for each other: each traces a model while it has another, which the other needs",
            "trace models that share modules one after the other, not one inside the forward of the other",
        )
    try:
        _awaited[thread] = wanted
        while not wanted.isdisjoint(_owners):
            _changed.wait()
    finally:
        _awaited.pop(thread, None)


def _waits_for(wanted: Set[int], thread: int) -> bool:
    """Whether one of those who have these modules waits, by however many others, for what a thread has."""
    owners = {_owners[key] for key in wanted if key in _owners}
    return thread in owners or any(_waits_for(_awaited[owner], thread) for owner in owners if owner in _awaited)


def _give_back(modules: Set[int], thread: int) -> None:
    with _changed:
        for key in modules:
            if _owners.get(key) == thread:
                del _owners[key]
        _changed.notify_all()
