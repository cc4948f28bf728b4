"""Sees every call of a module that a tracer is to record: stands around the forward of each."""

import sys
from functools import partial
from threading import get_ident
from types import FrameType
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from torch._C import DisableTorchFunction, _len_torch_function_stack

from .call_site import OWN, caller, kinds, site_of
from .events import Called, CalledInside, Passed, Raised, Returned
from .flops import FlopCounter, counted_as_it_runs
from .function_mode import FunctionMode
from .hooks import Forward
from .in_place import works_in_place

if TYPE_CHECKING:
    from .tracer import Tracer

_CALL = nn.Module._wrapped_call_impl.__code__
_ONE_FUNCTION: dict[type, Forward] = {
    kind: kind.forward for kind in (nn.Linear, nn.LayerNorm, nn.Embedding, nn.Dropout, nn.Tanh, nn.GELU, nn.ReLU)
}
"""Modules of torch.nn that hand their input to one function and return what it returns, and the forwards that do so."""

_PLAIN = {nn.Parameter, type(None)}


class ModuleCalls:
    """Tells a tracer of the calls of modules in its thread; those of other threads pass through unseen.

    Inside of a module of torch.nn nothing is recorded but that modules were called. Its floating point operations
    follow from the shapes; only where it holds what others wrote are they counted as it runs.
    """

    def __init__(self, tracer: "Tracer", mode: FunctionMode) -> None:
        self._tracer = tracer
        self._mode = mode
        self._leaf = False  # whether a module of torch.nn is running
        self._counter: FlopCounter | None = None  # of that module

    def around(self, module: nn.Module, forward: Forward) -> Forward:
        """Return what is called in place of a module's forward."""
        watched = self._tracer.live is not None or self._tracer.editing is not None
        if not watched and getattr(forward, "__func__", None) is _ONE_FUNCTION.get(type(module), module):
            return partial(self._run_one_function, module, forward)
        return partial(self._run, module, forward)

    def around_hooked(self, module: nn.Module, forward: Forward, call: Forward) -> tuple[Forward, Forward]:
        """Return what is called in place of the forward of a module with hooks of others, and of the call that runs
        them. What it receives shows between the two kinds of hooks, what it returns after them.
        """
        return partial(self._run_between_hooks, module, forward), partial(self._run_with_hooks, module, call)

    def _run(self, module: nn.Module, forward: Forward, /, *args: Any, **kwargs: Any) -> Any:
        if get_ident() != self._tracer.thread:
            return forward(*args, **kwargs)
        call = sys._getframe(2)
        if call.f_code is not _CALL and not _is_torchs(sys._getframe(1)):
            return forward(*args, **kwargs)  # called as a function, which is no call of the module
        if self._leaf or _len_torch_function_stack() < self._mode.place:
            return self._run_inside(module, forward, args, kwargs)
        return self._observe(module, forward, args, kwargs, call)

    def _run_one_function(self, module: nn.Module, forward: Forward, /, *args: Any, **kwargs: Any) -> Any:
        """What goes into such a module and what comes out tells all of it: one event instead of two."""
        if get_ident() != self._tracer.thread:
            return forward(*args, **kwargs)
        call = sys._getframe(2)
        if call.f_code is not _CALL and not _is_torchs(sys._getframe(1)):
            return forward(*args, **kwargs)
        modes = _len_torch_function_stack()
        if self._leaf or modes < self._mode.place:
            return self._run_inside(module, forward, args, kwargs)
        if modes > 1 or kwargs or len(args) != 1 or type(args[0]) is not Tensor or not _is_plain(module):
            return self._observe(module, forward, args, kwargs, call)
        frame = call.f_back
        if frame is None or kinds.get(frame.f_code) != OWN:
            frame = caller(frame)
        place = None if frame is None else (frame.f_code, frame.f_lasti)
        look, tape = self._tracer.tensors.look, self._tracer.tape
        with DisableTorchFunction():
            try:
                received = look(args[0])
            except Exception as error:
                self._tracer.give_up(error)
                return forward(*args)
            try:
                output = forward(*args)
            except BaseException:
                tape.extend((Called(module, (received,), {}, place), Raised(module)))
                raise
            try:
                tape.append(Passed(module, received, look(output), place))
            except Exception as error:
                self._tracer.give_up(error)
        return output

    def _run_between_hooks(self, module: nn.Module, forward: Forward, /, *args: Any, **kwargs: Any) -> Any:
        call = sys._getframe(1)
        if get_ident() != self._tracer.thread or not _is_torchs(call):
            return forward(*args, **kwargs)
        if self._leaf or _len_torch_function_stack() < self._mode.place:
            return self._run_inside(module, forward, args, kwargs)
        self._enter(module, args, kwargs, call)
        return self._run_forward(forward, args, kwargs)

    def _run_with_hooks(self, module: nn.Module, call: Forward, /, *args: Any, **kwargs: Any) -> Any:
        if get_ident() != self._tracer.thread or self._leaf:
            return call(*args, **kwargs)
        depth = self._tracer.depth
        try:
            output = call(*args, **kwargs)
        except BaseException:
            if self._tracer.depth > depth:  # else a hook before the forward has raised
                self._raised(module)
            raise
        return self._leave(module, output) if self._tracer.depth > depth else output

    def _observe(
        self, module: nn.Module, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any], call: FrameType
    ) -> Any:
        self._enter(module, args, kwargs, call)
        try:
            output = self._run_forward(forward, args, kwargs)
        except BaseException:
            self._raised(module)
            raise
        return self._leave(module, output)

    def _run_inside(self, module: nn.Module, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a module inside of one of torch.nn, or of an op: that it was called is all that is recorded."""
        self._tracer.tell(CalledInside(module))
        return forward(*args, **kwargs)

    def _run_forward(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        editing = self._tracer.editing
        if editing is not None and self._tracer.error is None and editing.removed:
            return editing.handed_on()
        if self._counter is None:
            return forward(*args, **kwargs)
        with self._counter:
            return forward(*args, **kwargs)

    def _enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], frame: FrameType) -> None:
        """A module is about to run its forward; it was called from within a frame."""
        leaf = type(module).__module__.startswith("torch.nn.")
        try:
            with DisableTorchFunction():
                options = self._tracer.tensors.look_at_named(kwargs) if kwargs else kwargs
                event = Called(module, self._tracer.tensors.look_at(args), options, site_of(caller(frame)))
            if self._tracer.live is None:
                self._tracer.tape.append(event)
            else:
                self._tracer.live.called(event, args, kwargs, leaf=leaf)
            if self._tracer.editing is not None:
                self._tracer.editing.entered(module, args, kwargs)
        except Exception as error:
            self._tracer.give_up(error)
            return
        self._tracer.depth += 1
        if leaf:
            self._leaf = True
            self._counter = FlopCounter(self._tracer) if counted_as_it_runs(module) else None
            self._mode.step_aside()

    def _leave(self, module: nn.Module, output: Any) -> Any:
        """A module has run its forward; return what goes on."""
        if self._tracer.error is not None:
            return output
        leaf, editing, unedited = self._leaf, self._tracer.editing, None
        try:
            with DisableTorchFunction():
                if editing is not None:
                    output, unedited = editing.returned(output, changes=leaf and works_in_place(module))
                event = Returned(module, self._tracer.tensors.look_into(output), edited=unedited is not None)
                if editing is not None:
                    editing.left(module, event.output)
                if leaf:
                    event.flops = None if self._counter is None else self._counter.count
                    if works_in_place(module):
                        event.changed = self._tracer.sharing_memory(event.output)
            if self._tracer.live is None:
                self._tracer.tape.append(event)
            else:
                self._tracer.live.returned(event, unedited, leaf=leaf)
            self._tracer.depth -= 1
        except Exception as error:
            self._tracer.give_up(error)
        finally:
            if leaf:
                self._step_back()
        return output

    def _raised(self, module: nn.Module) -> None:
        """The forward of a module has raised."""
        if self._leaf:
            self._step_back()
        if self._tracer.error is None:
            self._tracer.depth -= 1
            if self._tracer.editing is not None:
                self._tracer.editing.left(module)
            self._tracer.tell(Raised(module))

    def _step_back(self) -> None:
        self._mode.step_back()
        self._leaf, self._counter = False, None


def _is_plain(module: nn.Module) -> bool:
    """Whether a module leaves its input alone, and its parameters do not answer to torch's functions themselves, as
    those of another type may (quantized ones, say).
    """
    return not works_in_place(module) and {type(held) for held in module._parameters.values()} <= _PLAIN


def _is_torchs(frame: FrameType) -> bool:
    """Whether a frame is torch's own, which calls modules in other ways too (`nn.Module.compile`, hooks)."""
    return frame.f_code.co_filename == _CALL.co_filename
