"""The frame of a profile: which steps a model runs, found before any sentence of the corpus is read.

Which steps run hangs on the sentences: where nothing is padded no mask is added, and a local mask hides nothing of a
short one. So the model is run over made-up sentences of each kind, and the steps of all of them are put in one order.
The same model has the same frame on every machine, whatever part of a corpus that is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import structs

from ...capture.tracing.ends import end_of, ends_of
from ...capture.tracing.step_record import StepRecord
from ...errors import UsageError
from ...loading.loaded import Loaded
from ...profiles.heads import HeadsTotal
from ...profiles.record import OutputProfile, StepProfile
from ...profiles.total import Place
from ...traces.selection import Selection
from .made_up import Key, MadeUpRun, made_up_sentences
from .plan import Plan, Wish


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The steps of a profile, and a plan for each kind of run.

    Attributes:
        steps: without numbers.
        layers: of which heads are told, each with the path of its attention.
        plans: for runs of different steps.
        heads: which entry of ``layers`` a tensor of attention probabilities belongs to, by its place.
    """

    steps: Sequence[StepProfile]
    layers: Sequence[tuple[int, str]]
    plans: Sequence[Plan]
    heads: dict[Place, int]

    def no_heads(self, size: int) -> list[HeadsTotal]:
        """Return totals of nothing, for layers of so many heads."""
        return [HeadsTotal(layer, path, size) for layer, path in self.layers]


def frame_of(loaded: Loaded, tokenizer: Any, *, selection: Selection, limit: int | None) -> Frame:
    """Return the frame of a model's profiles.

    Raises:
        UsageError: the selection matches nothing.
        BertInspectError: the model's forward fails.
    """
    selection.check_layers(loaded.layers)
    wanted = selection.of({path: module.type for path, module in loaded.modules().items()})
    runs = [MadeUpRun(loaded, batch, wanted) for batch in made_up_sentences(tokenizer, limit)]
    ids = {key: number for number, key in enumerate(_in_one_order([run.keys for run in runs]))}
    steps: dict[int, StepProfile] = {}
    for run in runs:
        for step, key in zip(run.steps, run.keys, strict=True):
            outputs = [run.output(step, at, ids) for at in range(len(step.outputs))] if run.wants(step) else []
            if not all(output.unread for output in outputs):
                number = ids[key]
                steps[number] = _joined(steps.get(number), _step(step, number, run.label(step), outputs))
    if not steps:
        raise UsageError("nothing that was selected gives activations", "bert-inspect run shows which steps there are")
    plans = {plan.ends: plan for plan in (_plan(run, ids, steps) for run in runs)}
    wishes = [wish for plan in plans.values() for found in plan.wishes.values() for wish in found.values()]
    looking = sorted({wish.place for wish in wishes if wish.looks})
    return Frame(
        steps=[steps[number] for number in sorted(steps)],
        layers=[(steps[number].layer or 0, steps[number].path) for number, _ in looking],
        plans=[*plans.values()],
        heads={place: at for at, place in enumerate(looking)},
    )


def _plan(run: MadeUpRun, ids: Mapping[Key, int], steps: Mapping[int, StepProfile]) -> Plan:
    ends = ends_of(run.steps)
    wishes: dict[int, dict[int, Wish]] = {}
    for number, step in enumerate(ends):
        known = ids[run.keys[step.id]]
        for at, output in enumerate(steps[known].outputs if known in steps else ()):
            wish = run.wish(step, at, output, known)
            if wish is not None:
                wishes.setdefault(number, {})[at] = wish
    return Plan(ends=tuple(map(end_of, ends)), wishes=wishes)


def _step(step: StepRecord, number: int, label: str, outputs: list[OutputProfile]) -> StepProfile:
    return StepProfile(
        id=number,
        kind=step.kind,
        path=step.path,
        call=step.call,
        type=step.type,
        label=label,
        layer=step.layer,
        role=step.role,
        part=step.part,
        outputs=outputs,
    )


def _joined(known: StepProfile | None, found: StepProfile) -> StepProfile:
    """Return a step of two kinds of runs: what holds the same numbers in both alone is told by another's."""
    if known is None:
        return found
    return structs.replace(
        known,
        outputs=[
            one if one.same_as == other.same_as else structs.replace(one, same_as=None)
            for one, other in zip(known.outputs, found.outputs, strict=True)
        ],
    )


def _in_one_order(runs: Sequence[Sequence[Key]]) -> list[Key]:
    """Return the steps of all runs in one order, which begins with those of the longest run: a step of another stands
    behind the one that it followed there.
    """
    order: list[Key] = []
    for keys in sorted(runs, key=len, reverse=True):
        behind = 0
        for key in keys:
            if key in order:
                behind = order.index(key) + 1
            else:
                order.insert(behind, key)
                behind += 1
    return order
