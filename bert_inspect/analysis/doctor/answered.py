"""What a model answered, whatever its head: its main tensor, and each sentence's answer as one thing to compare."""

from collections.abc import Hashable

import numpy as np

from ...families.heads import Head
from ...traces.output import Output
from ...traces.record import Trace
from ...traces.vocabulary import known_as
from ..attention import Array, array

_IN_WORDS = {known_as.LAST_HIDDEN_STATE: "hidden states"}


def main_name(head: Head) -> str:
    """Return what a head returns first, in words: ``logits``, ``start logits``, ``hidden states``."""
    name = head.returns[0]
    return _IN_WORDS.get(name, name.replace("_", " "))


def main_rows(trace: Trace, head: Head) -> Array:
    """Return what a head returns first as rows: one a sentence (or choice), or one a real token.

    A trace without values of that tensor has none.
    """
    output = trace.output
    if output is not None and output.predictions and head.returns[0] == known_as.LOGITS:
        logits = np.array(output.class_logits, dtype=np.float64)
        return logits if len(logits) == len(trace.input.texts) else logits.T
    for step in trace.steps:
        for tensor in step.outputs:
            if head.returns[0] in step.known_as and tensor.name == head.returns[0] and tensor.values is not None:
                real = np.array(trace.input.attention_mask, dtype=bool)
                found = array(tensor)[real]
                rows: Array = found.reshape(len(found), -1)
                return rows
    return np.zeros((0, 0))


def answers_of(trace: Trace) -> list[Hashable]:
    """Return the answer to each sentence, of any head: its class, its labels, its span, the tokens at its masks."""
    return [] if trace.output is None else [_answer(trace.output, row) for row in range(len(trace.input.texts))]


def _answer(output: Output, row: int) -> Hashable:
    predicted = output.predictions[row].index if row < len(output.predictions) else None
    tokens = tuple(each.label for each in output.tokens[row] if each is not None) if output.tokens else ()
    span = output.answers[row].text if output.answers else None
    masks = tuple(mask.tokens[0].id for mask in output.masks if mask.sentence == row and mask.tokens)
    return predicted, tokens, span, masks
