"""Patches in words: what was put in, what a number says, which places carry the whole answer."""

from msgspec import structs

from ...analysis.effects.record import AnswerEffects, Effects
from ...safetext import safe_text
from ...traces.record import Model
from ...traces.token_text import shown_token
from ..explain.digits import decimals, plain
from ..explain.said import name_of, title
from ..outcome.meaning import LABEL, NO_ANSWER, means_something
from .said import answer_word

_UNITS = {
    "layer-token": "the hidden state of each token, before the first layer and after each,",
    "head": "the context of each head",
    "attention": "the context of all heads of each layer",
    "intermediate": "what the neurons of each layer hand to the output projection",
}
PLURALS = {
    "layer-token": "hidden states",
    "head": "heads",
    "attention": "attention blocks",
    "intermediate": "feed-forward blocks",
}
_DIRECTIONS = {
    "denoising": (
        "Denoising puts clean activations into the corrupt run. Effect 0: nothing changes, 1: the clean number comes "
        "back whole. A place with 1 is sufficient for the difference: it alone carries it."
    ),
    "noising": (
        "Noising puts corrupt activations into the clean run. Effect 0: nothing changes, 1: the number falls to the "
        "corrupt one. A place with 1 is necessary for the difference: without it nothing of it is left."
    ),
}
_BEYOND = "Below 0 the number moves the other way, above 1 beyond the other run. Effects of several places do not add."


def noise(model: Model) -> str:
    """Return why effects mean nothing, empty where they mean something."""
    return "" if means_something(model) else f"{NO_ANSWER[model.weights]}, and so is what a patch does to them"


def done(found: Effects) -> str:
    """Return what was put where."""
    one, other = ("clean", "corrupt") if found.direction == "denoising" else ("corrupt", "clean")
    return f"In turn {_UNITS[found.each]} is taken from the {one} run and put into the {other} run."


def reading(found: Effects) -> str:
    """Return what the direction means, and the size of an effect."""
    return f"{_DIRECTIONS[found.direction or 'denoising']} {_BEYOND}"


def number(found: Effects) -> str:
    """Return which number is watched: ``logit of positive - negative``."""
    target, meant = found.answers[0].target, means_something(found.model)
    one = name_of(target, target.of, found.input, meant=meant)
    if (what := answer_word(found.answers[0])) != "answer":
        one = f"the {what}"
    at = "" if target.token is None else f" at token {target.token}"
    if found.metric == "probability":
        return f"probability of {one}{at}"
    if target.against is not None:
        return f"logit of {one} - {name_of(target, target.against, found.input, meant=meant)}{at}"
    return "score" if found.metric == "score" else f"logit of {one}{at}"


def answer(found: Effects, told: str) -> str:
    """Return what the model answers; nothing where that means nothing."""
    return safe_text(told, most=LABEL) if means_something(found.model) else ""


def token(found: Effects, row: int, place: int) -> str:
    """Return a token of one of the two sentences: 0 the clean one, 1 the corrupt one."""
    return safe_text(shown_token(found.input, row, place), most=LABEL)


def differs(found: Effects, place: int) -> bool:
    """Whether the two sentences have another token in a place."""
    return shown_token(found.input, 0, place) != shown_token(found.input, 1, place)


def runs(found: Effects, told: AnswerEffects) -> list[tuple[str, str, str, str]]:
    """Return of each of the two runs its name, its text, what the model answers, and the number that is watched."""
    numbers = [float(number or 0.0) for number in (told.clean, told.corrupt)]
    digits = decimals(numbers)
    rows = (("clean", told.clean_answer), ("corrupt", told.corrupt_answer))
    return [
        (name, title(found, structs.replace(told, sentence=row)), answer(found, given), plain(numbers[row], digits))
        for row, (name, given) in enumerate(rows)
    ]


def conclusion(found: Effects, told: AnswerEffects) -> str:
    """Return in one sentence how many patches change the answer; empty where there is no answer."""
    if not told.answer or not means_something(found.model):
        return ""
    flips = sum(effect.flips for effect in told.effects)
    own = safe_text(told.answer, most=LABEL)
    count = len(told.effects)
    of, what = "1 patch" if count == 1 else f"{count:,} patches", answer_word(told)
    if not flips:
        return f"None of {of} changes the {what} from {own}."
    return f"{flips:,} of {of} {'changes' if flips == 1 else 'change'} the {what} from {own}."
