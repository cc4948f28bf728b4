"""The answer of each kind of head, in words and as a table."""

from collections.abc import Callable

from ..families import heads
from ..traces.lookup import class_name, gives_several_labels
from ..traces.output import Output
from ..traces.sentences import names_of_special
from ..traces.values import Number
from .station import Table
from .tour import Tour, joined

Told = tuple[tuple[str, ...], Table, bool]
"""Sentences, the table, and whether a probability of it can be worked out."""


def answer(tour: Tour, output: Output) -> Told | None:
    """Return the answer of a model to the sentence; None where it gives none."""
    if tour.trace.model.task == heads.REPLACED_TOKENS.task and output.tokens:
        return _tokens(tour, output)
    make = _BY_TASK.get(tour.trace.model.task)
    return None if make is None else make(tour, output)


def warnings(tour: Tour, output: Output) -> tuple[str, ...]:
    """Return sentences on why an answer means nothing, where it does not."""
    told = []
    task = tour.trace.model.task
    if tour.is_random:
        told.append("The weights are random, so this answer means nothing.")
    elif not _is_meant(tour):
        told.append("Weights of the head were drawn at random, so this answer means nothing.")
    elif task in _OF_TWO_TEXTS and output.predictions and tour.batch.pairs is None:
        told.append("This head compares two texts and there is one only, so what it says of them means nothing.")
    return tuple(told)


_OF_TWO_TEXTS = (heads.NEXT_SENTENCE.task, heads.PRE_TRAINING.task)


def _is_meant(tour: Tour) -> bool:
    """Whether the weights that make the answer were learned."""
    weights = tour.trace.model.weights
    return weights == "pretrained" or (weights == "partial" and tour.trace.model.task == heads.NO_HEAD.task)


def _named(tour: Tour, label: str, index: int) -> str:
    """Return a class by its label; by its number where the label would pass for an answer."""
    return label if _is_meant(tour) else f"class {index}"


def _classes(tour: Tour, output: Output) -> Told | None:
    logits = output.class_logits
    if tour.row >= len(logits) or not logits[tour.row]:
        return None
    own = logits[tour.row]
    names = [_named(tour, _class_of(tour, place), place) for place in range(len(own))]
    if output.probabilities is None:
        told: tuple[str, ...] = (
            "This model gives no probabilities.",
            "Its output is the answer: a number on the scale that its labels had in training.",
        )
        return told, Table(
            headers=("output", "value"),
            rows=tuple((name, _number(value)) for name, value in zip(names, own, strict=True)),
            numbers=(1,),
        ), False  # fmt: skip
    shares = output.probabilities[tour.row]
    softmax = abs(sum(float(share) for share in shares) - 1) < 1e-4 and not gives_several_labels(tour.trace.model)
    how = (
        "The softmax turns the logits into probabilities that add up to 1; the largest is the answer."
        if softmax
        else "A sigmoid turns each logit into a probability of its own: each class is right or wrong by itself."
    )
    best = output.predictions[tour.row] if tour.row < len(output.predictions) else None
    above = [name for name, share in zip(names, shares, strict=True) if float(share) > 0.5]
    told = (how, f"Above one half {'is' if len(above) == 1 else 'are'} {joined(above) if above else 'none of them'}.")
    if best is not None and softmax and _is_meant(tour):
        told = (how, f"The model says {best.label}, with a probability of {_percent(best.score)}.")
    rows = tuple((name, _number(logit), _percent(share)) for name, logit, share in zip(names, own, shares, strict=True))
    return told, Table(headers=("class", "logit", "probability"), rows=rows, numbers=(1, 2)), True


def _class_of(tour: Tour, place: int) -> str:
    classes = heads.NEXT_SENTENCE.classes if tour.trace.model.task == heads.NEXT_SENTENCE.task else ()
    return classes[place] if place < len(classes) else class_name(tour.trace.model, place)


