"""Makes records of what a tracer saw: which step it was, inside which, what it received and what it returned."""

import math
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from torch import nn

from ...families import Family
from ...traces.ops import OPS
from ...traces.vocabulary import roles
from .arguments import apart, index_given, module_input_names, op_input_names, op_name, refs_in
from .call_site import line_of
from .events import Called, CalledInside, Event, Helper, Passed, Raised, Ran, Returned
from .flops import flops_of, flops_of_module
from .step_record import StepRecord
from .tensor_registry import TensorRegistry, TensorState


class Recorder:
    """Takes the events of a run in the order in which they happened; ``modules`` are the model's, by their paths, and
    ``family`` says what each of them is.
    """

    def __init__(self, modules: Mapping[str, nn.Module], tensors: TensorRegistry, family: Family) -> None:
        self.records: list[StepRecord] = []
        self.calls: dict[nn.Module, int] = {}
        self._family = family
        self._has_head = family.body in modules  # else the body's modules are at the top
        self._modules = modules
        self._tensors = tensors
        self._open: list[tuple[StepRecord, Called]] = []
        self._running: int | None = None  # how many of them still run after one raised, should somebody catch that
        self._mask: StepRecord | None = None
        self._layers = 0  # how many were called, where one module is called for several
        self._writers: dict[type, Callable[[Any], object]] = {
            Called: self.called,
            Returned: self.returned,
            Raised: self.raised,
            CalledInside: lambda event: self._count(event.module),
            Passed: self._passed,
            Ran: lambda event: self.ran(event, self.op(event)),
        }

    def write(self, event: Event) -> None:
        """Make a record of an event."""
        self._writers[type(event)](event)

    @cached_property
    def _paths(self) -> dict[nn.Module, str]:
        return {module: path for path, module in self._modules.items()}

    # Modules

    def called(self, event: Called) -> StepRecord:
        """Return the record of the step that begins."""
        module = event.module
        record = StepRecord(
            0, None, "module", self._paths[module], self._count(module), type(module).__name__, None, []
        )
        self._begin(record)
        record.line = line_of(event.place)
        self._receive(record, module_input_names(module), event)
        self._open.append((record, event))
        return record

    def returned(self, event: Returned) -> StepRecord:
        """Return the record of the step that ends."""
        record, called = self._open.pop()
        while called.module is not event.module:  # one that raised, and somebody caught that
            record, called = self._open.pop()
        self._running = None
        self._end(record, event.output, event.changed)
        record.edited = event.edited
        module = event.module
        if event.flops is not None:
            record.flops = event.flops
        elif type(module) is nn.Linear:
            record.flops = 2 * math.prod(record.outputs[0].shape) * module.in_features
        elif record.leaf and type(module).__module__.startswith("torch.nn.") and type(module).__name__ not in OPS:
            record.flops = flops_of_module(module, self._records(called.given), self._records(called.options))
        return record

    def raised(self, event: Raised) -> None:
        """Remember that a module raised; if nothing follows, that ended the run."""
        modules = [called.module for _, called in self._open]
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

    def op(self, event: Ran) -> StepRecord:
        """Return the record of an op with what it received; the step begins when it `ran`."""
        func = event.func
        plain = op_name(func)
        record = StepRecord(len(self.records), None, "op", "", 0, plain, None, [])
        self._receive(record, op_input_names(func), event)
        if plain in ("getitem", "setitem"):
            record.given = (index_given(event.given), *(value for value in event.given[2:] if not refs_in(value, "")))
        return record

    def ran(self, event: Ran, record: StepRecord) -> StepRecord:
        """Return the record of the step that an op is, or that it is a part of."""
        if event.helper is not None and not event.failed:
            return self._ran_in_helper(event, record, event.helper)
        self._begin(record)
        record.line = line_of(event.place)
        record.failed, record.edited = event.failed, event.edited
        self._end(record, event.output, event.changed)
        record.no_op = record.no_op or event.unchanged
        record.flops = self._flops(event)
        return record

    def _ran_in_helper(self, event: Ran, op: StepRecord, helper: Helper) -> StepRecord:
        """All that a helper does to build the attention mask is one step.

        Which of its tensors is the mask shows afterwards: the one that a later step receives.
        """
        if self._mask is None or helper.anew:
            line = line_of(helper.called_at)
            self._mask = self._begin(StepRecord(0, None, "op", "", 0, helper.name, line, [], mask=True))
        record = self._mask
        # What is found out about it is about that step.
        op.id, op.path, op.call = record.id, record.path, record.call
        op.role, op.part, op.layer = record.role, record.part, record.layer
        made = {seen.number for seen in record.outputs}
        known = {seen.number for seen in record.inputs}
        for seen in op.inputs:
            if seen.number not in made and seen.number not in known:
                seen.name = "attention_mask" if not record.inputs else f"input[{len(record.inputs)}]"
                record.inputs.append(seen)
        self._end(op, event.output, event.changed)
        record.outputs = record.outputs + [seen for seen in op.outputs if seen.number not in made]
        record.also_changed = record.also_changed + op.also_changed
        record.flops += self._flops(event)
        return record

    def _flops(self, event: Ran) -> int:
        if event.output is None:
            return 0
        given, options = self._records(event.given), self._records(event.options)
        return flops_of(event.func, given, options, self._records(event.output))

    def _records(self, value: Any) -> Any:
        """Return a value with the records of tensors in place of their refs."""
        if isinstance(value, weakref.ref):
            return self._tensors.see("", value)
        if isinstance(value, dict):
            return {name: self._records(item) for name, item in value.items()}
        if type(value) in (tuple, list):
            return type(value)(map(self._records, value))
        return value

    # Steps

    def _begin(self, record: StepRecord) -> StepRecord:
        if self._running is not None:
            del self._open[self._running :]
            self._running = None
        above = self._open[-1][0] if self._open else None
        if above is not None:
            above.leaf = False
            record.parent = above.id
        if record.kind == "module":
            self._place(record, above)
        elif above is not None:
            record.path, record.call = above.path, above.call
            record.role, record.layer = above.role, above.layer
            record.part = above.part if above.path or not self._has_head else roles.HEAD
        record.id = len(self.records)
        self.records.append(record)
        return record

    def _place(self, record: StepRecord, above: StepRecord | None) -> None:
        """Say what the module of a step is, and in which layer it was called."""
        family, path = self._family, record.path
        record.role, record.part = family.role(path), family.part(path)
        if not family.shares_layer:
            record.layer = family.layer_in_path(path)
        elif record.role == roles.LAYER:
            record.layer, self._layers = self._layers, self._layers + 1
        elif above is not None:
            record.layer = above.layer

    def _receive(self, record: StepRecord, names: Sequence[str], event: Called | Ran) -> None:
        """StepRecord what a step was given: tensors under their names, and the rest as it is."""
        received, record.given, record.options = apart(names, event.given, event.options)
        record.inputs = [self._tensors.see(name, tensor_ref) for name, tensor_ref in received]

    def _end(self, record: StepRecord, output: Any, changed: Sequence[TensorState]) -> None:
        # After work in place every living view of the same memory holds other numbers: it is another tensor now.
        self._tensors.renumber(changed)
        record.outputs = outputs = [
            self._tensors.see(name, tensor_ref) for name, tensor_ref in refs_in(output, "output")
        ]
        if changed:
            own = {id(seen.tensor_ref) for seen in outputs}
            record.also_changed = [
                self._tensors.see("changed", tensor_ref) for tensor_ref, *_ in changed if id(tensor_ref) not in own
            ]
        if record.leaf and len(outputs) == 1:
            number = outputs[0].number
            record.no_op = any(seen.number == number for seen in record.inputs)

    def stopped(self) -> StepRecord | None:
        """Return the step in which a forward that raised was: the op that failed, else the innermost module."""
        if self.records and self.records[-1].failed:
            return self.records[-1]
        if not self._open:
            return None
        record, _ = self._open[-1]
        record.failed = True
        return record
