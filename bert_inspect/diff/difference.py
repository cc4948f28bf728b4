"""What comparing two traces finds: plain frozen data, like the trace."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from ..traces.record import Kind, Source
from ..traces.values import Number

FORMAT = "bert-inspect-diff"
VERSION = 1

Status = Literal["identical", "noise", "different", "unknown"]
"""Equal to the bit; within the rounding tolerance; beyond it; or nothing to compare by but shapes, which agree."""
By = Literal["values", "statistics", "shapes"]


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    """All keys are always written: scripts rely on them."""


class Setting(_Record, frozen=True, kw_only=True):
    """Something that the two runs were not given alike: ``what`` is its key in the trace."""

    what: str
    a: Any
    b: Any


class Position(_Record, frozen=True, kw_only=True):
    """Where a number stands: its index in A's tensor, and that in words."""

    index: list[int]
    words: str


class StepDiff(_Record, frozen=True, kw_only=True):
    """A step of A beside its partner in B (``a`` and ``b`` are their ids in the two traces).

    ``max_abs`` is the largest difference of two entries, ``max_rel`` that over the largest magnitude in either, both
    over real tokens. ``floor`` is the difference that rounding explains where the difference exceeds it most, and
    ``times`` is the difference there in multiples of it. ``at`` says where that is. Numbers that could not be had are
    None: by statistics there is no cosine similarity and no place.
    """

    a: int
    b: int
    path: str
    call: int
    kind: Kind
    layer: int | None
    part: str
    label: str
    label_b: str
    shape_a: list[int] | None
    shape_b: list[int] | None
    status: Status
    by: By
    note: str
    max_abs: Number | None
    max_rel: Number | None
    cosine: Number | None
    floor: Number | None
    times: Number | None
    at: Position | None
    source: Source | None
    source_b: Source | None


class Unmatched(_Record, frozen=True, kw_only=True):
    """A step without a partner in the other trace."""

    id: int
    path: str
    call: int
    kind: Kind
    layer: int | None
    part: str
    label: str


class Cause(_Record, frozen=True, kw_only=True):
    """What was tried to explain the first divergence. ``says`` is empty where nothing closed the gap.

    ``gap`` is the largest difference between A and B at that step, ``gap_left`` what remains of it when A is computed
    as the suspect says. ``tried`` names the suspects that could apply to the step.
    """

    suspect: str
    says: str
    gap: Number | None
    gap_left: Number | None
    tried: list[str]
    note: str


class Part(_Record, frozen=True, kw_only=True):
    """One of the things that a head says of a sentence: an entity with its label, a token that was replaced, the token
    that most probably stands at a mask, an answer in its context. ``text`` is what it says that of, from ``start`` to
    ``end`` in characters.
    """

    text: str
    label: str
    start: int
    end: int
    score: Number


class Answer(_Record, frozen=True, kw_only=True, omit_defaults=True):
    """What one run answers to one sentence. ``trained`` is false where the head was drawn at random: then the answer
    means nothing. ``score`` is a probability, or the raw output of a regression (``probability`` tells which).

    Where the answer is no class, ``index`` is -1, ``label`` tells it in words, ``parts`` what it consists of, and
    ``score`` is None if that is not one thing; else there are no ``parts``.
    """

    text: str
    pair: str | None
    index: int
    label: str
    score: Number | None
    probability: bool
    trained: bool
    parts: list[Part] = []


class Answers(_Record, frozen=True, kw_only=True):
    """What the two runs answer to sentences that were compared; ``logits`` is the largest difference of theirs, None
    where they have not as many.
    """

    a: Answer
    b: Answer
    logits: Number | None


class Diff(_Record, frozen=True, kw_only=True):
    """Two traces compared. ``same`` is the answer, ``verdict`` the same in a sentence.

    ``first`` is the first step, in the order in which A's steps ended, whose output differs; ``also`` are later ones
    that differ though nothing that flowed into them does. ``steps`` holds every aligned pair in that order.
    ``answers`` holds what the two predict for each sentence that both have. ``other_texts`` says that they have no
    sentence in common: then numbers are expected to differ, and unless a tolerance was given every one that does counts
    as different, with no multiple of a tolerance.
    """

    format: str
    version: int
    same: bool
    verdict: str
    a: str
    b: str
    settings: list[Setting]
    notes: list[str]
    other_texts: bool
    answers: list[Answers]
    tolerance: Mapping[str, float] | None
    first: StepDiff | None
    also: list[StepDiff]
    cause: Cause | None
    steps: list[StepDiff]
    only_a: list[Unmatched]
    only_b: list[Unmatched]

    def json(self) -> bytes:
        """Return it as a line of strict JSON."""
        return msgspec.json.encode(self) + b"\n"
