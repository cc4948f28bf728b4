"""From what the replay saw, and runs without hooks, to the proof of a trace."""

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
from .against_runs import check_calls, check_constants, check_named, check_origins
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
        check_origins(replay, found, assembled, self._constants)
        steady = ran.error is None and self._check_steady()
        if steady or ran.error is not None:
            check_constants(replay, self._constants)
        if self._unedited is None:
            self._check_returned(ran, trace.output)
        else:
            self._check_unedited(*self._unedited, ran, found)
        if steady:
            check_named(replay, self._counted.output, found)
            check_calls(replay, self._calls, found, trace.not_called, modules)
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


def _compare(
    replay: Replay, check: CheckName, record: StepRecord | None, one: torch.Tensor, other: torch.Tensor, message: str
) -> None:
    difference = largest_difference(one, other)
    tally = replay.tally(check)
    tally.largest = max(tally.largest, difference)
    replay.count(check, record, f"{message} (by {difference:.2g})", holds=digest(one) == digest(other))
