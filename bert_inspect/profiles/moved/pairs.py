"""The tensors of two profiles side by side; and whether the two can be held against each other at all."""

from collections.abc import Iterator

from ...errors import UsageError
from ..record import OutputProfile, Profile, StepProfile
from ..tensors import Tensor, tensors

_SIZES = ("layers", "hidden", "heads", "intermediate")
HINT = "compare profiles of one architecture, made with the same filters and --attention"


def check_comparable(a: Profile, b: Profile) -> None:
    """Refuse two profiles of other sizes or of other steps; weights and corpora may differ.

    Raises:
        UsageError: says what differs.
    """
    for name in _SIZES:
        one, other = getattr(a.model.sizes, name), getattr(b.model.sizes, name)
        if one != other:
            raise UsageError(f"these profiles are not comparable: the models have {name} {one} and {other}", HINT)
    for mine, theirs in zip(a.steps, b.steps, strict=False):
        if _what(mine) != _what(theirs):
            raise UsageError(
                f"these profiles are not comparable: A runs {_name(mine)} where B runs {_name(theirs)}", HINT
            )
    if len(a.steps) != len(b.steps):
        counts = f"A has {len(a.steps):,} steps and B {len(b.steps):,}"
        raise UsageError(f"these profiles are not comparable: {counts}", HINT)
    if [(each.layer, len(each.entropy)) for each in a.heads] != [(each.layer, len(each.entropy)) for each in b.heads]:
        raise UsageError("these profiles are not comparable: they tell of other heads", HINT)
    for held, other_held in pairs(a, b):
        sizes = [0 if each.dimensions is None else len(each.dimensions.zeros) for each in (held, other_held)]
        if sizes[0] != sizes[1]:
            told = f"{_name(held.step)} has {sizes[0]} and {sizes[1]} dimensions"
            raise UsageError(f"these profiles are not comparable: {told}", HINT)


def pairs(a: Profile, b: Profile) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield each tensor of A that has numbers of its own with that of B."""
    for mine, theirs in zip(tensors(a), tensors(b), strict=True):
        if mine.numbers is not None and theirs.numbers is not None and mine.own:
            yield mine, theirs


def _what(step: StepProfile) -> tuple[object, ...]:
    return step.kind, step.path, step.call, step.type, step.label, [_of(output) for output in step.outputs]


def _of(output: OutputProfile) -> tuple[object, ...]:
    return output.name, output.axes, output.label


def _name(step: StepProfile) -> str:
    return f"{step.path or step.type} ({step.label or step.type})"
