"""What two runs answer, side by side, and how far their logits are apart."""

import math
from collections.abc import Iterator, Sequence

from ..traces.record import Output, Trace
from ..traces.values import Number, strict
from .align import RowPair
from .difference import Answer, Answers


def answers(a: Trace, b: Trace, pairs: Sequence[RowPair]) -> list[Answers]:
    """Return the answers to every pair of sentences; none where one of the two runs computed no logits."""
    return [] if a.output is None or b.output is None else list(_answers(a, a.output, b, b.output, pairs))


def _answers(a: Trace, of_a: Output, b: Trace, of_b: Output, pairs: Sequence[RowPair]) -> Iterator[Answers]:
    all_a, all_b = of_a.class_logits, of_b.class_logits
    for pair in pairs:
        if pair.a >= len(of_a.predictions) or pair.b >= len(of_b.predictions):
            continue
        logits_a, logits_b = all_a[pair.a], all_b[pair.b]
        alike = len(logits_a) == len(logits_b)
        yield Answers(
            a=_answer(a, of_a, pair.a),
            b=_answer(b, of_b, pair.b),
            logits=strict(max(map(_apart, logits_a, logits_b), default=0.0)) if alike else None,
        )


def _answer(trace: Trace, output: Output, row: int) -> Answer:
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


def _apart(one: Number, other: Number) -> float:
    x, y = float(one), float(other)
    if x == y or (math.isnan(x) and math.isnan(y)):
        return 0.0
    return math.inf if math.isnan(x - y) else abs(x - y)
