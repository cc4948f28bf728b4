"""Makes notes of what a tracer saw: which step it was, inside which, what it received and what it returned."""

import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from torch import nn
from torch.nn import functional

from .arguments import apart, index_given, module_input_names, op_input_names, sights_in
from .call_site import line_of
from .events import Called, CalledInside, Event, Helper, Passed, Raised, Ran, Returned
from .flops import flops_of, multiplies
from .step_record import Note
from .tensor_registry import Layout, Tensors


class Scribe:
    """Takes the events of a run in the order in which they happened; ``modules`` are the model's, by their paths."""

    def __init__(self, modules: Mapping[str, nn.Module], tensors: Tensors) -> None:
        self.notes: list[Note] = []
        self.calls: dict[nn.Module, int] = {}
        self._modules = modules
        self._tensors = tensors
        self._open: list[tuple[Note, nn.Module]] = []
        self._running: int | None = None  # how many of them still run after one raised, should somebody catch that
        self._mask: Note | None = None
        self._writers: dict[type, Callable[[Any], object]] = {
            Called: self.called,
            Returned: self.returned,
            Raised: self.raised,
            CalledInside: lambda event: self._count(event.module),
            Passed: self._passed,
            Ran: lambda event: self.ran(event, self.op(event)),
        }

    def write(self, event: Event) -> None:
        """Make a note of an event."""
        self._writers[type(event)](event)

    @cached_property
    def _paths(self) -> dict[nn.Module, str]:
        return {module: path for path, module in self._modules.items()}

    # Modules

    def called(self, event: Called) -> Note:
        """Return the note of the step that begins."""
        module = event.module
        note = Note(0, None, "module", self._paths[module], self._count(module), type(module).__name__, None, [])
        self._begin(note)
        note.line = line_of(event.place)
        self._receive(note, module_input_names(module), event)
        self._open.append((note, module))
        return note

    def returned(self, event: Returned) -> Note:
        """Return the note of the step that ends."""
        note, module = self._open.pop()
        while module is not event.module:  # one that raised, and somebody caught that
            note, module = self._open.pop()
        self._running = None
        self._end(note, event.output, event.changed)
        if event.flops is not None:
            note.flops = event.flops
        elif type(module) is nn.Linear:
            shapes = note.inputs[0].shape, tuple(module.weight.shape)
            note.flops = flops_of(functional.linear, shapes, {}, note.outputs[0].shape)
        return note

    def raised(self, event: Raised) -> None:
        """Remember that a module raised; if nothing follows, that ended the run."""
        modules = [module for _, module in self._open]
        self._running = len(modules) - 1 - modules[::-1].index(event.module)

    def _passed(self, event: Passed) -> None:
        self.called(Called(event.module, (event.received,), {}, event.place))
        self.returned(Returned(event.module, event.output))

    def _count(self, module: nn.Module) -> int:
        """Count a call of a module and return how many there were before."""
        call = self.calls.get(module, 0)
        self.calls[module] = call + 1
        return call

    # Ops

    def op(self, event: Ran) -> Note:
        """Return the note of an op with what it received; the step begins when it `ran`."""
        func = event.func
        name = getattr(func, "__name__", "") or type(func).__name__
        if name == "__get__":  # a property that makes a tensor: x.T, x.mT
            name = func.__self__.__name__  # type: ignore[attr-defined]
        plain = name.strip("_") if name.startswith("__") else name
        note = Note(len(self.notes), None, "op", "", 0, plain, None, [])
        self._receive(note, op_input_names(func), event)
        if plain in ("getitem", "setitem"):
            note.given = (index_given(event.given),)
        return note

    def ran(self, event: Ran, note: Note) -> Note:
        """Return the note of the step that an op is, or that it is a part of."""
        if event.helper is not None and not event.failed:
            return self._ran_in_helper(event, note, event.helper)
        self._begin(note)
        note.line = line_of(event.place)
        note.failed = event.failed
        self._end(note, event.output, event.changed)
        note.no_op = note.no_op or event.unchanged
        note.flops = self._flops(event)
        return note

    def _ran_in_helper(self, event: Ran, op: Note, helper: Helper) -> Note:
        """All that a helper does to build the attention mask is one step.

        Which of its tensors is the mask shows afterwards: the one that a later step receives.
        """
        if self._mask is None or helper.anew:
            line = line_of(helper.called_at)
            self._mask = self._begin(Note(0, None, "op", "", 0, helper.name, line, [], mask=True))
        note = self._mask
        op.id, op.path, op.call = note.id, note.path, note.call  # what is found out about it is about that step
        made = {seen.number for seen in note.outputs}
        known = {seen.number for seen in note.inputs}
        for seen in op.inputs:
            if seen.number not in made and seen.number not in known:
                seen.name = "attention_mask" if not note.inputs else f"input[{len(note.inputs)}]"
                note.inputs.append(seen)
        self._end(op, event.output, event.changed)
        note.outputs = note.outputs + [seen for seen in op.outputs if seen.number not in made]
        note.also_changed = note.also_changed + op.also_changed
        note.flops += self._flops(event)
        return note

    def _flops(self, event: Ran) -> int:
        if not multiplies(event.func) or not isinstance(event.output, weakref.ref):
            return 0
        given = [self._shape(value) for value in event.given]
        options = {key: self._shape(value) for key, value in event.options.items()}
        return flops_of(event.func, given, options, self._shape(event.output))

    def _shape(self, value: Any) -> Any:
        return self._tensors.see("", value).shape if isinstance(value, weakref.ref) else value

    # Steps

    def _begin(self, note: Note) -> Note:
        if self._running is not None:
            del self._open[self._running :]
            self._running = None
        if self._open:
            above, _ = self._open[-1]
            above.leaf = False
            note.parent = above.id
            if note.kind == "op":
                note.path, note.call = above.path, above.call
        note.id = len(self.notes)
        self.notes.append(note)
        return note

    def _receive(self, note: Note, names: Sequence[str], event: Called | Ran) -> None:
        """Note what a step was given: tensors under their names, and the rest as it is."""
        received, note.given, note.options = apart(names, event.given, event.options)
        note.inputs = [self._tensors.see(name, sight) for name, sight in received]

    def _end(self, note: Note, output: Any, changed: Sequence[Layout]) -> None:
        # After work in place every living view of the same memory holds other numbers: it is another tensor now.
        self._tensors.renumber(changed)
        note.outputs = outputs = [self._tensors.see(name, sight) for name, sight in sights_in(output, "output")]
        if changed:
            own = {id(seen.sight) for seen in outputs}
            note.also_changed = [self._tensors.see("changed", sight) for sight, *_ in changed if id(sight) not in own]
        if note.leaf and len(outputs) == 1:
            number = outputs[0].number
            note.no_op = any(seen.number == number for seen in note.inputs)

    def stopped(self) -> Note | None:
        """Return the step in which a forward that raised was: the op that failed, else the innermost module."""
        if self.notes and self.notes[-1].failed:
            return self.notes[-1]
        if not self._open:
            return None
        note, _ = self._open[-1]
        note.failed = True
        return note
