"""A run over made-up sentences: which steps a model runs, what each is, and what is wanted of its tensors."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from msgspec import structs

from ...capture.editing.survey import survey
from ...capture.encode import Sentences, encode
from ...capture.tracing.step_record import StepRecord, TensorRecord
from ...loading.loaded import Loaded
from ...profiles.record import OutputProfile
from ...traces import ops
from ...traces.ops import op_of
from ...traces.record import Input
from ...traces.selection import Wanted
from ...traces.vocabulary import axes, labels
from ...traces.vocabulary.axes import Axes
from .by_dimension import layouts
from .plan import Wish
from .real_tokens import RealTokens

Key = tuple[str, int, str, str, str, int]
"""A step: its path, call, kind, type and label, and how many like it ran before."""

_LONG = 200
"""How many tokens a long sentence has: more than a local attention sees on either side."""
_SAME_NUMBERS = (ops.RESHAPE, ops.SQUEEZE, ops.UNSQUEEZE, ops.TRANSPOSE, ops.COPY)
"""Ops that lay numbers out anew."""


def made_up_sentences(tokenizer: Any, limit: int | None) -> Iterator[Input]:
    """Yield sentences of which none is padded, some of which one is, and the same of many tokens. One without a word
    pads the other even where the limit leaves room for one alone, if the tokenizer makes tokens of no word at all.
    """
    most = _LONG if limit is None else min(limit, _LONG)
    room = max(most - tokenizer.num_special_tokens_to_add(), 1)
    shortest = "" if tokenizer("")["input_ids"] else "a"
    for texts in (["a", "a"], [shortest, "a " * min(room, 3)], ["a " * room] * 2, ["a", "a " * room]):
        yield encode(tokenizer, Sentences(texts=texts), limit=limit, truncate=True)


class MadeUpRun:
    """A run over such sentences.

    Attributes:
        steps: that ran.
        keys: what tells each step from the others, whichever others run.
    """

    def __init__(self, loaded: Loaded, batch: Input, wanted: Wanted) -> None:
        seen = survey(loaded, batch)
        self.steps = seen.steps
        self._wanted = wanted
        self._names, self._known_as = seen.found.names, seen.found.known_as
        self._real = RealTokens(np.array(batch.attention_mask), heads=loaded.sizes.get("heads", 1))
        self._layouts = layouts(loaded, seen)
        self.keys = [*self._keyed()]
        self._owners = self._owned()

    def label(self, step: StepRecord) -> str:
        """Return what a step is."""
        return self._names.labels[step.id]

    def wants(self, step: StepRecord) -> bool:
        """Whether a step is selected, and returns no mask."""
        if step.mask or self.label(step) in labels.MASKS or (step.kind == "op" and self._wanted.level == "module"):
            return False
        return self._wanted.wants(step.path, step.layer)

    def output(self, step: StepRecord, at: int, ids: Mapping[Key, int]) -> OutputProfile:
        """Return an output of a step as a profile has it, without numbers."""
        seen = step.outputs[at]
        owner, place = self._owners[seen.number]
        made = OutputProfile(
            name=seen.name,
            axes=self._names.axes.get(seen.number),
            dtype=seen.dtype,
            label=self._names.tensors.get(seen.number, "") if step.leaf else "",
            known_as=list(self._known_as.get(seen.number, [])),
            unread=self._unread(seen),
        )
        if not made.unread and (owner is not step or place != at):
            return structs.replace(made, same_as=(ids[self.keys[owner.id]], place))
        return made

    def wish(self, step: StepRecord, at: int, output: OutputProfile, number: int) -> Wish | None:
        """Return what is wanted of an output of a step, the profile's ``number``; None where it has no numbers of its
        own.
        """
        if output.unread or output.same_as is not None or output.axes is None:
            return None
        return Wish(
            place=(number, at),
            axes=output.axes,
            layout=self._layouts.get(step.outputs[at].number),
            looks=self.label(step) == labels.ATTENTION_PROBABILITIES and output.axes == axes.SCORES,
        )

    def _keyed(self) -> Iterator[Key]:
        seen: Counter[tuple[str, int, str, str, str]] = Counter()
        for step in self.steps:
            key = step.path, step.call, step.kind, step.type, self.label(step)
            yield (*key, seen[key])
            seen[key] += 1

    def _owned(self) -> dict[int, tuple[StepRecord, int]]:
        """Return, for each tensor, the wanted step that stands for all which hold its numbers, and its place there:
        where the numbers were made, or else the first that holds them.
        """
        owners: dict[int, tuple[StepRecord, int]] = {}
        wanted = [step for step in self.steps if self.wants(step)]
        for step in sorted(wanted, key=lambda step: (not step.leaf, step.id)):
            for at, seen in enumerate(step.outputs):
                owners.setdefault(seen.number, (step, at))
        for step in wanted:
            source = _laid_out(step)
            if source is not None and source.number in owners and owners[step.outputs[0].number][0] is step:
                owners[step.outputs[0].number] = owners[source.number]
        return owners

    def _unread(self, seen: TensorRecord) -> str:
        """Return why nothing is told of a tensor, in words that go on after "it is"; empty where it is told."""
        found: Axes | None = self._names.axes.get(seen.number)
        if not seen.dtype.startswith(("float", "bfloat")):
            return f"of dtype {seen.dtype}, which holds no activations"
        if found is None:
            return "a tensor of which it is not known where its tokens lie"
        if self._real.fits(seen.shape, found):
            return ""
        if "batch" in found and seen.shape[found.index("batch")] == self._real.mask.shape[0]:
            return "of a part of the tokens at a time"
        return "the same for every sentence"


def _laid_out(step: StepRecord) -> TensorRecord | None:
    """Return the tensor whose numbers, all of them, an op lays out anew; None where it does something else."""
    if step.kind != "op" or len(step.outputs) != 1 or len(step.inputs) != 1:
        return None
    source, made = step.inputs[0], step.outputs[0]
    same = op_of(step.type).family in _SAME_NUMBERS and source.dtype == made.dtype
    return source if same and math.prod(source.shape) == math.prod(made.shape) else None
