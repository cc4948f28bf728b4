"""Checks every step while it runs: what it received is what was made, what it returned is what its code makes of that.

Together the two checks reach from the logits back to the input: each step's result follows from what it received, and
what it received is, bit for bit, what the step that it came from returned.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import nn

from ...traces.proof import CheckName
from ..editing.change import ChangedTensor
from ..tracing.activations import Activations
from ..tracing.editing import Unedited
from ..tracing.in_place import Written, writes
from ..tracing.step_record import StepRecord, TensorRecord
from .checks import allowed_difference, digest, has_statistics, has_values, largest_difference, uncheckable
from .edited import expected
from .held_call import HeldCall, Results
from .perturbation import unheard

_UNINITIALIZED = {"empty", "empty_like", "empty_strided", "empty_permuted", "resize_", "resize_as_"}
_UNINITIALIZED |= {"new_empty", "new_empty_strided"}
"""Functions that return memory as they find it: nothing can be said of its bits until something is written there."""


@dataclass(kw_only=True)
class Tally:
    """How many things of one kind were checked, how many of them held, and the largest difference that was seen."""

    checked: int = 0
    exact: int = 0
    failed: int = 0
    largest: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """What did not hold, and in which step."""

    check: CheckName
    record: StepRecord | None
    message: str


@dataclass
class Replay:
    """Looks at every tensor and runs every step again, beside a `Tracer`. ``first_edited`` is the number of the first
    tensor that was edited.
    """

    tallies: dict[CheckName, Tally] = field(default_factory=dict)
    mismatches: list[Mismatch] = field(default_factory=list)
    digests: dict[int, bytes] = field(default_factory=dict)
    recomputed: set[int] = field(default_factory=set)
    generators: dict[torch.Generator, torch.Tensor] = field(default_factory=dict)
    first_edited: float = math.inf
    _held: HeldCall | None = None

    def tally(self, check: CheckName) -> Tally:
        """Return the tally of a kind of check."""
        return self.tallies.setdefault(check, Tally())

    def count(self, check: CheckName, record: StepRecord | None, message: str, *, holds: bool) -> None:
        """Count one check, and what was found where it does not hold."""
        tally = self.tally(check)
        tally.checked += 1
        if holds:
            tally.exact += 1
        else:
            tally.failed += 1
            self.mismatches.append(Mismatch(check=check, record=record, message=message))

    # TensorRegistry: the same number, the same bits

    def received(self, record: StepRecord, tensors: Results) -> None:
        """A step received tensors: none of them may have changed since it was last seen."""
        for seen, (_, tensor) in zip(record.inputs, tensors, strict=True):
            self._look(
                record,
                seen,
                tensor,
                "what it received was changed after it was made, by something that was not recorded",
            )

    def returned(self, record: StepRecord, tensors: Results) -> None:
        """A step returned tensors: new ones, or such as were seen before and have not changed."""
        for seen, (_, tensor) in zip(record.outputs, tensors, strict=True):
            self._look(
                record,
                seen,
                tensor,
                "what it returned was changed after it was made, by something that was not recorded",
            )

    def changed(self, record: StepRecord, tensors: Sequence[tuple[TensorRecord, torch.Tensor]]) -> None:
        """A step changed, in place, memory that living tensors share: from now on they hold these numbers."""
        for seen, tensor in tensors:
            self._look(
                record, seen, tensor, "what it changed in place was changed again, by something that was not recorded"
            )

    def _look(self, record: StepRecord, seen: TensorRecord, tensor: torch.Tensor, message: str) -> None:
        if reason := uncheckable(tensor):
            self.count("origins", record, f"{seen.name} cannot be checked: it is {reason}", holds=False)
            return
        found = digest(tensor)
        holds = self.digests.setdefault(seen.number, found) == found
        self.count("origins", record, f"{seen.name}: {message}", holds=holds)
        self.digests[seen.number] = found

    def still_holds(self, seen: TensorRecord) -> bool:
        """Whether a tensor that was seen still lives and holds what it held."""
        tensor = seen.tensor_ref()
        if tensor is None or uncheckable(tensor):
            return False
        return self.digests.get(seen.number) == digest(tensor)

    # Steps: the same input, the same result

    def before(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], *, copies: bool, module: nn.Module | None = None
    ) -> None:
        """Hold what a step is about to receive, and how the ``module`` is that it runs; ``copies`` where the step works
        in place.
        """
        self._held = HeldCall(args, kwargs, copies=copies, module=module)
        for generator, state in self._held.generators:
            self.generators.setdefault(generator, state)

    def recompute(self, record: StepRecord, func: Callable[..., Any], results: Results) -> None:
        """Run an op again on what it received, and compare."""
        writing = writes(func)
        call = func if writing is None else partial(_written, func, writing)
        if record.type in _UNINITIALIZED:
            self.recomputed.add(record.id)
        else:
            self._run_again("ops", record, call, func, results)

    def recompute_module(self, record: StepRecord, module: nn.Module, results: Results) -> None:
        """Run a module of torch.nn again, as its class is written and without hooks, and compare."""
        self._run_again("modules", record, partial(type(module).forward, module), module, results)

    def _run_again(
        self, check: CheckName, record: StepRecord, call: Callable[..., Any], func: Any, results: Results
    ) -> None:
        held, self._held = self._held, None
        assert held is not None, "before() comes first"
        self.recomputed.add(record.id)
        if any(uncheckable(tensor) for _, tensor in results):
            return  # `returned` has said so
        try:
            again = held.run(call)
        except Exception as error:  # whatever a model's code raises
            self.count(check, record, f"it fails when it is run again: {type(error).__name__}: {error}", holds=False)
            return
        difference, allowed = 0.0, 0.0
        if [(list(t.shape), t.dtype) for _, t in again] != [(list(t.shape), t.dtype) for _, t in results]:
            difference = math.inf
        else:
            for (_, one), (_, other) in zip(again, results, strict=True):
                difference = max(difference, largest_difference(one, other))
                allowed = max(allowed, allowed_difference(other))
        tally = self.tally(check)
        tally.checked += 1
        tally.exact += difference == 0.0
        tally.largest = max(tally.largest, difference)
        if difference > allowed:
            tally.failed += 1
            message = f"run again on what it received, its result differs from the recorded one by {difference:.2g}"
            self.mismatches.append(Mismatch(check=check, record=record, message=message))
            return
        tried, without_reason = unheard(held, call, func, again)
        tally = self.tally("perturbations")
        tally.checked += tried
        tally.exact += tried - len(without_reason)
        tally.failed += len(without_reason)
        for place in without_reason:
            message = f"run again on other numbers for its {record.inputs[place].name}, its result stays the same"
            self.mismatches.append(Mismatch(check="perturbations", record=record, message=message))

    # Edits

    def edited(self, record: StepRecord, after: torch.Tensor, unedited: Unedited) -> None:
        """A step was edited: what goes on must be what a plain formula makes of what it had computed, or of what it
        received where it did not run.
        """
        step, before, received = unedited.step, unedited.before, unedited.received
        self.recomputed.add(record.id)
        if before is None:
            holds = received is not None and digest(after) == digest(received)
            self.count("edits", record, "it did not hand on what it received", holds=holds)
        elif isinstance(step.edit, ChangedTensor):
            wanted = expected(step.edit, before, received)
            difference = largest_difference(after, wanted) if after.shape == wanted.shape else math.inf
            tally = self.tally("edits")
            tally.largest = max(tally.largest, difference)
            means = any(change.how == "mean" for change in step.edit.changes)  # whose sums may be in another order
            allowed = allowed_difference(wanted) if means else 0.0
            message = f"its edited tensor differs from the intended one by {difference:.2g}"
            self.count("edits", record, message, holds=difference <= allowed)
        # What a step hands on that did not run was made before, and by no edit.
        first = max(self.digests, default=-1) + 1 if before is None else record.outputs[step.output].number
        self.first_edited = min(self.first_edited, first)

    # What is shown of tensors

    def kept(self, record: StepRecord, seen: TensorRecord, tensor: torch.Tensor, activations: Activations) -> None:
        """Statistics, values or a copy were kept of a tensor: each must be that tensor's own."""
        stats = activations.stats.get(seen.number)
        if stats is not None:
            holds = has_statistics(tensor, stats)
            self.count("statistics", record, f"the recorded statistics of {seen.name} are wrong", holds=holds)
        values = activations.values.get(seen.number)
        if values is not None:
            holds = has_values(tensor, values)
            self.count("values", record, f"the recorded values of {seen.name} are wrong", holds=holds)
        copy = activations.copies.get(seen.number)
        if copy is not None:
            stands_for = tensor.dequantize() if tensor.is_quantized else tensor
            holds = digest(copy) == digest(stands_for)
            self.count("values", record, f"the saved tensor of {seen.name} is wrong", holds=holds)


def _written(func: Callable[..., Any], writing: Written, *args: Any, **kwargs: Any) -> Any:
    """Run what writes into its arguments; where it returns nothing, these are its results."""
    out = func(*args, **kwargs)
    return writing(args, kwargs) if out is None else out
