"""What one run answers to one sentence, whatever its head: a class, or words and what they consist of."""

from collections.abc import Callable, Sequence

from msgspec import structs

from ..families import heads
from ..traces.entities import entity_places
from ..traces.output import Output
from ..traces.record import Trace
from ..traces.token_text import shown_token, token_text
from ..traces.values import Number
from .difference import Answer, Part

_REPLACED = heads.REPLACED_TOKENS.classes.index("replaced")


def said(trace: Trace, output: Output, row: int) -> Answer | None:
    """Return the answer to a sentence, None where the model has no head, or the trace no answer to that sentence."""
    if trace.model.task == heads.REPLACED_TOKENS.task and output.tokens:
        return _replaced(trace, output, row)
    return _BY_TASK.get(trace.model.task, _class)(trace, output, row)


def _class(trace: Trace, output: Output, row: int) -> Answer | None:
    if row >= len(output.predictions):
        return None
    predicted = output.predictions[row]
    return Answer(
        text=trace.input.texts[row],
        pair=None if trace.input.pairs is None else trace.input.pairs[row],
        index=predicted.index,
        label=predicted.label,
        score=predicted.score,
        probability=output.probabilities is not None,
        trained=trace.model.weights == "pretrained",
    )


def _in_words(trace: Trace, row: int, label: str, *, parts: Sequence[Part], score: Number | None = None) -> Answer:
    return Answer(
        text=trace.input.texts[row],
        pair=None if trace.input.pairs is None else trace.input.pairs[row],
        index=-1,
        label=label,
        score=score,
        probability=True,
        trained=trace.model.weights == "pretrained",
        parts=list(parts),
    )


def _choice(trace: Trace, output: Output, row: int) -> Answer | None:
    """Return the chosen one of all texts: that it was chosen is said of what they have in common."""
    found = _class(trace, output, row)
    if found is None or trace.input.pairs is None:
        return found
    return structs.replace(found, pair=None)


def _entities(trace: Trace, output: Output, row: int) -> Answer:
    parts = [
        Part(
            text=_text(trace, row, side)[entity.start : entity.end],
            label=entity.entity_group,
            start=entity.start,
            end=entity.end,
            score=entity.score,
        )
        for entity, side, _ in entity_places(trace.input, output, row)
    ]
    return _in_words(trace, row, ", ".join(f"{one.text} {one.label}" for one in parts) or "no entity", parts=parts)


def _replaced(trace: Trace, output: Output, row: int) -> Answer:
    parts = [
        _token(trace, row, place, label=token.label, score=token.score)
        for place, token in enumerate(output.tokens[row])
        if token is not None and token.index == _REPLACED and not _special(trace, row, place)
    ]
    return _in_words(trace, row, ", ".join(one.text for one in parts) or "no token replaced", parts=parts)


def _span(trace: Trace, output: Output, row: int) -> Answer | None:
    if row >= len(output.answers):
        return None
    found = output.answers[row]
    if not found.text:
        return _in_words(trace, row, "no answer", parts=[], score=found.score)
    part = Part(text=found.text, label="answer", start=found.start, end=found.end, score=found.score)
    return _in_words(trace, row, found.text, parts=[part], score=found.score)


def _masks(trace: Trace, output: Output, row: int) -> Answer:
    parts = [
        _token(
            trace,
            row,
            mask.position,
            label=token_text(mask.tokens[0].token, trace.input.pieces),
            score=mask.tokens[0].probability,
        )
        for mask in output.masks
        if mask.sentence == row and mask.tokens
    ]
    score = parts[0].score if len(parts) == 1 else None
    return _in_words(trace, row, ", ".join(one.label for one in parts) or "no mask", parts=parts, score=score)


def _pre_training(trace: Trace, output: Output, row: int) -> Answer | None:
    masks, pair = _masks(trace, output, row), _class(trace, output, row)
    if pair is None or trace.input.pairs is None:
        return masks
    return _in_words(trace, row, f"{masks.label}; {pair.label}", parts=masks.parts)


def _nothing(trace: Trace, output: Output, row: int) -> None:
    return None


def _token(trace: Trace, row: int, place: int, *, label: str, score: Number) -> Part:
    batch = trace.input
    start, end = batch.offsets[row][place]
    return Part(text=shown_token(batch, row, place), label=label, start=start, end=end, score=score)


def _special(trace: Trace, row: int, place: int) -> bool:
    return bool(trace.input.special and trace.input.special[row][place])


def _text(trace: Trace, row: int, side: int) -> str:
    batch = trace.input
    return batch.pairs[row] if batch.pairs is not None and side else batch.texts[row]


_BY_TASK: dict[str, Callable[[Trace, Output, int], Answer | None]] = {
    heads.TOKEN_CLASSIFICATION.task: _entities,
    heads.QUESTION_ANSWERING.task: _span,
    heads.MASKED_LM.task: _masks,
    heads.PRE_TRAINING.task: _pre_training,
    heads.MULTIPLE_CHOICE.task: _choice,
    heads.NO_HEAD.task: _nothing,
}
