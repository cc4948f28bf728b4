"""Hooks and a torch function mode around one forward: every module call and every op, in the order they ran.

The tracer only observes and writes down plain data. What a step is called, which step a tensor came from and what is
kept in the end are decided afterwards, from these notes (`labels`, `forward`).
"""

import gc
import sys
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from torch import nn
from torch._C import DisableTorchFunction  # switches modes off too, which the public context managers do not
from torch.overrides import TorchFunctionMode

from ..record import Kind, Stats
from ..selection import Selection
from ..values import Values
from .arguments import module_input_names, op_input_names, plain_arguments, tensors_in
from .flops import flops_of
from .notes import Keep, Note, Seen
from .source import line_of, mask_helper, outside_torch
from .summarize import dtype_name, full_copy, numbers, statistics


class TooManyNumbers(Exception):
    """More numbers would be kept than the limit allows."""


class Tracer(TorchFunctionMode):
    """Records one forward of one model; use `tracing` to attach it and to take it off again."""

    def __init__(self, modules: Mapping[str, nn.Module], *, selection: Selection, keep: Keep) -> None:
        super().__init__()
        self.notes: list[Note] = []
        self.stats: dict[int, Stats | None] = {}
        self.values: dict[int, Values] = {}
        self.tensors: dict[int, torch.Tensor] = {}
        self.parameters: dict[int, str] = {}  # which tensors are parameters or buffers of the model, and their names
        self._keep = keep
        self._keeps = keep.stats or keep.values is not None or keep.tensors
        self._ops = selection.level == "op"
        # Looked up at every call, so worked out once: where a module stands, whether it is of torch.nn, whether wanted.
        self._places = {
            module: (path, type(module).__module__.startswith("torch.nn."), selection.wants(path))
            for path, module in modules.items()
        }
        self._wanted: list[bool] = []
        self._state = {
            id(tensor): f"{place[0]}.{name}" if place[0] else name
            for module, place in self._places.items()
            for held in (module._parameters, module._buffers)
            for name, tensor in held.items()
            if tensor is not None
        }
        self._calls: dict[nn.Module, int] = {}
        self._open: list[Note] = []
        self._leaf_depth = 0  # above 0: inside a module of torch.nn, where nothing is recorded
        self._alive: dict[int, tuple[weakref.ref[torch.Tensor], int, tuple[int, ...], str]] = {}  # by id
        self._references: list[weakref.ref[torch.Tensor]] = []  # by number
        self._kept_numbers = 0
        self._mask: Note | None = None
        self._mask_frame: FrameType | None = None

    # Modules

    def enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Forward pre-hook: the step begins."""
        if self._leaf_depth:
            self._leaf_depth += 1
            return
        with DisableTorchFunction():
            path, leaf, wanted = self._places[module]
            call = self._calls.get(module, 0)
            self._calls[module] = call + 1
            note = self._begin("module", path, call, type(module).__name__, "")
            note.line = line_of(outside_torch(sys._getframe(1)))
            note.inputs = self._received(module_input_names(module), args, kwargs)
            self._open.append(note)
            self._wanted.append(wanted)
            if leaf:
                self._leaf_depth = 1

    def leave(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """Forward hook: the step is done."""
        if self._leaf_depth:
            self._leaf_depth -= 1
            if self._leaf_depth:
                return
        with DisableTorchFunction():
            note = self._open.pop()
            results = tensors_in(output, "output")
            if _changes_input(module):
                self._forget_storage(results)
            self._end(note, results, wanted=self._wanted.pop())

    @property
    def modules(self) -> Iterable[nn.Module]:
        """The model's modules, each once."""
        return self._places

    # Ops

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self._leaf_depth or not self._open:
            out = func(*args, **kwargs)
            if self._leaf_depth:
                self._open[-1].flops += flops_of(func, args, kwargs, out)
            return out
        name = getattr(func, "__name__", "") or type(func).__name__
        changes = (name[-1] == "_" and name[-2:] != "__") or name == "__setitem__"
        if kwargs and (kwargs.get("inplace") or "out" in kwargs):
            changes = True
        begun = time.perf_counter() if self._keep.seconds else 0.0
        # What an op changes in place must be looked at before it does; everything else is the same afterwards.
        inputs = self._op_inputs(func, args, kwargs) if changes else []
        try:
            out = func(*args, **kwargs)
        except Exception:
            note = self._op(func, name, args, kwargs)
            note.inputs = inputs or self._op_inputs(func, args, kwargs)
            note.failed = True
            raise
        results = tensors_in(args[0] if name == "__setitem__" else out, "output")
        if not results:
            return out  # a size, a device, a truth value: nothing flowed
        frame = outside_torch(sys._getframe(1))
        helper = mask_helper(frame)
        if helper is not None:
            self._mask_op(helper, func, args, kwargs, results)
            return out
        note = self._op(func, name, args, kwargs)
        note.line = line_of(frame)
        note.inputs = inputs if changes else self._op_inputs(func, args, kwargs)
        note.flops = flops_of(func, args, kwargs, out)
        note.started = begun
        if changes:
            self._forget_storage(results)
        self._end(note, results, wanted=self._ops and self._wanted[-1])
        if not changes:
            note.no_op = note.no_op or _same_memory(results[0][1], args)
        return out

    def _op(self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Note:
        if name == "__get__":  # a property that makes a tensor: x.T, x.mT
            name = func.__self__.__name__
        above = self._open[-1]
        plain = name.strip("_") if name.startswith("__") else name
        return self._begin("op", above.path, above.call, plain, plain_arguments(name, args, kwargs))

    def _op_inputs(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Seen]:
        return self._received(op_input_names(func), args, kwargs)

    def _mask_op(
        self,
        helper: FrameType,
        func: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        results: list[tuple[str, torch.Tensor]],
    ) -> None:
        """Fold the ops of a helper that builds the attention mask into one step.

        Which of its tensors is the mask shows afterwards: the one that a later step receives.
        """
        if self._mask is None or self._mask_frame is not helper:
            above = self._open[-1]
            self._mask = self._begin("op", above.path, above.call, helper.f_code.co_name, "")
            self._mask.line = line_of(outside_torch(helper.f_back))
            self._mask.inputs = []
            self._mask.mask = True
            self._mask_frame = helper
        note = self._mask
        made = {seen.number for seen in note.outputs}
        known = {seen.number for seen in note.inputs}
        for seen in self._op_inputs(func, args, kwargs):
            if seen.number not in made and seen.number not in known:
                seen.name = "attention_mask" if not note.inputs else f"input[{len(note.inputs)}]"
                note.inputs.append(seen)
        note.flops += flops_of(func, args, kwargs, results[0][1])
        before, note.outputs = note.outputs, []
        self._end(note, results, wanted=self._ops and self._wanted[-1])
        note.outputs = before + [seen for seen in note.outputs if seen.number not in made]
        note.no_op = False

    # Steps and tensors

    def _begin(self, kind: Kind, path: str, call: int, type_: str, arguments: str) -> Note:
        above = self._open[-1] if self._open else None
        if above is not None:
            above.leaf = False
        note = Note(len(self.notes), above.id if above else None, kind, path, call, type_, arguments, None, [])
        if self._keep.seconds:
            note.started = time.perf_counter()
        self.notes.append(note)
        return note

    def _end(self, note: Note, results: list[tuple[str, torch.Tensor]], *, wanted: bool) -> None:
        if self._keep.seconds:
            note.seconds = time.perf_counter() - note.started
        for name, tensor in results:
            seen = self._see(name, tensor)
            note.outputs.append(seen)
            if wanted and self._keeps:
                self._summarize(note, seen, tensor)
        if note.leaf and len(note.outputs) == 1:
            note.no_op = any(seen.number == note.outputs[0].number for seen in note.inputs)

    def _received(self, names: Sequence[str], args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Seen]:
        seen = []
        for i, value in enumerate(args):
            if isinstance(value, torch.Tensor):
                seen.append(self._see(names[i] if i < len(names) else f"input[{i}]", value))
            elif isinstance(value, tuple | list | dict):
                seen += [
                    self._see(*named) for named in tensors_in(value, names[i] if i < len(names) else f"input[{i}]")
                ]
        for name, value in kwargs.items():
            if isinstance(value, torch.Tensor):
                seen.append(self._see(name, value))
            elif isinstance(value, tuple | list | dict):
                seen += [self._see(*named) for named in tensors_in(value, name)]
        return seen

    def _see(self, name: str, tensor: torch.Tensor) -> Seen:
        key = id(tensor)
        known = self._alive.get(key)
        # An id is given again once its tensor is gone: the weak reference tells the two apart.
        if known is not None and known[0]() is tensor:
            return Seen(name, *known[1:])
        number = len(self._references)
        reference = weakref.ref(tensor)
        self._references.append(reference)
        self._alive[key] = (reference, number, tensor.shape, dtype_name(tensor.dtype))
        if key in self._state:
            self.parameters[number] = self._state[key]
        return Seen(name, number, tensor.shape, dtype_name(tensor.dtype))

    def _forget_storage(self, results: list[tuple[str, torch.Tensor]]) -> None:
        """After an in-place op every living view of the same memory holds other numbers: it is another tensor now."""
        changed = {tensor.untyped_storage()._cdata for _, tensor in results}
        for key, known in list(self._alive.items()):
            tensor = known[0]()
            if tensor is None or tensor.untyped_storage()._cdata in changed:
                del self._alive[key]

    def _summarize(self, note: Note, seen: Seen, tensor: torch.Tensor) -> None:
        """Keep what was asked for, at once: a later op may change the tensor in place."""
        keep, number = self._keep, seen.number
        if keep.stats and number not in self.stats:
            view = next((other for other in note.inputs if other.number in self.stats), None)
            same = view is not None and self._views(tensor, view, seen)
            self.stats[number] = self.stats[view.number] if same and view is not None else statistics(tensor)
        if tensor.is_meta:
            return
        if keep.values == "full" or keep.tensors:
            self._kept_numbers += tensor.numel() if keep.values == "full" else 0
            if keep.limit is not None and self._kept_numbers > keep.limit:
                raise TooManyNumbers
        if keep.values is not None and number not in self.values:
            self.values[number] = numbers(tensor, cut=keep.values == "cut")
        if keep.tensors and number not in self.tensors:
            self.tensors[number] = full_copy(tensor)

    def _views(self, tensor: torch.Tensor, source: Seen, seen: Seen) -> bool:
        """Whether the tensor is all of its source in another order, so that its statistics are the same."""
        if source.dtype != seen.dtype or _numel(source.shape) != _numel(seen.shape) or 0 in tensor.stride():
            return False
        other = self._references[source.number]()
        return other is not None and other.untyped_storage()._cdata == tensor.untyped_storage()._cdata

    def stopped(self) -> Note | None:
        """Return the step in which a forward that raised was: the failed op, else the innermost module."""
        for note in reversed(self.notes):
            if note.failed:
                return note
        if not self._open:
            return None
        self._open[-1].failed = True
        return self._open[-1]


@contextmanager
def tracing(modules: Mapping[str, nn.Module], *, selection: Selection, keep: Keep) -> Iterator[Tracer]:
    """Attach a tracer to a model, given by all its modules under their paths, for the block; afterwards the model is
    as it was, whatever happened.
    """
    tracer = Tracer(modules, selection=selection, keep=keep)
    handles = []
    collecting = gc.isenabled()
    try:
        # Thousands of small notes would set off the garbage collector, which walks all that torch ever made.
        gc.disable()
        for module in tracer.modules:
            handles.append(module.register_forward_pre_hook(tracer.enter, with_kwargs=True))
            handles.append(module.register_forward_hook(tracer.leave, with_kwargs=True))
        with tracer:
            yield tracer
    finally:
        for handle in handles:
            handle.remove()
        tracer._mask_frame = None
        if collecting:
            gc.enable()


def _changes_input(module: nn.Module) -> bool:
    """Whether a module of torch.nn works in place (a dropout in eval mode does not work at all)."""
    if not module.__dict__.get("inplace", False):
        return False
    return module.training or not isinstance(module, nn.modules.dropout._DropoutNd)


def _same_memory(result: torch.Tensor, args: tuple[Any, ...]) -> bool:
    """Whether an op handed its input on as it was: the same numbers in the same places of the same memory."""
    source = args[0] if args else None
    if not isinstance(source, torch.Tensor) or source.shape != result.shape or source.dtype != result.dtype:
        return False
    return (
        source.untyped_storage()._cdata == result.untyped_storage()._cdata
        and source.storage_offset() == result.storage_offset()
        and source.stride() == result.stride()
    )


def _numel(shape: Sequence[int]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total
