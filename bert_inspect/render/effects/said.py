"""Effects in words: what was done, what a number says, what is left of the answer."""

from collections.abc import Sequence

from ...analysis.effects.record import AnswerEffects, Each, Effect, Effects, Mean
from ...diff.align_words import words
from ...safetext import safe_text
from ...traces.record import Input, Model
from ...traces.token_text import shown_token, token_text
from ..explain.said import for_and_against
from ..outcome.meaning import LABEL, NO_ANSWER, means_something
from ..words import plural

UNITS: dict[Each, str] = {
    "head": "head",
    "layer": "layer",
    "attention": "attention block",
    "intermediate": "feed-forward block",
    "token": "token",
    "word": "word",
    "neuron": "neuron",
    "layer-token": "token in a layer",
}
_ZERO: dict[Each, str] = {
    "head": "its context set to 0 before the output projection",
    "layer": "left out, so that it hands on what it received",
    "attention": "the context of all its heads set to 0",
    "intermediate": "all its neurons set to 0",
    "neuron": "its activation set to 0",
    "token": "replaced by the mask",
    "word": "all its pieces replaced by the mask",
}
IMPORTANCE = (
    "Importance: how steeply the number changes as the head is scaled (the size of the gradient by a gate on it), each "
    "layer normalised to a length of 1. It ranks the heads of one layer, and says nothing of their sign."
)
_EDGES = ("start of the answer", "end of the answer")
"""Numbers that stand alone, beside which those of the other tokens count."""
NAME = 32
_NAMED = 6
"""So many units that flip an answer are named."""


def noise(model: Model) -> str:
    """Return why effects mean nothing, empty where they mean something."""
    if means_something(model):
        return ""
    return f"{NO_ANSWER[model.weights]}, and so is what an edit does to them"


def notes(found: Effects) -> list[str]:
    """Return what has to be known to read the numbers."""
    return [done(found), reading(found), *([averaged(found)] if found.means else [])]


def done(found: Effects) -> str:
    """Return what was done, and what an effect is."""
    what = f"Each {UNITS[found.each]}"
    if found.layer is not None:
        what += f" of layer {found.layer}"
    return f"{what} in turn: {_how(found)}. Effect: the number then, minus the number without edits."


def _how(found: Effects) -> str:
    how = safe_text(found.how, most=LABEL)
    if found.how == "zero":
        return _ZERO.get(found.each, "set to 0")
    if found.how == "mean":
        return "replaced by its mean over the tokens of these sentences"
    if found.how.startswith("mean:"):
        return f"replaced by its mean over the corpus of {how.removeprefix('mean:')}"
    if found.how.startswith("resample:"):
        return f"replaced by what it gives for {how.removeprefix('resample:')}"
    return f"what it adds scaled by {how}" if found.each == "layer" else f"scaled by {how}"


def reading(found: Effects) -> str:
    """Return how the sign of an effect is read."""
    if found.metric == "score":
        return "Below 0 the edit lowers the score, above 0 it raises it."
    watched = [found.watched] if found.watched else [answer.target for answer in found.answers]
    if any(each.what in _EDGES for each in watched):
        return (
            "Below 0 the edit lowers that logit, above 0 it raises it; the probability hangs on those of the other "
            "tokens too."
        )
    if found.watched:
        towards = _label(found, found.watched.target, "that one") if found.watched.target else "its answer"
        return f"Below 0 the model leans less to {towards} with the edit, above 0 more."
    sides = {for_and_against(found, answer)[0] for answer in found.answers}
    towards = sides.pop().removeprefix("for ") if len(sides) == 1 else "what is watched"
    return f"Below 0 the model leans less to {towards} with the edit, above 0 more."


def conclusion(found: Effects, answer: AnswerEffects) -> str:
    """Return in one sentence whether the answer hangs on any of what was edited; empty where there is no answer."""
    if not answer.answer or not means_something(found.model):
        return ""
    flips = [effect for effect in answer.effects if effect.flips]
    count, one = len(answer.effects), UNITS[found.each]
    own, what = safe_text(answer.answer, most=LABEL), answer_word(answer)
    if not flips and count == 1:
        return f"The {what} stays {own}."
    if not flips:
        return f"The {what} stays {own}, whichever of the {plural(count, one)} is edited."
    names = ", ".join(name(found, answer, effect) for effect in flips[:_NAMED])
    more = f" and {len(flips) - _NAMED} more" if len(flips) > _NAMED else ""
    verb = "flips" if len(flips) == 1 else "flip"
    return f"{len(flips):,} of {plural(count, one)} {verb} the {what} away from {own}: {names}{more}."


def answer_word(answer: AnswerEffects) -> str:
    """Return what is flipped: the answer, or where it starts or ends, of which a token is named."""
    what = answer.target.what
    return what if what in _EDGES else "answer"


def name(found: Effects, answer: AnswerEffects, effect: Effect) -> str:
    """Return what was edited, as it is shown: ``layer 3 head 7``, or a word."""
    if found.each in ("token", "word"):
        return safe_text(_text(found.input, answer.sentence, effect.tokens), most=LABEL)
    if found.each == "layer-token":
        state = 0 if effect.layer is None else effect.layer + 1
        return f"hidden_states[{state}]  {safe_text(_text(found.input, answer.sentence, effect.tokens), most=LABEL)}"
    return part_name(found.each, effect)


def part_name(each: Each, effect: Effect | Mean) -> str:
    """Return which part of the model was edited: ``layer 3 head 7``."""
    if each == "layer":
        return f"layer {effect.layer}"
    if each in ("head", "neuron"):
        return f"layer {effect.layer} {each} {effect.number}"
    return f"layer {effect.layer} {'feed-forward' if each == 'intermediate' else each}"


def averaged(found: Effects) -> str:
    """Return what the means are over, and what stands beside each."""
    count = max((mean.sentences for mean in found.means), default=0)
    beside = "; beside each its 95 % interval and how many answers flip" if count > 1 else ""
    return f"Means over {plural(count, 'sentence')} of {_watched(found)}{beside}."


def _watched(found: Effects) -> str:
    """Return which number of each sentence means are of."""
    watched = found.watched
    if watched is None or found.metric == "score":
        return "the score" if found.metric == "score" else "the number"
    at = "" if watched.token is None else f" at token {safe_text(watched.token, most=LABEL)}"
    if watched.what in _EDGES:
        return f"the logit of the {watched.what}{at}"
    one = f"the logit of {_label(found, watched.target) if watched.target else 'the answer'}{at}"
    if found.metric != "logit-diff":
        return one
    against = f"that of {_label(found, watched.against, 'another')}" if watched.against else "the largest of the others"
    return f"{one} minus {against}"


def _label(found: Effects, label: str, unnamed: str = "one") -> str:
    """Return a class or a token of the vocabulary by its name; ``unnamed`` of a head drawn at random."""
    if not means_something(found.model):
        return unnamed
    of_vocabulary = found.watched is not None and found.watched.what == "token at a mask"
    return safe_text(token_text(label, found.input.pieces) if of_vocabulary else label, most=LABEL)


def _text(batch: Input, row: int, places: Sequence[int]) -> str:
    if len(places) == 1:
        return shown_token(batch, row, places[0])
    return next((word.text for word in words(batch, row) if list(word.places) == list(places)), "")


def other_answer(found: Effects, effect: Effect) -> str:
    """Return what the model answers then, empty where it answers as before."""
    if not effect.flips:
        return ""
    return safe_text(effect.answer, most=LABEL) if means_something(found.model) else "another"
