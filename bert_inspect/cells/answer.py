"""The probabilities of the answer: a softmax, or a sigmoid, of what the model returned, which is no step of it."""

from dataclasses import replace

import numpy as np

from ..errors import UsageError
from ..families.heads import SEQUENCE_CLASSIFICATION
from ..traces.lookup import gives_several_labels
from ..traces.record import Trace
from ..traces.sentences import context_places, real_places
from ..traces.vocabulary import known_as
from ..traces.vocabulary.axes import TOKEN_AXES
from .arithmetic import Arithmetic
from .operand import Call, Index, Operand
from .rules import rule_of
from .run_numbers import Numbers

_OUTSIDE = -10_000.0
"""The logit of tokens that no answer may begin or end with, as in transformers' pipeline."""


def answer_logits(trace: Trace, logits: Operand) -> Operand:
    """Return the logits over which the probabilities are taken: of an answer in a context those of tokens that it may
    not begin or end with are put far below the others.
    """
    axes = logits.axes or ()
    if _is_sigmoid(trace, logits) or not axes or axes[-1] not in TOKEN_AXES:
        return logits
    batch, held = trace.input, np.asarray(logits.whole((slice(None), slice(None))), dtype=np.float64)
    allowed = np.zeros(held.shape, dtype=bool)
    for row in range(min(len(held), len(batch.tokens))):
        allowed[row, context_places(batch, row)] = True
        allowed[row, real_places(batch, row)[:1]] = True  # [CLS], over which "no answer" is decided
    return replace(logits, dtype="float64", whole=np.where(allowed, held, _OUTSIDE).__getitem__)


def probability(numbers: Numbers, logits: Operand, index: Index) -> Arithmetic:
    """Return the arithmetic of the probability that stands where one of the `answer_logits` does.

    Raises:
        UsageError: the model gives no probabilities.
    """
    trace = numbers.trace
    kind = "sigmoid" if _is_sigmoid(trace, logits) else "softmax"
    output = trace.output
    regression = output is not None and output.logits and output.probabilities is None and len(logits.shape) == 2
    if regression and kind == "softmax":
        raise UsageError("this model gives no probabilities: its logits are the answer", "name logits")
    call = Call(
        type=kind,
        given=[logits, -1] if kind == "softmax" else [logits],
        options={},
        shape=logits.shape,
        dtype="float64",
        axes=logits.axes,
        parameters={},
        returned=logits.whole,
    )
    return rule_of(kind)(call, index)


def _is_sigmoid(trace: Trace, logits: Operand) -> bool:
    """Whether each logit is a probability of its own: of several labels, or of whether a token was replaced."""
    output = trace.output
    if output is None:
        return False
    if output.probabilities:
        return gives_several_labels(trace.model) and trace.model.task == SEQUENCE_CLASSIFICATION.task
    return not output.start_logits and bool(logits.axes) and (logits.axes or [""])[-1] in TOKEN_AXES


def recorded(trace: Trace, name: str, index: Index) -> float | None:
    """Return the probability that the run recorded there, None where it recorded none."""
    output = trace.output
    if output is None or name != known_as.LOGITS:
        return None
    if output.probabilities is not None and len(index) == 2 and index[0] < len(output.probabilities):
        row = output.probabilities[index[0]]
        return float(row[index[1]]) if index[1] < len(row) else None
    if len(index) == 3 and output.tokens:
        said = output.tokens[index[0]][index[1]]
        return float(said.score) if said is not None and said.index == index[2] else None
    if len(index) == 3:
        for mask in output.masks:
            if (mask.sentence, mask.position) == index[:2]:
                found = (float(each.probability) for each in mask.tokens if each.id == index[2])
                return next(found, None)
    return None