def _tokens(tour: Tour, output: Output) -> Told | None:
    if tour.row >= len(output.tokens):
        return None
    shown = tour.names.texts(tour.row)
    rows = tuple(
        (token, _named(tour, found.label, found.index), _percent(found.score))
        for token, found in zip(shown, output.tokens[tour.row], strict=True)
        if found is not None
    )
    told = (
        "Each token has its own logits, and so its own answer.",
        "A softmax turns them into probabilities; the class with the highest one is the token's.",
    )
    if tour.trace.model.task == heads.REPLACED_TOKENS.task:
        told = (
            "For each token a sigmoid turns the logit into the probability that the token was replaced.",
            "Above one half the model says that it was.",
        )
    return told, Table(headers=("token", "class", "probability"), rows=rows, numbers=(2,)), False


def _spans(tour: Tour, output: Output) -> Told | None:
    if tour.row >= len(output.answers):
        return None
    found = output.answers[tour.row]
    told = (
        f"Two softmaxes over {names_of_special(tour.batch)[0]} and the tokens of the context say where an answer "
        "begins and where it ends.",
        "The answer is the span whose two probabilities have the largest product.",
    )
    row = (found.text or "no answer", f"{found.start} to {found.end}" if found.text else "", _percent(found.score))
    return told, Table(headers=("answer", "characters", "probability"), rows=(row,), numbers=(2,)), False


def _masks(tour: Tour, output: Output) -> Told | None:
    here = [mask for mask in output.masks if mask.sentence == tour.row]
    told: tuple[str, ...] = ("At each mask a softmax over the whole vocabulary says which token may stand there.",)
    if not here:
        told = (*told, "This text has no mask, so there is nothing to fill in.")
    rows = tuple(
        (str(mask.position), candidate.token, _percent(candidate.probability))
        for mask in here
        for candidate in mask.tokens[:5]
    )
    if tour.row < len(output.predictions) and tour.batch.pairs is not None and _is_meant(tour):
        # pre-training asks about the second text too
        best = output.predictions[tour.row]
        told = (*told, f"Of the two texts the model says {best.label}, with a probability of {_percent(best.score)}.")
    return told, Table(headers=("place", "token", "probability"), rows=rows, numbers=(0, 2)), False


def _choices(tour: Tour, output: Output) -> Told | None:
    if not output.class_logits or output.probabilities is None:
        return None
    logits, shares = output.class_logits[0], output.probabilities[0]
    texts = tour.batch.pairs or tour.batch.texts
    told = (
        "The model read each choice as a text of its own; one softmax over their logits compares them.",
        "The choice with the highest probability is the answer.",
    )
    rows = tuple(
        (text, _number(logit), _percent(share)) for text, logit, share in zip(texts, logits, shares, strict=False)
    )
    return told, Table(headers=("choice", "logit", "probability"), rows=rows, numbers=(1, 2)), False


def _similarity(tour: Tour, output: Output) -> Told | None:
    if output.pooled is None or len(tour.batch.texts) < 2:
        return None
    cosine = output.pooled.cosine
    told = (
        f"One vector for each text is made out of those of its tokens (pooling: {output.pooled.kind}).",
        "The cosine says how alike two of them are, from -1 to 1.",
    )
    numbers = tuple(str(at + 1) for at in range(len(cosine)))
    rows = tuple(
        (text, *(f"{float(value):.2f}" for value in row)) for text, row in zip(tour.batch.texts, cosine, strict=True)
    )
    return told, Table(headers=("text", *numbers), rows=rows, numbers=tuple(range(1, len(cosine) + 1))), False


_BY_TASK: dict[str, Callable[[Tour, Output], Told | None]] = {
    heads.SEQUENCE_CLASSIFICATION.task: _classes,
    heads.NEXT_SENTENCE.task: _classes,
    heads.TOKEN_CLASSIFICATION.task: _tokens,
    heads.QUESTION_ANSWERING.task: _spans,
    heads.MASKED_LM.task: _masks,
    heads.PRE_TRAINING.task: _masks,
    heads.MULTIPLE_CHOICE.task: _choices,
    heads.NO_HEAD.task: _similarity,
}


def _number(value: Number) -> str:
    return value if isinstance(value, str) else f"{value:.4f}"


def _percent(value: Number) -> str:
    return value if isinstance(value, str) else f"{100 * value:.1f} %"
