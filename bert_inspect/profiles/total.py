"""The totals of a whole profile: a batch is added, two are merged, and either way the same record comes out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from ..errors import UsageError
from .answers import AnswersTotal, BatchAnswers
from .coverage import Block, Coverage
from .heads import BatchHeads, HeadsTotal
from .record import Heads, OutputProfile, Profile, StepProfile
from .tensor_totals import BatchDimensions, BatchNumbers, DimensionsTotal, NumbersTotal

Place = tuple[int, int]
"""A tensor: the id of the step that returned it, and its place among those."""


@dataclass(frozen=True, kw_only=True)
class BatchTotals:
    """What one batch adds: the numbers of each tensor, those by dimension, the heads by where they stand in the
    profile's list, and the answers.
    """

    numbers: Mapping[Place, BatchNumbers]
    dimensions: Mapping[Place, BatchDimensions]
    heads: Mapping[int, BatchHeads]
    answers: BatchAnswers | None = None


@dataclass
class Total:
    """A profile that grows.

    Attributes:
        frame: the profile without numbers: its steps, its corpus, its model.
        whole: whether it holds whole blocks alone: not while one is added, nor after that has failed midway.
    """

    frame: Profile
    coverage: Coverage
    answers: AnswersTotal | None
    heads: list[HeadsTotal]
    numbers: dict[Place, NumbersTotal] = field(default_factory=dict)
    dimensions: dict[Place, DimensionsTotal] = field(default_factory=dict)
    whole: bool = True

    @classmethod
    def read(cls, profile: Profile) -> "Total":
        """Return the totals of a record.

        Raises:
            ValueError: it holds none.
        """
        found = cls(
            frame=without_numbers(profile),
            coverage=Coverage.read(profile.input),
            answers=None if profile.answers is None else AnswersTotal.read(profile.answers),
            heads=[HeadsTotal.read(heads) for heads in profile.heads],
        )
        for place, output in outputs(profile.steps):
            if output.numbers is not None:
                found.numbers[place] = NumbersTotal.read(output.numbers)
            if output.dimensions is not None:
                found.dimensions[place] = DimensionsTotal.read(output.dimensions, profile.examples)
        return found

    def add(self, batch: BatchTotals) -> None:
        """Add a batch of a block, of which `done` is told when all of them are."""
        self.whole = False
        for place, numbers in batch.numbers.items():
            if place not in self.numbers:
                self.numbers[place] = NumbersTotal()
            self.numbers[place].add(numbers)
        for place, dimensions in batch.dimensions.items():
            if place not in self.dimensions:
                self.dimensions[place] = DimensionsTotal(len(dimensions.zeros), self.frame.examples)
            self.dimensions[place].add(dimensions)
        for number, heads in batch.heads.items():
            self.heads[number].add(heads)
        if self.answers is not None and batch.answers is not None:
            self.answers.add(batch.answers)

    def nothing(self) -> "Total":
        """Return the totals of nothing, of the same profile."""
        return Total(
            frame=self.frame,
            coverage=Coverage(),
            answers=None if self.answers is None else AnswersTotal(self.answers.of, self.answers.classes),
            heads=[HeadsTotal(heads.layer, heads.path, heads.size) for heads in self.heads],
        )

    def add_all(self, other: "Total") -> None:
        """Add batches of a block that were added up elsewhere, of which `done` is told."""
        self.whole = False
        for place, numbers in other.numbers.items():
            self.numbers.setdefault(place, NumbersTotal()).merge(numbers)
        for place, dimensions in other.dimensions.items():
            own = self.dimensions.setdefault(place, DimensionsTotal(dimensions.size, self.frame.examples))
            own.merge(dimensions)
        for mine, theirs in zip(self.heads, other.heads, strict=True):
            mine.merge(theirs)
        if self.answers is not None and other.answers is not None:
            self.answers.merge(other.answers)

    def least(self, place: Place) -> NDArray[np.float64] | None:
        """Return what an activation of each dimension of a tensor must reach to be an example, None where all are."""
        return None if place not in self.dimensions else self.dimensions[place].least

    def done(self, number: int, block: Block) -> None:
        """Note that a block is done."""
        for dimensions in self.dimensions.values():
            dimensions.settle()
        self.coverage.add(number, block)
        self.whole = True

    def merge(self, other: "Total") -> None:
        """Add what another one holds.

        Raises:
            UsageError: it is of another model, another corpus or other settings, or holds a block that this one holds.
        """
        check_mergeable(self.frame, other.frame)
        twice = self.coverage.digests.keys() & other.coverage.digests.keys()
        if twice:
            raise UsageError(
                f"block {min(twice)} of {self.frame.input.blocks} is in both profiles, and would count twice",
                "merge profiles of other shards: bert-inspect profile show tells which a file holds",
            )
        self.add_all(other)
        self.coverage.merge(other.coverage)
        self.whole = True

    def record(self) -> Profile:
        """Return it as a record."""
        steps = []
        for step in self.frame.steps:
            found = []
            for at, output in enumerate(step.outputs):
                numbers, dimensions = self.numbers.get((step.id, at)), self.dimensions.get((step.id, at))
                found.append(
                    structs.replace(
                        output,
                        numbers=None if numbers is None else numbers.record(),
                        dimensions=None if dimensions is None else dimensions.record(),
                    )
                )
            steps.append(structs.replace(step, outputs=found))
        covered = self.coverage
        return structs.replace(
            self.frame,
            input=structs.replace(
                self.frame.input,
                done=covered.ranges,
                digests=covered.in_order,
                sentences=covered.sentences,
                tokens=covered.tokens,
                cut=covered.cut,
            ),
            steps=steps,
            heads=[heads.record() for heads in self.heads],
            answers=None if self.answers is None else self.answers.record(),
        )


def outputs(steps: Sequence[StepProfile]) -> Iterator[tuple[Place, OutputProfile]]:
    """Yield each tensor of a profile with its place."""
    for step in steps:
        for at, output in enumerate(step.outputs):
            yield (step.id, at), output


def without_numbers(profile: Profile) -> Profile:
    """Return the frame of a profile: what two of them must have in common to be merged."""
    bare = [
        structs.replace(
            step, outputs=[structs.replace(output, numbers=None, dimensions=None) for output in step.outputs]
        )
        for step in profile.steps
    ]
    corpus = structs.replace(profile.input, done=[], digests=[], sentences=0, tokens=0, cut=0)
    heads: list[Heads] = []
    return structs.replace(profile, input=corpus, steps=bare, heads=heads, answers=None, checksum="")


def check_mergeable(one: Profile, other: Profile) -> None:
    """Hold that two profiles may be added up.

    Raises:
        UsageError: they are of different models, corpora or settings; names the first thing that differs.
    """
    if found := difference(one, other):
        raise UsageError(
            f"these are profiles of two runs: {found}", "merge shards of one run: the same model, files and options"
        )


def difference(one: Profile, other: Profile) -> str | None:
    """Return the first thing that keeps two profiles from being added up, in words; None where nothing does."""
    for what, mine, theirs in _settings(one, other):
        if mine != theirs:
            return differs(what, mine, theirs)
    return None


def differs(what: str, one: object, other: object) -> str:
    """Say that a setting of two runs differs."""
    return f"{what} {'differ' if what in _SEVERAL else 'differs'} ({_short(one)} and {_short(other)})"


_SEVERAL = ("the filters", "the model's weights", "the model's parameters", "the model's sizes", "the model's edits")


def _settings(one: Profile, other: Profile) -> Iterator[tuple[str, object, object]]:
    yield "the model", one.model.name, other.model.name
    for name in structs.asdict(one.model):
        if name != "config":
            yield f"the model's {name.rstrip('_')}", getattr(one.model, name), getattr(other.model, name)
    yield "the model's configuration", one.model.config, other.model.config
    yield "the model's weights", one.weights[:12], other.weights[:12]
    for name in structs.asdict(one.environment):
        yield f"the version of {name}", getattr(one.environment, name), getattr(other.environment, name)
    yield "the list of files", one.input.files, other.input.files
    for name, what in (
        ("batch_size", "the batch size"),
        ("batch_tokens", "the most tokens of a batch"),
        ("lines_per_block", "the number of lines per block"),
        ("blocks", "the number of blocks"),
        ("max_length", "the most tokens of a sentence"),
        ("truncate", "whether longer sentences are cut"),
    ):
        yield what, getattr(one.input, name), getattr(other.input, name)
    yield "the text of the files", one.input.digest, other.input.digest
    yield "the filters", one.selection, other.selection
    yield "the number of examples", one.examples, other.examples
    yield "the list of steps", one.steps, other.steps


def _short(value: object) -> str:
    text = ", ".join(f"{key} {one}" for key, one in value.items()) or "none" if isinstance(value, dict) else str(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
