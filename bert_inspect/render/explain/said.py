"""An explanation in words: what is explained, whether it adds up, what was held, what the check found."""

import math
from typing import Protocol

from ...analysis.explain.explanation import Answer, Explanation, Faithfulness, Logit, Removed, Target, Total
from ...safetext import safe_text
from ...traces.record import Input, Model
from ...traces.token_text import shown_token, token_text
from ..outcome.meaning import LABEL, NO_ANSWER, fine_percent, means_something
from ..words import plural
from .digits import decimals, plain, size

DIRECT = (
    "Direct paths: what each component adds by itself, carried to the head by residual sums and norms alone. What "
    "later layers make of it counts as theirs."
)
LAYERS = "The head was trained for that one alone: what it says of earlier ones is a picture, not an answer."
CONSTANT = (
    "The answer from hidden_states[0] is the same for every sentence: there the token that the head reads has seen no "
    "other."
)

COMPREHENSIVENESS = "how far it falls when these words are masked: the more, the better"
SUFFICIENCY = "how far it falls when all words but these are masked: the less, the better"
MEAN_DROP = "mean drop"


class OfRun(Protocol):
    """What was made of one run of a model."""

    @property
    def model(self) -> Model:
        """The model that ran."""

    @property
    def input(self) -> Input:
        """Its sentences."""


class OfNumber(Protocol):
    """What is told of one number that a model gave for a sentence."""

    @property
    def sentence(self) -> int:
        """The sentence's row in the batch."""

    @property
    def target(self) -> Target:
        """The number."""


def noise(model: Model) -> str:
    """Return why an explanation means nothing, empty where it means something."""
    if means_something(model):
        return ""
    return f"{NO_ANSWER[model.weights]}, and an explanation of them is one of noise"


def held(explanation: Explanation) -> str:
    """Return what was held fixed, empty where nothing was."""
    if not explanation.frozen:
        return ""
    return f"Held at their values in this run: {', '.join(map(safe_text, explanation.frozen))}; the rest is a sum."


def heading(explanation: OfRun, answer: OfNumber) -> str:
    """Return what is explained in a line: ``logit of positive  2.3737 (99.2 %)``."""
    what, value, share = explained(explanation, answer)
    if not share:
        return f"{what}  {value}"
    return f"{what}  {value} = {share}" if answer.target.log_odds else f"{what}  {value} ({share})"


def title(explanation: OfRun, answer: OfNumber) -> str:
    """Return the texts of an answer in a line."""
    batch = explanation.input
    text = batch.texts[answer.sentence]
    if batch.pairs is None:
        return text
    return f"{text}{' ' if answer.target.what == 'choice' else ' with '}{batch.pairs[answer.sentence]}"


def explained(explanation: OfRun, answer: OfNumber) -> tuple[str, str, str]:
    """Return what is explained, its value, and what that means: ``logit of positive``, ``2.3737``, ``99.2 %``."""
    target, batch = answer.target, explanation.input
    meant = means_something(explanation.model)
    if target.against is not None:
        one, other = (name_of(target, logit, batch, meant=meant) for logit in (target.of, target.against))
        value = float(target.of.logit) - float(target.against.logit)
        told = f"{one} - {other}{_at(target, batch, answer.sentence)}"
        return told, plain(value, decimals([value])), _odds(target, one, other)
    value_ = plain(target.of.logit, decimals([target.of.logit]))
    share = "" if target.of.probability is None else fine_percent(target.of.probability)
    return _of_one(target, explanation, answer.sentence, meant=meant), value_, share


def _odds(target: Target, one: str, other: str) -> str:
    against = target.against
    assert against is not None
    if target.of.probability is None or against.probability is None:
        return "difference of two scores"
    if target.log_odds:
        return f"the log-odds of {one} ({fine_percent(target.of.probability)})"
    return (
        f"difference of logits: {one} {fine_percent(target.of.probability)}, "
        f"{other} {fine_percent(against.probability)}"
    )


def _of_one(target: Target, explanation: OfRun, row: int, *, meant: bool) -> str:
    batch = explanation.input
    name = name_of(target, target.of, batch, meant=meant)
    where = _at(target, batch, row)
    if target.what in ("start of the answer", "end of the answer"):
        return f"logit of the {target.what}{where}"
    if target.what == "class" and target.of.probability is None:
        several = len(explanation.model.config.get("id2label") or ()) > 1
        return f"score of {name}" if several or target.of.label != _UNNAMED else "score"
    return f"logit of {name}{where}"


def name_of(target: Target, logit: Logit, batch: Input, *, meant: bool) -> str:
    """Return a class, a choice or a predicted token as it is shown; of a random head its number alone."""
    if target.what == "choice":
        which = f"choice {(logit.index or 0) + 1}"
        return f'{which} "{safe_text(logit.label, most=_CHOICE)}"'
    if target.what == "token at a mask":
        return safe_text(token_text(logit.label, batch.pieces), most=LABEL) if meant else f"token id {logit.index}"
    if not meant and logit.index is not None:
        return f"class {logit.index}"
    return safe_text(logit.label, most=LABEL)


_CHOICE = 60
_UNNAMED = "LABEL_0"
"""What transformers calls the one output of a model that names none."""


def _at(target: Target, batch: Input, row: int) -> str:
    if target.token is None:
        return ""
    return f" at token {target.token} ({safe_text(shown_token(batch, row, target.token), most=LABEL)})"


