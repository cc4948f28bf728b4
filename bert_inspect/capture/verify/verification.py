"""From what the witness saw, and runs without instruments, to the proof of a trace."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from ...traces.proof import Check, CheckName, Fault, Proof
from ...traces.record import Output, Trace
from ...traces.values import strict
from ..naming.assemble import Assembled
from ..tracing.step_record import Note
from ..tracing.tracer import Tracer
from .checks import digest, largest_difference
from .replay import Finding, Witness
from .snapshot import no_hook_stays, random_states, set_random_states, surroundings

_NUMBERS: tuple[CheckName, ...] = ("logits", "ops", "modules", "hidden states", "attentions")


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a forward ended: what it returned, or what it raised."""

    output: Any = None
    error: Exception | None = None


class Verification:
    """All that a proof of one traced run rests on: a run before it without any instrument, the witness beside it, a run
    after it that returns hidden states and attentions while calls are counted, and the surroundings before and after.
    """

    def __init__(self, model: nn.Module) -> None:
        self.witness = Witness()
        self._model = model
        self._surroundings = surroundings(model)
        self._random = random_states()
        self._plain = self._counted = Ran()
        self._calls: Mapping[nn.Module, int] = {}

    def run_before(self, inputs: Mapping[str, torch.Tensor]) -> None:
        """Run the model as anybody would, without hooks or modes."""
        self._plain = _run(self._model, inputs)
        set_random_states(self._random)

    def run_after(self, inputs: Mapping[str, torch.Tensor]) -> None:
        """Run the model for what it returns on request, counting the calls of its modules."""
        config: Any = self._model.config
        eager = config._attn_implementation == "eager"  # nothing else has attentions to return
        after = random_states()
        set_random_states(self._random)
        with no_hook_stays(self._model), _counting_calls() as self._calls:
            self._counted = _run(self._model, inputs, output_hidden_states=True, output_attentions=eager)
        set_random_states(after)

    def prove(
        self, trace: Trace, ran: Ran, tracer: Tracer, assembled: Assembled, modules: Mapping[str, nn.Module]
    ) -> Proof:
        """Return the proof of the trace.

        Of a forward that raised, the steps before are proved, and that it raises the same without instruments.
        """
        witness = self.witness
        _check_origins(witness, tracer, assembled, modules)
        steady = ran.error is None and _check_steady(witness, self._plain, self._counted)
        _check_logits(witness, self._plain, ran, trace.output)
        if steady:
            _check_named(witness, self._counted.output, tracer, assembled)
            _check_calls(witness, self._calls, tracer, trace.not_called, modules)
        before, after = self._surroundings, surroundings(self._model)
        for name in sorted(before.keys() | after.keys()):
            same = before.get(name) == after.get(name)
            witness.count("surroundings", None, f"{name} is not as it was", holds=same)
        checks = [
            Check(
                name=name,
                checked=tally.checked,
                exact=tally.exact,
                failed=tally.failed,
                largest_difference=strict(tally.largest) if name in _NUMBERS else None,
            )
            for name in CheckName.__args__  # type: ignore[attr-defined]
            if (tally := witness.tallies.get(name)) is not None
        ]
        return Proof(
            passed=not witness.findings, checks=checks, fault=_first(witness.findings, assembled, tracer.scribe.notes)
        )


def _run(model: nn.Module, inputs: Mapping[str, torch.Tensor], **options: bool) -> Ran:
    try:
        return Ran(output=model(**inputs, **options))
    except Exception as error:  # whatever a model's code raises: the traced run must end the same way
        return Ran(error=error)


@contextmanager
def _counting_calls() -> Iterator[dict[nn.Module, int]]:
    """Count the calls of every module, by a hook that is no part of the tracer."""
    counts: dict[nn.Module, int] = {}

    def count(module: nn.Module, _: Any) -> None:
        counts[module] = counts.get(module, 0) + 1

    handle = register_module_forward_pre_hook(count)
    try:
        yield counts
    finally:
        handle.remove()


def _order_of_ending(notes: Sequence[Note]) -> Callable[[Note], tuple[int, int]]:
    """Return the key that puts steps in the order in which they ended: a module after all that ran in it."""
    last = list(range(len(notes)))
    for note in reversed(notes):
        if note.parent is not None:
            last[note.parent] = max(last[note.parent], last[note.id])
    return lambda note: (last[note.id], -note.id)


def _first(findings: Sequence[Finding], assembled: Assembled, notes: Sequence[Note]) -> Fault | None:
    """Return the fault in the step that ended first; what no step is to blame for comes after."""
    if not findings:
        return None
    order = _order_of_ending(notes)
    found = min(findings, key=lambda finding: (1,) if finding.note is None else (0, *order(finding.note)))
    note = found.note
    if note is None:
        return Fault(check=found.check, step=None, path=None, label=None, message=found.message)
    step = next((number for number, kept in enumerate(assembled.notes) if kept.id == note.id), None)
    label = assembled.labels[note.id] if note.id < len(assembled.labels) else None
    return Fault(check=found.check, step=step, path=note.path, label=label, message=found.message)


