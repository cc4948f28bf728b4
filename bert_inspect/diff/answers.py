"""What two runs answer, side by side, and how far their logits are apart."""

import math
from collections.abc import Iterator, Sequence

from ..families import heads
from ..traces.output import Output
from ..traces.record import Trace
from ..traces.values import Number, strict
from .align import RowPair
from .difference import Answers
from .said import said

_Logits = Sequence[Number | list[Number]]


def answers(a: Trace, b: Trace, pairs: Sequence[RowPair]) -> list[Answers]:
    """Return the answers to every pair of sentences; none where one of the two runs computed no numbers, or where they
    have heads for different tasks.
    """
    if a.output is None or b.output is None or a.model.task != b.model.task:
        return []
    if a.model.task == heads.MULTIPLE_CHOICE.task:  # one answer to all rows
        pairs = [RowPair(0, 0, [], [])]
    return list(_answers(a, a.output, b, b.output, pairs))


def _answers(a: Trace, of_a: Output, b: Trace, of_b: Output, pairs: Sequence[RowPair]) -> Iterator[Answers]:
    for pair in pairs:
        one, other = said(a, of_a, pair.a), said(b, of_b, pair.b)
        if one is not None and other is not None:
            yield Answers(a=one, b=other, logits=_logits_apart(of_a, of_b, pair))


def _logits_apart(of_a: Output, of_b: Output, pair: RowPair) -> Number | None:
    """Return the largest difference of the logits of two sentences, over the tokens that belong together where each
    has its own; None where there are none, or the two have not as many.
    """
    found: list[float] = []
    for ones, others in (
        (of_a.logits, of_b.logits),
        (of_a.start_logits, of_b.start_logits),
        (of_a.end_logits, of_b.end_logits),
    ):
        if pair.a >= len(ones) or pair.b >= len(others):
            continue
        of_tokens = ones is not of_a.logits or bool(of_a.tokens)
        one = _flat(ones[pair.a], pair.tokens_a if of_tokens else None)
        other = _flat(others[pair.b], pair.tokens_b if of_tokens else None)
        if len(one) != len(other):
            return None
        found += map(_apart, one, other)
    return strict(max(found)) if found else None


def _flat(logits: _Logits, places: Sequence[int] | None) -> list[Number]:
    """Return the logits of a sentence, or of some of its tokens, in a row."""
    chosen = logits if places is None else [logits[place] for place in places]
    return [number for one in chosen for number in (one if isinstance(one, list) else [one])]


def _apart(one: Number, other: Number) -> float:
    x, y = float(one), float(other)
    if x == y or (math.isnan(x) and math.isnan(y)):
        return 0.0
    return math.inf if math.isnan(x - y) else abs(x - y)
