"""Steps, places and verdicts in words, the same for the picture and for scripts."""

from collections.abc import Sequence
from typing import Protocol

from ..traces.record import Input, Step
from ..traces.token_text import shown_token
from ..traces.values import Number
from ..traces.vocabulary import labels, roles
from ..traces.vocabulary.axes import FOLDED, TOKEN_AXES, Axis, one_of
from .difference import Answer, Answers, StepDiff


class Placed(Protocol):
    """A step, wherever it is told of."""

    @property
    def layer(self) -> int | None:
        """The encoder layer that it is in."""

    @property
    def part(self) -> str:
        """The part of the model that it belongs to."""

    @property
    def label(self) -> str:
        """What its tensor is."""


def where(step: Placed) -> str:
    """Return where a step stands, as one says it: ``layer 7, attention scores``."""
    if step.layer is None:
        part = step.part if step.part in (roles.EMBEDDINGS, roles.POOLER) else ""
        return f"{part}, {step.label}" if part and step.label != part else step.label
    if step.label == labels.layer(step.layer):
        return step.label
    around = ""
    if step.label in labels.TWICE_IN_A_LAYER:
        around = f"{labels.ATTENTION_OUTPUT if step.part == roles.ATTENTION else labels.OUTPUT}, "
    return f"layer {step.layer}, {around}{step.label}"


def times(number: Number | None) -> str:
    """Return a multiple of the tolerance: ``0.31``, ``12``, ``3,400``."""
    if number is None:
        return "-"
    if isinstance(number, str):
        return "infinite"
    if number >= 1e7:
        return f"{number:.0e}".replace("e+0", "e").replace("e+", "e")
    if number >= 10:
        return f"{float(f'{number:.2g}'):,.0f}"
    return f"{number:.2g}"


def place_in_words(place: Sequence[int], axes: Sequence[Axis] | None, batch: Input, *, heads: int | None) -> str:
    """Return an index in the names of its axes: ``sentence 1, token 3 (cats), hidden 17``; ``heads`` is how many the
    model has, by which an axis of sentences and heads is told apart.
    """
    if axes is None or len(axes) != len(place):
        return f"[{', '.join(map(str, place))}]"
    if FOLDED in axes and heads:
        at = list(axes).index(FOLDED)
        axes = [*axes[:at], "batch", "heads", *axes[at + 1 :]]
        place = [*place[:at], *divmod(place[at], heads), *place[at + 1 :]]
    row = next((index for axis, index in zip(axes, place, strict=True) if axis == "batch"), 0)
    parts = []
    for axis, index in zip(axes, place, strict=True):
        if axis == "batch":
            parts.append(f"sentence {index + 1}")
        elif axis in TOKEN_AXES:
            tokens = batch.tokens[row] if row < len(batch.tokens) else []
            word = f" ({shown_token(batch, row, index)})" if index < len(tokens) else ""
            parts.append(f"{one_of(axis)} {index}{word}")
        else:
            parts.append(f"{one_of(axis)} {index}")
    return ", ".join(parts)


def verdict(
    steps: Sequence[StepDiff],
    first: StepDiff | None,
    missing: tuple[Sequence[Step], Sequence[Step]],
    *,
    given: bool,
    failed: bool = False,
) -> str:
    """Return the answer in a sentence.

    ``missing`` are the modules that only one of the two runs has, A's and B's; ``given`` says that a tolerance was
    given, ``failed`` that the forward of one of the two failed.
    """
    floor = "the tolerance" if given else "the rounding tolerance"
    lacks = _lacks(missing, failed=failed)
    known = [step for step in steps if step.status != "unknown"]
    if first is not None:
        if first.times is None or first.times == "Infinity":
            how = first.note or "its numbers are exact, and differ"
        else:
            how = f"{times(first.times)} x {floor}"
        before = steps[: steps.index(first)]
        unknown = sum(1 for step in before if step.status == "unknown")
        agrees = "everything before agrees" if before else "it is the first step"
        if unknown == len(before) and before:
            agrees = "nothing before could be compared"
        elif unknown:
            agrees = f"what could be compared before agrees ({unknown} of {len(before)} steps could not)"
        return "; ".join([f"first divergence: {where(first)}, {how}", agrees, *lacks])
    if lacks:
        return "; ".join(["different", *lacks, "what both have agrees"])
    if not known:
        return "the same shapes; no numbers of the two can be compared"
    of = f"{len(known)} steps"
    if len(known) < len(steps):
        of = f"{len(known)} of {len(steps)} steps that could be compared"
    exact = all(step.status == "identical" for step in known)
    if exact:
        how = "bitwise" if all(step.by == "values" for step in known) else "in all their statistics"
        return f"the same: all {of} agree {how}"
    worst = max(known, key=lambda step: float(step.times or 0))
    begins = next(place for place, step in enumerate(known) if step.status == "noise")
    # Where nothing should have rounded otherwise, this is where to look for what the floor hides.
    equal = f"; bitwise identical up to {where(known[begins])}" if begins else ""
    return f"the same: all {of} agree within {floor} (at most {times(worst.times)} x, {where(worst)}){equal}"


def verdict_on_texts(
    answered: Sequence[Answers], missing: tuple[Sequence[Step], Sequence[Step]], *, failed: bool
) -> str:
    """Return the answer in a sentence where the two runs were given other sentences: how far apart the logits are, and
    whether the predictions change.
    """
    parts = []
    if answered and all(each.a.trained and each.b.trained for each in answered):
        changed = [each for each in answered if each.a.label != each.b.label]
        what = "the answer" if answered[0].a.index < 0 else "the prediction"
        if len(answered) > 1:
            parts.append(f"{what} changes for {len(changed)} of {len(answered)}")
        elif changed:
            parts.append(f"{what} changes from {_label(changed[0].a)} to {_label(changed[0].b)}")
        elif answered[0].a.probability:
            parts.append(f"{what} stays {_label(answered[0].a)}")
    apart = [float(each.logits) for each in answered if each.logits is not None]
    if apart:
        worst = max(apart)
        where_ = f" (sentence {apart.index(worst) + 1})" if len(apart) > 1 else ""
        parts.append(f"the logits differ by up to {worst:.4g}{where_}" if worst else "the logits are equal")
    parts += _lacks(missing, failed=failed)
    return "; ".join(["the sentences differ", *parts])


def _label(answer: Answer) -> str:
    """Return what a run answers; of a long answer that is no class its beginning."""
    text = answer.label
    return f"{text[:_ANSWER]} ..." if answer.index < 0 and len(text) > _ANSWER else text


_ANSWER = 60


def _lacks(missing: tuple[Sequence[Step], Sequence[Step]], *, failed: bool) -> list[str]:
    """Return what only one of the two runs has."""
    lacks = [
        f"{name} has no {_several(names)}"
        for name, gone in (("B", missing[0]), ("A", missing[1]))
        # That one of them is a body alone is told by the head that it has not.
        if (names := [where(step) for step in gone if step.role != roles.BODY])
    ]
    return ["the forward of one failed", *lacks] if failed else lacks


def _several(names: Sequence[str]) -> str:
    between = "; " if any("," in name for name in names) else ", "
    if len(names) > 3:
        return f"{names[0]}{between}{names[1]} ... {names[-1]}"
    return f"{between.join(names[:-1])}{';' if between == '; ' else ''} and {names[-1]}" if names[1:] else names[0]