def _check_logits(witness: Witness, plain: Ran, traced: Ran, output: Output | None) -> None:
    if traced.error is not None or plain.error is not None:
        same = type(traced.error) is type(plain.error) and str(traced.error) == str(plain.error)
        witness.count("logits", None, "the run without instruments did not end in the same way", holds=same)
        return
    for name in ("logits", "loss"):
        one, other = getattr(traced.output, name), getattr(plain.output, name)
        if one is not None and other is not None:
            _compare(witness, "logits", None, one, other, f"the {name} of a run without instruments are other")
    shown = None if output is None else output.logits
    true = [[strict(number) for number in row] for row in plain.output.logits.detach().double().cpu().tolist()]
    witness.count("logits", None, "the recorded logits are not those of a run without instruments", holds=shown == true)


def _check_steady(witness: Witness, plain: Ran, again: Ran) -> bool:
    """Check that two runs without the tracer agree; where they do not, nothing can be held against the second."""
    if plain.error is not None or again.error is not None:
        return False
    steady = digest(plain.output.logits) == digest(again.output.logits)
    witness.count("logits", None, "the model answers otherwise every time, without instruments too", holds=steady)
    return steady


def _check_named(witness: Witness, output: Any, tracer: Tracer, assembled: Assembled) -> None:
    """Hold the tensors that bear a name of transformers' against those that it returns under that name."""
    numbers = {name: number for number, names in assembled.known_as.items() for name in names}
    notes: dict[int, Note] = {}
    for note in sorted(tracer.scribe.notes, key=_order_of_ending(tracer.scribe.notes)):
        for seen in note.outputs:
            notes.setdefault(seen.number, note)
    kinds: tuple[tuple[CheckName, str], ...] = (("hidden states", "hidden_states"), ("attentions", "attentions"))
    for check, key in kinds:
        for place, tensor in enumerate(getattr(output, key, None) or ()):
            number = numbers.get(f"{key}[{place}]")
            where = None if number is None else notes.get(number)
            same = number is not None and witness.digests.get(number) == digest(tensor)
            witness.count(check, where, f"it is not the {key}[{place}] that the model returns", holds=same)


def _check_calls(
    witness: Witness,
    calls: Mapping[nn.Module, int],
    tracer: Tracer,
    not_called: Sequence[str],
    modules: Mapping[str, nn.Module],
) -> None:
    never = set(not_called)
    for path, module in modules.items():
        expected, found = calls.get(module, 0), tracer.scribe.calls.get(module, 0)
        holds = expected == found and (path in never) == (expected == 0)
        witness.count("calls", None, f"{path or 'the model'} is called {expected} times, not {found}", holds=holds)


def _check_origins(witness: Witness, tracer: Tracer, assembled: Assembled, modules: Mapping[str, nn.Module]) -> None:
    """Check that every tensor was made by a step that was run again, or was there before; and that ``from`` names it.

    That a tensor holds, wherever it is seen, the bits that it was made with, the witness has checked already.
    """
    notes = tracer.scribe.notes
    accounted = set(tracer.tensors.parameters)
    accounted.update(seen.number for note in notes[:1] for seen in note.inputs)  # what the model was given
    accounted.update(tracer.tensors.numbers_of(v for m in modules.values() for v in vars(m).values()))
    for note in notes:
        if note.id in witness.recomputed:
            accounted.update(seen.number for seen in (*note.outputs, *note.also_changed))
    for note in notes:
        for seen in (*note.inputs, *note.outputs):
            message = f"{seen.name} was made by nothing that was recorded"
            witness.count("origins", note, message, holds=seen.number in accounted or note.failed)
    returned = [{seen.number for seen in (*note.outputs, *note.also_changed)} for note in assembled.notes]
    for step, note in zip(assembled.steps, assembled.notes, strict=True):
        for tensor, seen in zip(step.inputs, note.inputs, strict=True):
            holds = tensor.from_ is None or seen.number in returned[tensor.from_]
            witness.count("origins", note, f"{tensor.name} does not come from step {tensor.from_}", holds=holds)


def _compare(
    witness: Witness, check: CheckName, note: Note | None, one: torch.Tensor, other: torch.Tensor, message: str
) -> None:
    difference = largest_difference(one, other)
    tally = witness.tally(check)
    tally.largest = max(tally.largest, difference)
    witness.count(check, note, f"{message} (by {difference:.2g})", holds=digest(one) == digest(other))
