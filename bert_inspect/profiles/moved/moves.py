"""All that moved between two profiles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from msgspec import structs

from ...traces.vocabulary.places import Place
from ..findings.found import Findings, findings
from ..findings.looks import Look
from ..findings.outliers import Outlier
from ..record import Dimensions, Profile
from .pairs import check_comparable, pairs
from .shift import Shift, shift


@dataclass(frozen=True, kw_only=True)
class HeadMove:
    """A head whose attention moved: the place whose share of it changed most, and by how much."""

    a: Look
    b: Look
    place: Place
    change: float


@dataclass(frozen=True, kw_only=True)
class UnitMoves:
    """The units of a layer that are dead or nearly dead in one of two profiles alone."""

    layer: int
    gained: list[int]
    lost: list[int]


@dataclass(frozen=True, kw_only=True)
class Moves:
    """What moved from A to B, the largest first. ``same``: every number is the same; ``paired``: both
    are over the same sentences. ``differs`` says in what besides
    their numbers the two differ: (what, A, B). ``outliers`` are those of one of them alone: gained, lost.
    """

    a: Profile
    b: Profile
    same: bool
    paired: bool
    differs: list[tuple[str, str, str]]
    steps: list[Shift]
    heads: list[HeadMove]
    gained: list[Outlier]
    lost: list[Outlier]
    hidden_states: int
    units: list[UnitMoves]


def moves(a: Profile, b: Profile) -> Moves:
    """Return what moved between two profiles.

    Raises:
        UsageError: they are of other sizes or other steps.
    """
    check_comparable(a, b)
    mine, theirs = findings(a), findings(b)
    paired = same_sentences(a, b)
    steps = [found for one, other in pairs(a, b) if (found := shift(one, other, paired=paired)) is not None]
    before, after = ({one.dimension for one in found.outliers} for found in (mine, theirs))
    return Moves(
        a=a,
        b=b,
        paired=paired,
        same=_numbers(a) == _numbers(b),
        differs=[*_differs(a, b)],
        steps=sorted(steps, key=lambda one: one.chance - one.distance),
        heads=head_moves(mine.heads, theirs.heads),
        gained=[one for one in theirs.outliers if one.dimension not in before],
        lost=[one for one in mine.outliers if one.dimension not in after],
        hidden_states=len(theirs.magnitudes),
        units=_units(mine, theirs),
    )


def _numbers(profile: Profile) -> object:
    """Return all numbers of a profile; the examples' texts are none."""
    steps = [[(output.numbers, _bare(output.dimensions)) for output in step.outputs] for step in profile.steps]
    return steps, profile.heads, profile.answers


def _bare(dimensions: Dimensions | None) -> Dimensions | None:
    return None if dimensions is None else structs.replace(dimensions, examples=[])


def _differs(a: Profile, b: Profile) -> Iterator[tuple[str, str, str]]:
    told = (
        ("model", a.model.name, b.model.name),
        ("weights", a.weights[:12], b.weights[:12]),
        ("corpus", *_corpora(a, b)),
        ("batch size", str(a.input.batch_size), str(b.input.batch_size)),
        ("tokens per batch", _most(a.input.batch_tokens), _most(b.input.batch_tokens)),
        ("dtype", a.model.dtype, b.model.dtype),
        ("device", a.model.device, b.model.device),
        ("torch", a.environment.torch, b.environment.torch),
        ("transformers", a.environment.transformers, b.environment.transformers),
    )
    yield from (each for each in told if each[1] != each[2])


def _most(tokens: int | None) -> str:
    return "no limit" if tokens is None else f"{tokens:,} at most"


def same_sentences(a: Profile, b: Profile) -> bool:
    """Whether two profiles are over the same sentences, cut at the same length."""
    told = (
        (each.input.digests, each.input.done, each.input.max_length, each.input.truncate, each.input.tokens)
        for each in (a, b)
    )
    return next(told) == next(told)


def _corpora(a: Profile, b: Profile) -> tuple[str, str]:
    """Return what the two corpora are called; the same where the same sentences stand in the same blocks."""
    if same_sentences(a, b):
        return "", ""
    one, other = (f"{', '.join(each.input.files[:2])} ({each.input.sentences:,} sentences)" for each in (a, b))
    return (one, other) if one != other else (one, f"{other}, other sentences")


def head_moves(a: Sequence[Sequence[Look]], b: Sequence[Sequence[Look]]) -> list[HeadMove]:
    """Return how each head moved from A to B, the farthest first."""
    found = []
    for one, other in zip(chain.from_iterable(a), chain.from_iterable(b), strict=True):
        changes: dict[Place, float] = {place: other.shares[place] - one.shares[place] for place in one.shares}
        place = max(changes, key=lambda each: abs(changes[each]))
        found.append(HeadMove(a=one, b=other, place=place, change=changes[place]))
    return sorted(found, key=lambda move: -abs(move.change) if move.change == move.change else 0.0)


def _units(a: Findings, b: Findings) -> list[UnitMoves]:
    found, others = [], {each.layer: each for each in b.units}
    for mine in a.units:
        if mine.layer not in others:
            continue
        theirs = others[mine.layer]
        before, after = ({*each.dead, *each.nearly_dead} for each in (mine, theirs))
        if before != after:
            found.append(UnitMoves(layer=mine.layer, gained=sorted(after - before), lost=sorted(before - after)))
    return found
