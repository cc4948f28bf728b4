"""Sees every op that a tracer is to record: torch hands its functions to a mode before it runs them."""

import sys
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from torch import Size, Tensor, overrides
from torch._C import DisableTorchFunction
from torch.overrides import TorchFunctionMode

from .arguments import refs_in
from .call_site import OWN, CallSite, caller, kinds, mask_helper, site_of
from .events import Helper, Ran
from .in_place import Written, writes
from .tensor_registry import CONTAINERS, same_place

if TYPE_CHECKING:
    from .tracer import Tracer

_stack: Any = overrides


class FunctionMode(TorchFunctionMode):
    """Tells a tracer of the ops of the thread that it was put in.

    torch.nn asks whether any mode is there, and does other work where there is: inside of its modules this one steps
    aside.
    """

    def __init__(self, tracer: "Tracer") -> None:
        super().__init__()
        self._tracer = tracer
        self.place = _stack._len_torch_function_stack() + 1  # how many modes there are up to this one, with it
        self._writes: dict[Any, Written | None] = {}  # by function: what tells the tensors that it writes into
        self._mask_frame: FrameType | None = None

    # The stack of modes

    def begin(self) -> None:
        """Begin to see what runs."""
        _stack._push_mode(self)

    def end(self) -> None:
        """See nothing more; it may be called again."""
        self._mask_frame = None
        if self in _stack._get_current_function_mode_stack():
            self.step_aside()

    def step_aside(self) -> None:
        """Leave the stack for a while."""
        above = self._take(_stack._len_torch_function_stack() - self.place)  # the model's own
        _stack._pop_mode()
        self._put(above)

    def step_back(self) -> None:
        """Take the place on the stack again."""
        above = self._take(_stack._len_torch_function_stack() - self.place + 1)
        self._put([*above, self])

    def _take(self, count: int) -> list[TorchFunctionMode]:
        return [_stack._pop_mode() for _ in range(count)]

    def _put(self, modes: Sequence[TorchFunctionMode]) -> None:
        for mode in reversed(modes):
            _stack._push_mode(mode)

    # Ops

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if kwargs is None:
            kwargs = {}
        if not self._tracer.depth:
            return func(*args, **kwargs)
        live, event = self._tracer.live, None
        try:
            try:
                writing = self._writes[func]
            except KeyError:
                writing = self._writes[func] = writes(func)
            written = () if writing is None else writing(args, kwargs)
            changes = bool(written) or bool(kwargs and (kwargs.get("inplace") is True or "out" in kwargs))
            if changes or live is not None:  # what is changed in place must be looked at before
                event = self._given(func, args, kwargs)
                if live is not None:
                    live.before(event, args, kwargs, changes=changes)
        except Exception as error:
            self._tracer.give_up(error)
            return func(*args, **kwargs)
        try:
            out = func(*args, **kwargs)
        except Exception:
            self._op_raised(event, func, args, kwargs, sys._getframe(1))
            raise
        if self._tracer.depth:
            try:
                out = self._op_ran(event, func, args, kwargs, out, sys._getframe(1), written=written, changes=changes)
            except Exception as error:
                self._tracer.give_up(error)
        return out

    def run_scripted(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function that torch.jit has compiled, of which torch tells no mode, as one op."""
        if self not in _stack._get_current_function_mode_stack():  # inside of a module of torch.nn
            return func(*args, **kwargs)
        self.step_aside()
        try:
            return self.__torch_function__(func, (), args, kwargs)
        finally:
            self.step_back()

    def _op_ran(
        self,
        event: Ran | None,
        func: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        out: Any,
        frame: FrameType,
        *,
        written: Sequence[Tensor],
        changes: bool,
    ) -> Any:
        """An op ran: return what goes on."""
        editing, unedited, placed = self._tracer.editing, None, None
        if isinstance(out, Tensor):
            if editing is not None:
                placed = self._place(frame)
                if placed[1] is None:
                    with DisableTorchFunction():
                        out, unedited = editing.op_returned(func, out, changes=changes)
            output = self._tracer.tensors.look(out)
        elif out is None and written:  # x[index] = value
            output = self._tracer.tensors.look_into(written[0] if len(written) == 1 else written)
        elif isinstance(out, CONTAINERS) and type(out) is not Size:
            output = self._tracer.tensors.look_into(out)
            if not refs_in(output, ""):
                return out
        else:
            return out  # a size, a device, a truth value: nothing flowed
        if event is None:
            event = self._given(func, args, kwargs)
        event.output = output
        event.place, event.helper = placed or self._place(frame)
        if editing is not None and event.helper is None:
            editing.op_ran(func)
            event.edited = unedited is not None
        if changes:
            event.changed = self._tracer.sharing_memory([output, self._tracer.tensors.look_at(written)])
        elif event.helper is None and isinstance(out, Tensor) and args and isinstance(args[0], Tensor):
            event.unchanged = same_place(out, args[0])
        self._tracer.tell(event, unedited)
        return out

    def _op_raised(
        self, event: Ran | None, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], frame: FrameType
    ) -> None:
        if not self._tracer.depth:
            return
        try:
            event = event or self._given(func, args, kwargs)
            event.place = site_of(caller(frame))
            event.failed = True
            if self._tracer.editing is not None:
                self._tracer.editing.op_ran(func)
            self._tracer.tell(event)
        except Exception as error:
            self._tracer.give_up(error)

    def _given(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Ran:
        options = self._tracer.tensors.look_at_named(kwargs) if kwargs else kwargs
        return Ran(func, self._tracer.tensors.look_at(args), options, None)

    def _place(self, frame: FrameType) -> tuple[CallSite | None, Helper | None]:
        """Return the place behind wrappers at which an op was called, and the mask's helper in which that was."""
        if kinds.get(frame.f_code) == OWN:
            return (frame.f_code, frame.f_lasti), None
        found = caller(frame)
        helper = mask_helper(found)
        if helper is None:
            return site_of(found), None
        anew, self._mask_frame = helper is not self._mask_frame, helper
        return site_of(found), Helper(helper.f_code.co_name, site_of(caller(helper.f_back)), anew)
