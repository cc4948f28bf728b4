"""The classes of whole sentences: which is answered to each, and what has to be known to read the scores."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ...families.heads import NEXT_SENTENCE, PRE_TRAINING, SENTENCE_ORDER
from ...safetext import safe_text
from ...traces.lookup import class_name, gives_several_labels
from ...traces.output import Output
from ...traces.record import Model, Trace
from ...traces.values import Number
from ..words import number
from .meaning import LABEL, Answer, means_something, named, percent, sigmoid

HALF = 0.5
"""The probability from which on a label of several is given."""
_ACTIVATED = 8
ONE_TEXT = "there is only one text, and this head is asked about two: give the second one (--pair)"
_ASK_OF_PAIRS: Final = (NEXT_SENTENCE.task, PRE_TRAINING.task)


def answers(trace: Trace, output: Output) -> list[Answer]:
    """Return the answer to every sentence: what a head says of a pair that is not there is none."""
    if lacks_pair(trace):
        return [Answer(name="none: there is only one text", score="", means_something=True)]
    return predicted(trace, output)


def predicted(trace: Trace, output: Output) -> list[Answer]:
    """Return the most probable class of every sentence, or those of which each passes one half."""
    meant = means_something(trace.model)
    if output.probabilities is not None and gives_several_labels(trace.model):
        return [_several(trace.model, row, meant=meant) for row in output.probabilities]
    if gives_scores(output):
        return [_scores(trace.model, row, meant=meant) for row in output.class_logits]
    return [
        Answer(
            name=named(prediction.label, prediction.index, meant=meant) if len(logits) > 1 else "score",
            score=number(prediction.score) if output.probabilities is None else percent(prediction.score),
            means_something=meant,
        )
        for prediction, logits in zip(output.predictions, output.logits, strict=True)
    ]


def class_label(trace: Trace, output: Output, place: int) -> str:
    """Return the name of one of the classes that the logits are of, as it may be shown; of a random head its number."""
    return named(_name(trace, output, place), place, meant=means_something(trace.model))


def _name(trace: Trace, output: Output, place: int) -> str:
    if trace.model.task not in _ASK_OF_PAIRS:
        return class_name(trace.model, place)
    said = {prediction.label for prediction in output.predictions}
    known = next((head.classes for head in (NEXT_SENTENCE, SENTENCE_ORDER) if said <= set(head.classes)), ())
    return known[place] if place < len(known) else f"LABEL_{place}"


def lacks_pair(trace: Trace) -> bool:
    """Whether the head is asked about a second text that is not there."""
    return trace.model.task in _ASK_OF_PAIRS and trace.input.pairs is None


def gives_scores(output: Output) -> bool:
    """Whether each of several outputs is a score of its own, so that none of them is the answer."""
    return output.probabilities is None and any(len(row) > 1 for row in output.class_logits)


def passes(share: Number) -> bool:
    """Whether a label of several is given."""
    return not isinstance(share, str) and share >= HALF


def _several(model: Model, row: Sequence[Number], *, meant: bool) -> Answer:
    given = [place for place, share in enumerate(row) if passes(share)]
    given.sort(key=lambda place: -float(row[place]))
    told = [f"{named(class_name(model, place), place, meant=meant)} {percent(row[place])}" for place in given]
    return Answer(name=", ".join(told) or "no label reaches 50 %", score="", means_something=meant)


def _scores(model: Model, row: Sequence[Number], *, meant: bool) -> Answer:
    told = [f"{named(class_name(model, place), place, meant=meant)} {number(score)}" for place, score in enumerate(row)]
    more = f" and {len(told) - _ACTIVATED} more" if len(told) > _ACTIVATED else ""
    return Answer(name=", ".join(told[:_ACTIVATED]) + more, score="", means_something=meant)


def notes(trace: Trace, output: Output) -> list[str]:
    """Return what has to be known to read the scores: what they are where they are no shares of one whole, and that
    there is no pair where the head is asked about one.
    """
    config = trace.model.config
    if lacks_pair(trace):
        return [ONE_TEXT]
    if not means_something(trace.model):
        return []
    if output.probabilities is not None:
        several = "a sentence may have several labels: each probability is a sigmoid of its own logit"
        return [several] if gives_several_labels(trace.model) else []
    name = _activation(config)
    if name in ("", "identity"):
        return ["the score is the model's raw output (logit): no activation is applied to it"]
    told = f"the score is the raw output (logit); config.json names an activation for it, {safe_text(name, most=LABEL)}"
    if name != "sigmoid":
        return [told]
    scores = [sigmoid(prediction.score) for prediction in output.predictions[:_ACTIVATED]]
    more = " ..." if len(output.predictions) > _ACTIVATED else ""
    return [f"{told}: {', '.join(map(number, scores))}{more}"]


def _activation(config: Mapping[str, Any]) -> str:
    """Return the activation that a cross-encoder's configuration names, in lower case and without its package; empty
    where it names none. sentence-transformers writes it (``CrossEncoder.save``), since 4.0 under a key of its own.
    """
    own = config.get("sentence_transformers")
    name = own.get("activation_fn") if isinstance(own, Mapping) else None
    name = name or config.get("sbert_ce_default_activation_function")
    return str(name).rpartition(".")[2].lower() if isinstance(name, str) else ""