def unit(answer: OfNumber) -> str:
    """Return what the explained number is called in short."""
    target = answer.target
    if target.against is not None:
        return "log-odds" if target.log_odds else "difference"
    return "score" if target.what == "class" and target.of.probability is None else "logit"


def for_and_against(explanation: OfRun, answer: OfNumber) -> tuple[str, str]:
    """Return what a positive share speaks for, and what a negative one does."""
    target = answer.target
    meant = means_something(explanation.model)
    if target.against is not None:
        one, other = (name_of(target, logit, explanation.input, meant=meant) for logit in (target.of, target.against))
        return f"for {one}", f"for {other}"
    if unit(answer) == "score":
        return "raises the score", "lowers it"
    if target.what in ("start of the answer", "end of the answer"):
        return f"for this {target.what.partition(' ')[0]}", "against it"
    return f"for {name_of(target, target.of, explanation.input, meant=meant)}", "against it"


def summed(total: Total, answer: Answer, digits: int) -> str:
    """Return what the rows add up to beside what the model returned:
    ``sum 2.3141 = logit 2.3141 (differs by 3e-7, rounding explains 1e-6)``.
    """
    name, value = unit(answer), plain(total.value, digits)
    close = abs(float(total.difference)) < 0.5 * 10.0**-digits
    sum_ = value if close else plain(total.sum, digits)
    rest = f"(differs by {size(total.difference)}, rounding explains {size(total.rounding)})"
    if total.adds_up:
        return f"sum {sum_}{' =' if sum_ == value else ','} {name} {value} {rest}"
    return (
        f"the rows do not add up: sum {plain(total.sum, digits)}, {name} {value} "
        f"(differs by {size(total.difference)}, rounding explains {size(total.rounding)} only)"
    )


def sums(answer: Answer, digits: int) -> list[tuple[str, bool]]:
    """Return the last lines of a sum, each with whether it adds up: that it does at every hidden state, and that it
    does; at which it does not.
    """
    if answer.total is None:
        return []
    told = []
    if broken := [str(cut.layer) for cut in answer.cuts if not cut.total.adds_up]:
        told.append((f"cut at hidden_states[{', '.join(broken)}] it does not add up", False))
    elif answer.cuts:
        told.append((f"cut at each of the {plural(len(answer.cuts), 'hidden state')} it adds up too", True))
    enough = max(digits, decimals([answer.total.value]))
    return [*told, (summed(answer.total, answer, enough), answer.total.adds_up)]


NAMES = {"explanation": "by shares", "occlusion": "by occlusion", "random": "at random"}
"""The orders in which words are masked."""


def verdict(found: Faithfulness) -> str:
    """Return in one sentence whether masking the words with the largest shares lowers the number fastest."""
    drops = {order.order: float(order.aopc) for order in found.orders}
    own, random = drops.get("explanation"), drops.get("random")
    if own is None or random is None:
        return ""
    what = "the probability" if found.quantity == "probability" else "the number"
    said = f"mean drop {own:.3f} against {random:.3f}"
    if "occlusion" in drops:
        said += f"; by occlusion {drops['occlusion']:.3f}"
    if own <= 0:  # of an answer that the model does not give, words may only have kept the number down
        return f"Masking the words with the largest shares first does not lower {what} ({said})."
    if own > random:
        return f"Masking the words with the largest shares first lowers {what} faster than random order ({said})."
    how = "no faster than" if own == random else "less than"
    return f"Masking the words with the largest shares first lowers {what} {how} random order ({said})."


def order_name(order: Removed) -> str:
    """Return how the words were ordered."""
    return NAMES[order.order]


def share_in(value: float, found: Faithfulness) -> str:
    """Return a number of the check: a probability in percent, else as it is."""
    return f"{100 * value:.1f}" if found.quantity == "probability" else plain(value, 3)


def counted(found: Faithfulness) -> str:
    """Return how many words there are, and how many sentences were run to mask them."""
    return f"{plural(found.words, 'word')}, {plural(found.forwards, 'sentence')} run with some of them masked"


def curve_title(found: Faithfulness) -> str:
    """Return what the curve shows."""
    what = "probability in percent" if found.quantity == "probability" else "explained number"
    return f"{what} after masking so many of the words"


def benchmarks(found: Faithfulness) -> list[tuple[str, list[list[float]], str]]:
    """Return comprehensiveness and sufficiency: the name, the numbers of each order, and what they say."""
    return [
        ("comprehensiveness", [list(map(float, order.comprehensiveness)) for order in found.orders], COMPREHENSIVENESS),
        ("sufficiency", [list(map(float, order.sufficiency)) for order in found.orders], SUFFICIENCY),
    ]


def range_of(found: Faithfulness) -> tuple[float, float]:
    """Return the lowest and the highest number that a curve may have, or has where there are no bounds."""
    if found.quantity == "probability":
        return 0.0, 1.0
    values = [float(found.before), *(float(value) for order in found.orders for value in order.curve)]
    known = [value for value in values if math.isfinite(value)] or [0.0]
    return min(known), max(known)


def axis_number(value: float, found: Faithfulness) -> str:
    """Return a number beside an axis."""
    return f"{100 * value:.0f}" if found.quantity == "probability" else f"{value:.2f}"
