"""Holds what steps were given from outside against runs on other inputs: what comes from the input changes with it.

A record says of every tensor from which step it came. A number that Python read from a tensor and handed back
(``.item()``, ``.tolist()``, ``.numpy()``), or a tensor that waited somewhere since an earlier call, says nothing, and
the step that receives it gives the same result again and again: the dataflow is cut without a mismatch. Nothing tells
such a number from a constant but that it follows the input. So the model is traced on other inputs as well, and each
step is held against its counterpart there (a differential test, as of McKeeman, "Differential testing for software",
1998). The numbers of a constant are equal. A tensor that no step made is a constant if it is the very same one with the
same bits, also in a run that begins with what the traced one left behind. Sizes are no numbers from outside: an integer
may be another one where it is the length of an axis of what the step receives or returns. What none of the other inputs
moves (an argmax, say, that is the same for all of them) is taken for a constant.

Which steps run may depend on the input. That is no dataflow, and no fault; but a step that is given something from
outside must have a counterpart in one of the other runs. What the helpers do that build the attention mask is one step,
whose numbers are not recorded and not compared.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch

from ..tracing.recording import Recording
from ..tracing.step_record import StepRecord, TensorRecord


class Constants:
    """What the steps of a ``traced`` run were given from outside; ``recomputed`` are the ids of those that were run
    again, which stand for what they returned.
    """

    def __init__(self, traced: Recording, recomputed: set[int]) -> None:
        steps = [step for step in traced.steps if not step.failed]
        self._traced = traced
        self._others: list[Counterparts] = []
        self._next: Counterparts | None = None
        self._lasting: set[int] = set()
        made = set(traced.tensors.parameters)
        made.update(seen.number for step in traced.steps[:1] for seen in step.inputs)  # what the model was given
        made.update(
            seen.number for step in steps if step.id in recomputed for seen in (*step.outputs, *step.also_changed)
        )
        self.with_numbers = [step for step in steps if step.id in recomputed and _given(step)]
        self.with_tensors = [
            (step, seen) for step in steps for seen in (*step.inputs, *step.outputs) if seen.number not in made
        ]

    def follow(self, other: Recording) -> None:
        """Take note of the run on another input that came next, and began with what this one had left behind."""
        self._next = Counterparts(self._traced, other)

    def hold_against(self, other: Recording) -> None:
        """Take note of a run on another input that began as this one did."""
        self._others.append(Counterparts(self._traced, other))

    def settled(self) -> bool:
        """Whether each step that was given something from outside had a counterpart by now."""
        steps = {step.id for step in (*self.with_numbers, *(step for step, _ in self.with_tensors))}
        return all(any(other.has(step) for other in self._others) for step in steps)

    def keep(self, lasts: Callable[[TensorRecord], bool]) -> None:
        """Take note of which tensors from outside are what and where they were before the run."""
        self._lasting = {seen.number for _, seen in self.with_tensors if lasts(seen)}

    def fault_of_numbers(self, step: StepRecord) -> str | None:
        """Return what is wrong with the numbers that a step was given, None if they are constants."""
        counterparts = [other.of(step) for other in self._others if other.has(step.id)]
        if not counterparts:
            return (
                "it ran on none of the other inputs that were tried: whether its numbers were made from the input, by "
                "something that was not recorded, cannot be told"
            )
        for counterpart in counterparts:
            differing = _numbers_that_differ(step, counterpart)
            if differing is not None:
                here, there = differing
                return (
                    f"a number that it was given was made by something that was not recorded: it is {here} here and "
                    f"{there} on another input"
                )
        return None

    def is_constant(self, step: StepRecord, seen: TensorRecord) -> bool:
        """Whether a tensor from outside is the very same wherever the step runs."""
        runs = [run for run in (self._next, *self._others) if run is not None and run.has(step.id)]
        same = [
            any(one is seen and one.tensor_ref is two.tensor_ref for one, two in _beside(step, run.of(step)))
            for run in runs
        ]
        return seen.number in self._lasting and bool(same) and all(same)


class Counterparts:
    """The steps of a run on another input, each beside the step of the traced run that it answers to: of the same
    module's same call, in the same place among those before or after which both runs took the same steps.
    """

    def __init__(self, traced: Recording, other: Recording) -> None:
        self._of: dict[int, StepRecord] = {}
        there = _by_call(other.steps)
        for call, steps in _by_call(traced.steps).items():
            self._pair(steps, there.get(call, []))

    def has(self, step: int) -> bool:
        """Whether that run took such a step, by its id."""
        return step in self._of

    def of(self, step: StepRecord) -> StepRecord:
        """Return the counterpart of a step."""
        return self._of[step.id]

    def _pair(self, steps: list[StepRecord], others: list[StepRecord]) -> None:
        same = _alike(steps, others)
        rest, others_rest = steps[same:], others[same:]
        same_at_end = _alike(rest[::-1], others_rest[::-1])
        pairs = [*zip(steps[:same], others[:same], strict=True)]
        if same_at_end:
            pairs += zip(rest[-same_at_end:], others_rest[-same_at_end:], strict=True)
        self._of.update((step.id, other) for step, other in pairs)


def _by_call(steps: Sequence[StepRecord]) -> Mapping[tuple[str, int] | None, list[StepRecord]]:
    """Return the steps inside each call of a module, in order."""
    found: dict[tuple[str, int] | None, list[StepRecord]] = {}
    for step in steps:
        above = None if step.parent is None else (steps[step.parent].path, steps[step.parent].call)
        found.setdefault(above, []).append(step)
    return found


def _alike(steps: Iterable[StepRecord], others: Iterable[StepRecord]) -> int:
    """Return how many steps are of the same kind from the beginning on."""
    count = 0
    for step, other in zip(steps, others, strict=False):
        if (step.kind, step.type, step.path) != (other.kind, other.type, other.path):
            break
        count += 1
    return count


def _numbers_that_differ(step: StepRecord, other: StepRecord) -> tuple[str, str] | None:
    """Return the first number that a step and its counterpart were given and that differs, as each has it."""
    mine, theirs = _given(step), _given(other)
    if len(mine) != len(theirs):
        return f"{len(mine)} numbers", f"{len(theirs)}"
    lengths = _lengths(step, other)
    for one, two in zip(mine, theirs, strict=True):
        if not _same(one, two) and (one, two) not in lengths:
            return _shown(one), _shown(two)
    return None


def _beside(step: StepRecord, other: StepRecord) -> list[tuple[TensorRecord, TensorRecord]]:
    """Return the tensors of a step beside those of its counterpart in the same places."""
    return [*zip(step.inputs, other.inputs, strict=False), *zip(step.outputs, other.outputs, strict=False)]


def _lengths(step: StepRecord, other: StepRecord) -> set[tuple[Any, Any]]:
    """Return the lengths of each axis here and there, also counted from the end as indices are."""
    found = {pair for one, two in _beside(step, other) for pair in zip(one.shape, two.shape, strict=False)}
    return found | {(-one, -two) for one, two in found}


def _given(step: StepRecord) -> list[Any]:
    return [*_numbers([*step.given, *(value for _, value in sorted(step.options.items()))])]


def _numbers(value: Any) -> Iterator[Any]:
    """Yield the numbers, words and blocks of memory in what a step was given."""
    if isinstance(value, str | int | float | complex):
        yield value
    elif isinstance(value, dict):
        yield from _numbers([*value.values()])
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, slice):
        yield from _numbers((value.start, value.stop, value.step))
    elif isinstance(value, torch.UntypedStorage):
        yield bytes(value.tolist())  # type: ignore[no-untyped-call]
    else:
        with suppress(TypeError, ValueError):
            yield memoryview(value).tobytes()  # an array of numpy, say


def _same(one: Any, other: Any) -> bool:
    both_nan = one != one and other != other
    return type(one) is type(other) and bool(one == other or both_nan)


def _shown(value: Any) -> str:
    return f"{len(value)} bytes of memory" if isinstance(value, bytes) else repr(value)
