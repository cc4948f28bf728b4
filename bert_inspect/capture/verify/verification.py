"""From what the replay saw, and runs without hooks, to the proof of a trace."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import get_ident
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from ...loading.loaded import Loaded
from ...traces.output import Output
from ...traces.proof import Check, CheckName, Fault, Proof
from ...traces.record import Input, Trace
from ...traces.tree import completion
from ...traces.values import strict
from ..naming.assemble import Assembled, Named
from ..outputs.by_head import output_of
from ..outputs.returned import returned_tensors
from ..tracing.recording import Outcome, Recording
from ..tracing.step_record import StepRecord
from ..undisturbed import no_hook_stays, random_states, set_random_states
from .checks import digest, largest_difference
from .constants import Constants
from .model_state import ModelState
from .other_inputs import Inputs
from .replay import Mismatch, Replay
from .snapshot import same_numbers, snapshot

Again = Callable[[Inputs], Recording]
"""Traces a run of the model on an input."""
Unedited = Callable[[Replay], Outcome]
"""Traces a run without edits on the same input, beside a replay."""

_NUMBERS: tuple[CheckName, ...] = ("logits", "ops", "modules", "hidden states", "attentions")


class Verification:
    """All that a proof of one traced run rests on: the replay beside it; runs after it, each from the state in which
    the traced one began: traced ones on other inputs, one without any hook, and one that returns hidden states and
    attentions while calls are counted; and the surroundings before and after.

    The traced run comes first: what a model computes once and keeps, it computes there, where it is recorded.
    """

    def __init__(self, loaded: Loaded, batch: Input) -> None:
        model: nn.Module = loaded.model
        self.replay = Replay()
        self._loaded, self._batch = loaded, batch
        self._model = model
        self._before = snapshot(model)
        self._random = random_states()
        self._after_plain: Mapping[str, Any] = {}
        self._plain = self._counted = Outcome()
        self._unedited: tuple[Replay, Outcome] | None = None
        self._calls: Mapping[nn.Module, int] = {}
        self._constants: Constants | None = None

    def begin(self) -> None:
        """Remember how the model is right before the traced run."""
        self._state = ModelState(self._model)

    def run_after(
        self,
        inputs: Inputs,
        others: Iterable[Inputs],
        traced: Recording,
        again: Again,
        unedited: Unedited | None = None,
    ) -> None:
        """Run the model on ``others``, of which ``again`` traces a run, then on the same inputs: as anybody would, and
        for what it returns on request; and ``unedited``, where the traced run was edited. The model is afterwards as
        the traced run left it.
        """
        left, random = ModelState(self._model), random_states()
        generators = [(generator, generator.get_state()) for generator in self.replay.generators]
        try:
            self._constants = self._find_constants(traced, others, again)
            if unedited is not None:
                replay = Replay()
                self._unedited = replay, unedited(replay)
                self._rewind()
            self._plain = _run(self._model, inputs)
            self._after_plain = snapshot(self._model)
            self._rewind()
            config: Any = self._model.config
            eager = config._attn_implementation == "eager"  # nothing else has attentions to return
            with no_hook_stays(self._model), _counting_calls() as self._calls:
                self._counted = _run(self._model, inputs, output_hidden_states=True, output_attentions=eager)
        finally:
            left.restore()
            set_random_states(random)
            for generator, state in generators:
                generator.set_state(state)

    def _rewind(self) -> None:
        """Make the model and the random generators what they were before the traced run."""
        self._state.restore()
        set_random_states(self._random)
        for generator, state in self.replay.generators.items():
            generator.set_state(state)

    def _find_constants(self, traced: Recording, others: Iterable[Inputs], again: Again) -> Constants:
        """Run the model on other inputs: on the first of them as the traced run left it, then from the beginning."""
        constants = Constants(traced, self.replay.recomputed)
        for number, inputs in enumerate(others):
            if number == 0:
                constants.follow(again(inputs))
            if number > 2 and constants.settled():
                break
            self._rewind()
            constants.hold_against(again(inputs))
        self._rewind()
        constants.keep(self.replay.still_holds)
        return constants

    def prove(
        self, trace: Trace, ran: Outcome, found: Named, assembled: Assembled, modules: Mapping[str, nn.Module]
    ) -> Proof:
        """Return the proof of the trace.

        Of a forward that raised, the steps before are proved, and that it raises the same without hooks.
        """
        replay = self.replay
        assert self._constants is not None, "run_after() comes first"
        _check_origins(replay, found, assembled, self._constants)
        steady = ran.error is None and self._check_steady()
        if steady or ran.error is not None:
            _check_constants(replay, self._constants)
        if self._unedited is None:
            self._check_returned(ran, trace.output)
        else:
            self._check_unedited(*self._unedited, ran, found)
        if steady:
            _check_named(replay, self._counted.output, found)
            _check_calls(replay, self._calls, found, trace.not_called, modules)
        before, after = self._before, snapshot(self._model)
        for name in sorted(before.keys() | after.keys()):
            same = before.get(name) == after.get(name)
            if not same and self._after_plain.get(name) != before.get(name):  # so does the model by itself
                same = same_numbers(self._after_plain.get(name), after.get(name))
            replay.count("surroundings", None, f"{name} has changed", holds=same)
        checks = [
            Check(
                name=name,
                checked=tally.checked,
                exact=tally.exact,
                failed=tally.failed,
                largest_difference=strict(tally.largest) if name in _NUMBERS else None,
            )
            for name in CheckName.__args__  # type: ignore[attr-defined]
            if (tally := replay.tallies.get(name)) is not None
        ]
        return Proof(
            passed=not replay.mismatches,
            checks=checks,
            fault=_first(replay.mismatches, found, assembled),
        )

    def _check_unedited(self, unedited: Replay, outcome: Outcome, ran: Outcome, found: Named) -> None:
        """Check that all that was made before the first edit is what it is without edits; and, as no run without hooks
        is edited, that such a run returns what a traced one without edits does.
        """
        makers: dict[int, StepRecord] = {}
        for record in completion(found.recording.steps):
            for seen in record.outputs:
                makers.setdefault(seen.number, record)
        for number, own in self.replay.digests.items():
            if number < self.replay.first_edited:
                same = unedited.digests.get(number) == own
                message = "it was made before the first edit and differs from that of a run without edits"
                self.replay.count("unedited", makers.get(number), message, holds=same)
        if ran.error is None:
            self._check_returned(outcome, None)

    def _check_returned(self, traced: Outcome, output: Output | None) -> None:
        """Check that a run without hooks returns the same, and that the trace says so."""
        replay, plain = self.replay, self._plain
        if traced.error is not None or plain.error is not None:
            same = type(traced.error) is type(plain.error) and str(traced.error) == str(plain.error)
            replay.count("logits", None, "the run without hooks ended differently", holds=same)
            return
        true = returned_tensors(self._loaded.head, plain.output)
        of_trace = returned_tensors(self._loaded.head, traced.output)
        for name in true.keys() & of_trace.keys():
            told = name.replace("_", " ")
            message = f"the {told} {'differs' if told == 'loss' else 'differ'} from those of a run without hooks"
            _compare(replay, "logits", None, of_trace[name], true[name], message)
        if output is None:
            return
        same = output == output_of(self._loaded, self._batch, plain.output)
        replay.count("logits", None, "the recorded logits differ from those of a run without hooks", holds=same)

    def _check_steady(self) -> bool:
        """Check that two runs without the tracer agree; where they do not, nothing can be held against the second."""
        plain, again = self._plain, self._counted
        if plain.error is not None or again.error is not None:
            return False
        one, other = (returned_tensors(self._loaded.head, each.output) for each in (plain, again))
        steady = all(digest(one[name]) == digest(other[name]) for name in one)
        message = "the model is nondeterministic: two runs without hooks differ"
        self.replay.count("logits", None, message, holds=steady)
        return steady


def _run(model: nn.Module, inputs: Mapping[str, torch.Tensor], **options: bool) -> Outcome:
    try:
        return Outcome(output=model(**inputs, **options))
    except Exception as error:  # whatever a model's code raises: the traced run must end the same way
        return Outcome(error=error)


@contextmanager
def _counting_calls() -> Iterator[dict[nn.Module, int]]:
    """Count the calls of every module, by a hook that is no part of the tracer."""
    counts: dict[nn.Module, int] = {}
    thread = get_ident()

    def count(module: nn.Module, _: Any) -> None:
        if get_ident() != thread:
            return
        counts[module] = counts.get(module, 0) + 1

    handle = register_module_forward_pre_hook(count)
    try:
        yield counts
    finally:
        handle.remove()


def _first(mismatches: Sequence[Mismatch], named: Named, assembled: Assembled) -> Fault | None:
    """Return the fault in the step that ended first; what no step is to blame for comes after."""
    if not mismatches:
        return None
    ended = {record.id: place for place, record in enumerate(completion(named.recording.steps))}
    first = min(mismatches, key=lambda each: (1, 0) if each.record is None else (0, ended[each.record.id]))
    record = first.record
    if record is None:
        return Fault(check=first.check, step=None, path=None, label=None, message=first.message)
    step = next((number for number, kept in enumerate(assembled.records) if kept.id == record.id), None)
    label = named.names.labels[record.id] if record.id < len(named.names.labels) else None
    return Fault(check=first.check, step=step, path=record.path, label=label, message=first.message)


def _check_named(replay: Replay, output: Any, found: Named) -> None:
    """Hold the tensors that bear a name of transformers' against those that it returns under that name; of an edited
    run those that were made before the first edit.
    """
    numbers = {name: number for number, names in found.known_as.items() for name in names}
    records: dict[int, StepRecord] = {}
    for record in completion(found.recording.steps):
        for seen in record.outputs:
            records.setdefault(seen.number, record)
    kinds: tuple[tuple[CheckName, str], ...] = (("hidden states", "hidden_states"), ("attentions", "attentions"))
    for check, key in kinds:
        for place, tensor in enumerate(getattr(output, key, None) or ()):
            number = numbers.get(f"{key}[{place}]")
            if replay.first_edited < math.inf and not _is_before(replay.first_edited, number, f"{key}[{place}]", found):
                continue
            where = None if number is None else records.get(number)
            same = number is not None and replay.digests.get(number) == digest(tensor)
            replay.count(check, where, f"it differs from the {key}[{place}] that the model returns", holds=same)


def _is_before(first_edited: float, number: int | None, name: str, found: Named) -> bool:
    """Whether a tensor was made before the first edit, and under this name: a removed layer hands it on, and it bears
    that layer's name too.
    """
    if number is None or number >= first_edited:
        return False
    return next(each for each in found.known_as[number] if each.startswith(name.partition("[")[0])) == name


def _check_calls(
    replay: Replay,
    calls: Mapping[nn.Module, int],
    found: Named,
    not_called: Sequence[str],
    modules: Mapping[str, nn.Module],
) -> None:
    never = set(not_called)
    inside = tuple(f"{record.path}." for record in found.recording.steps if record.edited and record.no_op)
    for path, module in modules.items():
        if path.startswith(inside):  # of a layer that an edit removed
            continue
        expected, recorded = calls.get(module, 0), found.recording.calls.get(module, 0)
        holds = expected == recorded and (path in never) == (expected == 0)
        replay.count(
            "calls", None, f"{path or 'the model'} is called {expected} times, recorded {recorded} times", holds=holds
        )


def _check_constants(replay: Replay, constants: Constants) -> None:
    for step in constants.with_numbers:
        fault = constants.fault_of_numbers(step)
        replay.count("constants", step, fault or "", holds=fault is None)


def _check_origins(replay: Replay, found: Named, assembled: Assembled, constants: Constants) -> None:
    """Check that every tensor was made by a step that was run again, or was there before; and that ``from`` names it.

    That a tensor holds, wherever it is seen, the bits that it was made with, the replay has checked already.
    """
    seen_in = sum(len(record.inputs) + len(record.outputs) for record in found.recording.steps)
    replay.tally("origins").checked += seen_in - len(constants.with_tensors)
    replay.tally("origins").exact += seen_in - len(constants.with_tensors)
    for record, seen in constants.with_tensors:
        holds = constants.is_constant(record, seen)
        replay.count("origins", record, f"{seen.name} was made by something that was not recorded", holds=holds)
    returned = [{seen.number for seen in (*record.outputs, *record.also_changed)} for record in assembled.records]
    for step, record in zip(assembled.steps, assembled.records, strict=True):
        for tensor, seen in zip(step.inputs, record.inputs, strict=True):
            holds = tensor.from_ is None or seen.number in returned[tensor.from_]
            replay.count("origins", record, f"{tensor.name} does not come from step {tensor.from_}", holds=holds)


def _compare(
    replay: Replay, check: CheckName, record: StepRecord | None, one: torch.Tensor, other: torch.Tensor, message: str
) -> None:
    difference = largest_difference(one, other)
    tally = replay.tally(check)
    tally.largest = max(tally.largest, difference)
    replay.count(check, record, f"{message} (by {difference:.2g})", holds=digest(one) == digest(other))
