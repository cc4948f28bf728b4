"""Sees every module call and every op of one forward, in the order they ran.

It only looks, and a `Recorder` makes records of what it saw. It looks between every two steps of the model, which have
swept the caches by then, so all that can wait is left on a tape until the model has run; only where somebody wants to
look at the tensors themselves (a `LiveRecorder`) is each event noted at once.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

from torch import Size, Tensor, nn
from torch._C import DisableTorchFunction  # switches modes off too, which the public context managers do not
from torch.overrides import TorchFunctionMode

from ...families import Family
from ..keep import TraceSpec
from ..undisturbed import no_collector
from ..verify.replay import Replay
from .activations import Activations
from .arguments import refs_in
from .call_site import OWN, CallSite, caller, kinds, mask_helper, site_of
from .events import Called, CalledInside, Event, Helper, Passed, Raised, Ran, Returned
from .flops import flops_as_it_runs, is_torchs_own
from .hooks import Forward, attached
from .in_place import Written, works_in_place, writes
from .live_recorder import LiveRecorder
from .recorder import Recorder
from .recording import Recording
from .tensor_registry import CONTAINERS, TensorRegistry, TensorState, same_place

_CALL = nn.Module._wrapped_call_impl.__code__
_ONE_FUNCTION: dict[type, Forward] = {
    kind: kind.forward for kind in (nn.Linear, nn.LayerNorm, nn.Embedding, nn.Dropout, nn.Tanh, nn.GELU, nn.ReLU)
}
"""Modules of torch.nn that hand their input to one function and return what it returns, and the forwards that do so."""

_PLAIN = {nn.Parameter, type(None)}


class Tracer(TorchFunctionMode):
    """Records one forward of one model; use `tracing` to attach it and to take it off again."""

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        family: Family,
        *,
        specs: Sequence[TraceSpec],
        replay: Replay | None,
    ) -> None:
        super().__init__()
        self.tensors = TensorRegistry(modules)
        types = {path: type(module).__name__ for path, module in modules.items()}
        self._kept = [Activations(spec, spec.selection.of(types), self.tensors) for spec in specs]
        self._recorder = Recorder(modules, self.tensors, family)
        self._tape: list[Event] = []
        self._live: LiveRecorder | None = None
        seconds = any(spec.keep.seconds for spec in specs)
        if seconds or replay is not None or any(spec.keep.any for spec in specs):
            self._live = LiveRecorder(self._recorder, self._kept, seconds=seconds, replay=replay)
        self._depth = 0  # how many modules are running whose steps are recorded
        self._leaf_depth = 0  # above 0: inside a module of torch.nn, where nothing is recorded
        self._writes: dict[Any, Written | None] = {}  # by function
        self._leaf_flops: int | None = None  # counted where not all inside of such a module is of torch.nn
        self._mask_frame: FrameType | None = None

    # Modules

    def enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], frame: FrameType) -> None:
        """A module is about to run its forward; it was called from within a frame."""
        if self._leaf_depth:
            self._leaf_depth += 1
            self._tell(CalledInside(module))
            return
        with DisableTorchFunction():
            options = self.tensors.look_at_named(kwargs) if kwargs else kwargs
            event = Called(module, self.tensors.look_at(args), options, site_of(caller(frame)))
            self._depth += 1
            leaf = type(module).__module__.startswith("torch.nn.")
            if leaf:
                self._leaf_depth = 1
                self._leaf_flops = None if is_torchs_own(module) else 0
            if self._live is None:
                self._tape.append(event)
            else:
                self._live.called(event, args, kwargs, leaf=leaf)

    def leave(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """A module has run its forward."""
        if self._leaf_depth > 1:
            self._leaf_depth -= 1
            return
        with DisableTorchFunction():
            event = Returned(module, self.tensors.look_into(output))
            if self._leaf_depth:
                event.flops = self._leaf_flops
                if works_in_place(module):
                    event.changed = self._sharing_memory(event.output)
            self._depth -= 1
            if self._live is None:
                self._tape.append(event)
            else:
                self._live.returned(event, leaf=bool(self._leaf_depth))
            self._leaf_depth = 0

    def around(self, module: nn.Module, forward: Forward) -> Forward:
        """Return what is called in place of a module's forward."""
        if self._live is None and getattr(forward, "__func__", None) is _ONE_FUNCTION.get(type(module), module):
            return partial(self._run_one_function, module, forward)
        return partial(self._run, module, forward)

    def _run(self, module: nn.Module, forward: Forward, /, *args: Any, **kwargs: Any) -> Any:
        call = sys._getframe(2)
        if call.f_code is not _CALL:
            return self._run_otherwise(module, forward, args, kwargs, call, by=sys._getframe(1))
        return self._observe(module, forward, args, kwargs, call)

    def _run_one_function(self, module: nn.Module, forward: Forward, /, *args: Any, **kwargs: Any) -> Any:
        """What goes into such a module and what comes out tells all of it: one event instead of two."""
        call = sys._getframe(2)
        if call.f_code is not _CALL:
            return self._run_otherwise(module, forward, args, kwargs, call, by=sys._getframe(1))
        if self._leaf_depth or kwargs or len(args) != 1 or type(args[0]) is not Tensor or not _is_plain(module):
            return self._observe(module, forward, args, kwargs, call)
        frame = call.f_back
        if frame is None or kinds.get(frame.f_code) != OWN:
            frame = caller(frame)
        place = None if frame is None else (frame.f_code, frame.f_lasti)
        look, tape = self.tensors.look, self._tape
        with DisableTorchFunction():
            received = look(args[0])
            try:
                output = forward(*args)
            except BaseException:
                tape.extend((Called(module, (received,), {}, place), Raised(module)))
                raise
            tape.append(Passed(module, received, look(output), place))
        return output

    def _run_otherwise(
        self,
        module: nn.Module,
        forward: Forward,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        call: FrameType,
        *,
        by: FrameType,
    ) -> Any:
        """Run a forward that was not called in the usual way: by torch nevertheless, or as a function, which is no call
        of the module.
        """
        if by.f_code.co_filename == _CALL.co_filename:
            return self._observe(module, forward, args, kwargs, call)
        return forward(*args, **kwargs)

    def _observe(
        self, module: nn.Module, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any], call: FrameType
    ) -> Any:
        self.enter(module, args, kwargs, call)
        try:
            output = forward(*args, **kwargs)
        except BaseException:
            self._raised(module)
            raise
        self.leave(module, args, kwargs, output)
        return output

    def _raised(self, module: nn.Module) -> None:
        """The forward of a module has raised."""
        if self._leaf_depth > 1:
            self._leaf_depth -= 1
            return
        self._leaf_depth = 0
        self._depth -= 1
        self._tell(Raised(module))

    # Ops

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if kwargs is None:
            kwargs = {}
        if self._leaf_depth or not self._depth:
            out = func(*args, **kwargs)
            if self._leaf_depth and self._leaf_flops is not None:
                self._leaf_flops += flops_as_it_runs(func, args, kwargs, out)
            return out
        live, event = self._live, None
        try:
            writing = self._writes[func]
        except KeyError:
            writing = self._writes[func] = writes(func)
        written = () if writing is None else writing(args, kwargs)
        changes = bool(written) or bool(kwargs and (kwargs.get("inplace") or "out" in kwargs))
        if changes or live is not None:  # what is changed in place must be looked at before
            event = self._given(func, args, kwargs)
            if live is not None:
                live.before(event, args, kwargs, changes=changes)
        try:
            out = func(*args, **kwargs)
        except Exception:
            event = event or self._given(func, args, kwargs)
            event.place = site_of(caller(sys._getframe(1)))
            event.failed = True
            self._tell(event)
            raise
        if isinstance(out, Tensor):
            output = self.tensors.look(out)
        elif out is None and written:  # x[index] = value
            output = self.tensors.look_into(written[0] if len(written) == 1 else written)
        elif isinstance(out, CONTAINERS) and type(out) is not Size:
            output = self.tensors.look_into(out)
            if not refs_in(output, ""):
                return out
        else:
            return out  # a size, a device, a truth value: nothing flowed
        if event is None:
            event = self._given(func, args, kwargs)
        event.output = output
        frame = sys._getframe(1)
        if kinds.get(frame.f_code) == OWN:
            event.place = frame.f_code, frame.f_lasti
        else:
            event.place, event.helper = self._behind(frame)
        if changes:
            event.changed = self._sharing_memory([output, self.tensors.look_at(written)])
        elif event.helper is None and isinstance(out, Tensor) and args and isinstance(args[0], Tensor):
            event.unchanged = same_place(out, args[0])
        self._tell(event)
        return out

    def _given(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Ran:
        options = self.tensors.look_at_named(kwargs) if kwargs else kwargs
        return Ran(func, self.tensors.look_at(args), options, None)

    def _behind(self, frame: FrameType) -> tuple[CallSite | None, Helper | None]:
        """Return the place behind wrappers at which an op was called, and the mask's helper in which that was."""
        found = caller(frame)
        helper = mask_helper(found)
        if helper is None:
            return site_of(found), None
        anew, self._mask_frame = helper is not self._mask_frame, helper
        return site_of(found), Helper(helper.f_code.co_name, site_of(caller(helper.f_back)), anew)

    def _sharing_memory(self, output: Any) -> Sequence[TensorState]:
        return self.tensors.sharing_memory([tensor_ref for _, tensor_ref in refs_in(output, "")])

    # Notes

    def _tell(self, event: Event) -> None:
        if self._live is None:
            self._tape.append(event)
        elif isinstance(event, Ran):
            self._live.ran(event)
        else:
            self._recorder.write(event)

    def finish(self, *, raised: bool) -> Recording:
        """Write down what can wait until the model has run, and return everything that was recorded."""
        for event in self._tape:
            self._recorder.write(event)
        self._tape.clear()
        recorder = self._recorder
        return Recording(
            steps=recorder.records,
            calls=recorder.calls,
            tensors=self.tensors,
            kept=self._kept,
            stopped=recorder.stopped() if raised else None,
        )


def _is_plain(module: nn.Module) -> bool:
    """Whether a module leaves its input alone, and its parameters do not answer to torch's functions themselves, as
    those of another type may (quantized ones, say).
    """
    return not works_in_place(module) and {type(held) for held in module._parameters.values()} <= _PLAIN


@contextmanager
def tracing(
    modules: Mapping[str, nn.Module], family: Family, *, specs: Sequence[TraceSpec], replay: Replay | None = None
) -> Iterator[Tracer]:
    """Attach a tracer to a model, given by all its modules under their paths, for the block; afterwards the model is
    as it was, whatever happened. A ``replay`` checks every step as it runs; ``specs`` say what is kept of tensors.
    """
    tracer = Tracer(modules, family, specs=specs, replay=replay)
    try:
        with no_collector(), attached(tracer, modules.values()), tracer:
            yield tracer
    finally:
        tracer._mask_frame = None
