"""Hooks and a torch function mode around one forward: every module call and every op, in the order they ran.

The tracer only observes and writes down plain data; it runs between every two steps of the model, so it leaves to
later whatever can be found out later. What a step is called, which step a tensor came from and what is kept in the end
are decided afterwards, from these notes (`labels`, `assemble`).
"""

import gc
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from torch import nn
from torch._C import DisableTorchFunction  # switches modes off too, which the public context managers do not
from torch.overrides import TorchFunctionMode

from ..selection import Selection
from .arguments import apart, index_given, module_input_names, op_input_names, tensors_in
from .flops import flops_of
from .identity import Tensors, same_place, works_in_place
from .keeper import Keeper
from .notes import Keep, Note
from .source import line_of, mask_helper, outside_torch
from .witness import Witness


class Tracer(TorchFunctionMode):
    """Records one forward of one model; use `tracing` to attach it and to take it off again."""

    def __init__(
        self, modules: Mapping[str, nn.Module], *, selection: Selection, keep: Keep, witness: Witness | None
    ) -> None:
        super().__init__()
        self.notes: list[Note] = []
        # Looked up at every call, so worked out once: where a module stands, whether it is of torch.nn, whether wanted.
        self._places = {
            module: (path, type(module).__module__.startswith("torch.nn."), selection.wants(path))
            for path, module in modules.items()
        }
        self.tensors = Tensors(
            {
                id(tensor): f"{place[0]}.{name}" if place[0] else name
                for module, place in self._places.items()
                for held in (module._parameters, module._buffers)
                for name, tensor in held.items()
                if tensor is not None
            }
        )
        self.kept = Keeper(keep, self.tensors)
        self.calls: dict[nn.Module, int] = {}
        self._seconds = keep.seconds
        self._ops = selection.level == "op"
        self._witness = witness
        self._wanted: list[bool] = []
        self._open: list[Note] = []
        self._leaf_depth = 0  # above 0: inside a module of torch.nn, where nothing is recorded
        self._mask: Note | None = None
        self._mask_frame: FrameType | None = None

    # Modules

    def enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Forward pre-hook: the step begins."""
        call = self.calls.get(module, 0)
        self.calls[module] = call + 1
        if self._leaf_depth:
            self._leaf_depth += 1
            return
        with DisableTorchFunction():
            path, leaf, wanted = self._places[module]
            line = line_of(outside_torch(sys._getframe(1)))
            note = self._begin(Note(len(self.notes), None, "module", path, call, type(module).__name__, line, []))
            self._receive(note, module_input_names(module), args, kwargs)
            self._open.append(note)
            self._wanted.append(wanted)
            if leaf:
                self._leaf_depth = 1
                if self._witness is not None:
                    self._witness.before(args, kwargs, copies=works_in_place(module))

    def leave(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """Forward hook: the step is done."""
        if self._leaf_depth > 1:
            self._leaf_depth -= 1
            return
        with DisableTorchFunction():
            note = self._open.pop()
            results = [("output", output)] if isinstance(output, torch.Tensor) else tensors_in(output, "output")
            if works_in_place(module):
                self._changed(note, results)
            self._end(note, results, wanted=self._wanted.pop())
            if self._leaf_depth and self._witness is not None:
                calls = dict(self.calls)
                self._witness.recompute_module(note, module, results)
                self.calls = calls  # what a container of torch.nn called again does not count
            self._leaf_depth = 0

    @property
    def modules(self) -> Iterable[nn.Module]:
        """The model's modules, each once."""
        return self._places

    # Ops

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if kwargs is None:
            kwargs = {}
        if self._leaf_depth or not self._open:
            out = func(*args, **kwargs)
            if self._leaf_depth:
                self._open[-1].flops += flops_of(func, args, kwargs, out)
            return out
        name = getattr(func, "__name__", "") or type(func).__name__
        changes = (name[-1] == "_" and name[-2:] != "__") or name == "__setitem__"
        if kwargs and (kwargs.get("inplace") or "out" in kwargs):
            changes = True
        begun = time.perf_counter() if self._seconds else 0.0
        # What an op changes in place must be looked at before it does; everything else is the same afterwards.
        before = self._op(func, name, args, kwargs) if changes else None
        if self._witness is not None:
            self._witness.before(args, kwargs, copies=changes)
        try:
            out = func(*args, **kwargs)
        except Exception:
            note = self._begin(before or self._op(func, name, args, kwargs))
            note.line = line_of(outside_torch(sys._getframe(1)))
            note.failed = True
            raise
        if isinstance(out, torch.Tensor):
            results = [("output", out)]
        else:
            results = tensors_in(args[0] if name == "__setitem__" else out, "output")
            if not results:
                return out  # a size, a device, a truth value: nothing flowed
        frame = outside_torch(sys._getframe(1))
        note = before or self._op(func, name, args, kwargs)
        note.flops = flops_of(func, args, kwargs, out)
        helper = mask_helper(frame)
        if helper is not None:
            self._mask_op(helper, func, note, results, changes=changes)
            return out
        self._begin(note)
        note.line = line_of(frame)
        note.started = begun
        if changes:
            self._changed(note, results)
        self._end(note, results, wanted=self._ops and self._wanted[-1])
        if not changes and args and isinstance(args[0], torch.Tensor) and same_place(results[0][1], args[0]):
            note.no_op = True
        if self._witness is not None:
            self._witness.recompute(note, func, results)
        return out

    def _op(self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Note:
        above = self._open[-1]
        if name == "__get__":  # a property that makes a tensor: x.T, x.mT
            name = func.__self__.__name__
        plain = name.strip("_") if name.startswith("__") else name
        note = Note(len(self.notes), None, "op", above.path, above.call, plain, None, [])
        self._receive(note, op_input_names(func), args, kwargs)
        if plain in ("getitem", "setitem"):
            note.given = (index_given(args),)
        return note

    def _mask_op(
        self,
        helper: FrameType,
        func: Any,
        op: Note,
        results: list[tuple[str, torch.Tensor]],
        *,
        changes: bool,
    ) -> None:
        """Fold an op of a helper that builds the attention mask into the one step of all that the helper does.

        Which of its tensors is the mask shows afterwards: the one that a later step receives.
        """
        if self._mask is None or self._mask_frame is not helper:
            above = self._open[-1]
            line = line_of(outside_torch(helper.f_back))
            note = Note(len(self.notes), None, "op", above.path, above.call, helper.f_code.co_name, line, [])
            note.mask = True
            self._mask, self._mask_frame = self._begin(note), helper
        note = self._mask
        made = {seen.number for seen in note.outputs}
        known = {seen.number for seen in note.inputs}
        op.id = note.id  # what the witness finds in it, it finds in that step
        for seen in op.inputs:
            if seen.number not in made and seen.number not in known:
                seen.name = "attention_mask" if not note.inputs else f"input[{len(note.inputs)}]"
                note.inputs.append(seen)
        note.flops += op.flops
        before = note.outputs
        if changes:
            self._changed(note, results)
        self._end(note, results, wanted=self._ops and self._wanted[-1])
        if self._witness is not None:
            self._witness.recompute(note, func, results)
        note.outputs = before + [seen for seen in note.outputs if seen.number not in made]
        note.no_op = False

    # Steps and tensors

    def _begin(self, note: Note) -> Note:
        if self._open:
            above = self._open[-1]
            above.leaf = False
            note.parent = above.id
        if self._seconds:
            note.started = time.perf_counter()
        self.notes.append(note)
        return note

    def _end(self, note: Note, results: list[tuple[str, torch.Tensor]], *, wanted: bool) -> None:
        if self._seconds:
            note.seconds = time.perf_counter() - note.started
        note.outputs = outputs = [self.tensors.see(name, tensor) for name, tensor in results]
        if self._witness is not None:
            self._witness.returned(note, results)
        if wanted and self.kept.keeps:
            for seen, (_, tensor) in zip(outputs, results, strict=True):
                self.kept.take(note, seen, tensor)
                if self._witness is not None:
                    self._witness.kept(note, seen, tensor, self.kept)
        if note.leaf and len(outputs) == 1:
            number = outputs[0].number
            note.no_op = any(seen.number == number for seen in note.inputs)

    def _receive(self, note: Note, names: Sequence[str], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Write down what a step was given: tensors under their names, and the rest as it is."""
        received, note.given, note.options = apart(names, args, kwargs)
        note.inputs = [self.tensors.see(name, tensor) for name, tensor in received]
        if self._witness is not None:
            self._witness.received(note, received)

    def _changed(self, note: Note, results: list[tuple[str, torch.Tensor]]) -> None:
        """After an in-place op every living view of the same memory holds other numbers: it is another tensor now."""
        others = self.tensors.changed_in_place(results)
        note.also_changed = [seen for seen, _ in others]
        if self._witness is not None:
            self._witness.changed(note, others)

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
def tracing(
    modules: Mapping[str, nn.Module], *, selection: Selection, keep: Keep, witness: Witness | None = None
) -> Iterator[Tracer]:
    """Attach a tracer to a model, given by all its modules under their paths, for the block; afterwards the model is
    as it was, whatever happened. A ``witness`` checks every step as it runs.
    """
    tracer = Tracer(modules, selection=selection, keep=keep, witness=witness)
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
