"""Where a run lies in a corpus, in sentences: what was compared, what goes beyond, how often such answers are right."""

import math
from collections import Counter
from collections.abc import Iterator

from ...profiles.placement.answers import AnswerPlace
from ...profiles.placement.placement import Placement
from ...profiles.placement.steps import TIMES, StepPlace
from ..outcome.meaning import means_something, named, percent
from ..profiles import said
from ..words import plural

_ANSWERS = 8


def lead(found: Placement) -> str:
    """Return over which corpus the profile is, and what holds of its own sentences."""
    corpus = found.corpus.input
    own = "A sentence of it lies within its ranges" + (", unless it was cut there." if corpus.cut else ".")
    return f"{said.files(corpus)}: {said.corpus(found.corpus)}. {own}"


def warnings(found: Placement) -> Iterator[str]:
    """Yield what has to be known before anything is believed."""
    if noise := said.noise(found.corpus):
        yield noise
    if blocks := said.blocks(found.corpus.input):
        yield f"{blocks[:1].upper()}{blocks[1:]}."


def steps(found: Placement) -> str:
    """Return how many ranges lie where."""
    counts = Counter(step.verdict for step in found.steps)
    if not found.steps:
        return "No step that is shown here has numbers in the profile."
    beyond, large, odd = counts["beyond"], counts["large"], counts["not finite"]
    every = plural(len(found.steps), "tensor")
    told = [
        f"Of {every}, {_goes(beyond)} beyond what the corpus showed of {_them(beyond)}",
        _by_chance(found, len(found.steps)),
    ]
    if large:
        told.append(
            f"{plural(large, 'other')} {_have(large)} at least {TIMES:.0f} times the corpus's share of large numbers"
        )
    if odd:
        told.append(f"{odd:,} {_have(odd)} numbers that are not finite, as none is in the corpus")
    return f"{'. '.join(told)}."


def dimensions(found: Placement) -> str:
    """Return how many dimensions go beyond the corpus."""
    every, beyond = found.beyond
    if not every:
        return "No hidden state that is shown here is in the profile by dimension."
    return (
        f"Of {every:,} dimensions, counted in each hidden state, {_goes(beyond)} beyond what the corpus showed of "
        f"{_them(beyond)}. {_by_chance(found, every)}."
    )


def _goes(count: int) -> str:
    return "none goes" if not count else "1 goes" if count == 1 else f"{count:,} go"


def _them(count: int) -> str:
    return "them" if count > 1 else "it"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _by_chance(found: Placement, count: int) -> str:
    """Return how many of so many ranges would be passed on average, at either end, if there were nothing to it."""
    expected = count * min(2 * found.by_chance, 1)
    text = f"{math.ceil(expected):,}" if expected >= 10 else f"{math.ceil(10 * expected) / 10:.1f}"
    who = "one more sentence" if found.sentences == 1 else f"{found.sentences:,} more sentences"
    return f"With {who} drawn like those of the corpus, at most {text} would on average"


def verdict(step: StepPlace) -> str:
    """Return where the numbers of a tensor lie; empty where that is usual."""
    told = []
    if step.not_finite:
        told.append(f"{plural(step.not_finite, 'number')} not finite")
    if step.above and step.below:
        told.append("beyond both ends")
    elif step.above or step.below:
        told.append("above the maximum" if step.above else "below the minimum")
    if step.tail is not None and step.tail.many:
        told.append("many large numbers")
    return ", ".join(told)


def answers(found: Placement) -> list[str]:
    """Return what is said of the answers, a sentence or two for each; nothing where they mean nothing."""
    if not means_something(found.corpus.model):
        return []
    several = len(found.answers) > 1
    told = [
        f"{f'Answer to sentence {number}' if several else 'Answer'}: {_answer(each)}"
        for number, each in enumerate(found.answers[:_ANSWERS], start=1)
    ]
    if len(found.answers) > _ANSWERS:
        told.append(f"{plural(len(found.answers) - _ANSWERS, 'more sentence')} not listed.")
    if found.answers and not found.answers[0].labelled:
        told.append("The corpus has no labels, so how often such answers are right is not known.")
    return told


def _answer(one: AnswerPlace) -> str:
    name, tenth = named(one.label, one.index, meant=True), f"{100 * one.low:.0f} to {100 * one.high:.0f} %"
    if not one.labelled:
        held = ""
    elif not one.count:
        held = f" No sentence of the corpus that has a label was answered with {tenth}."
    else:
        held = (
            f" Answers with {tenth} were right in {one.right:,} of {plural(one.count, 'labelled sentence')} of the "
            f"corpus ({percent(one.right / one.count)})."
        )
    share = f"{one.alike:,} of {one.total:,}"
    return f"{name}, {percent(one.probability)}.{held} Of all sentences of the corpus, {share} got this answer."


HEADS = (
    "On average over the tokens, here and in the corpus. How much this changes from one sentence of the corpus to "
    "another a profile does not say; it also depends on how long a sentence is."
)
NO_HEADS = "No attention probabilities are in this profile: only --attention eager computes them."
TAIL = (
    "Large numbers: those of a magnitude that 1 in 1,000 numbers of the corpus reaches, or fewer. The grey bar is the "
    "range of the corpus, the line on it that of this run; what goes beyond is orange."
)
