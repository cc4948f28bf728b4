"""Causes that what the runs were given tells before anything is computed: edits, other tokens, padding elsewhere."""

from ...diff import Cause, Comparison, StepDiff
from ...diff.align import RowPair
from ...traces.record import Input
from ...traces.token_text import shown_token
from ...traces.vocabulary import labels

_BY_PLACE = (labels.POSITIONS, labels.POSITION_IDS, labels.POSITION_EMBEDDINGS)


def from_inputs(comparison: Comparison, first: StepDiff) -> Cause | None:
    """Return the cause of a first divergence that lies in what the two runs were given, None if none does."""
    a, b = comparison.a.trace.input, comparison.b.trace.input
    pairs = comparison.rows.pairs
    if first.label == labels.WORD_EMBEDDINGS and any(_tokens(a, b, pair) for pair in pairs):
        return _cause(first, note="the two runs were given different tokens")
    moved = next((pair for pair in pairs if pair.tokens_a[:1] != pair.tokens_b[:1]), None)
    if moved is None or first.label not in (*_BY_PLACE, *labels.ONE_TOKEN):
        return None
    at_a, at_b = moved.tokens_a[0], moved.tokens_b[0]
    begins = f"padding stands before the text: sentence {moved.a + 1} begins at place {at_a} in A, at place {at_b} in B"
    if first.label in _BY_PLACE:
        return _cause(first, suspect="padding side", says=f"{begins}, so its tokens have other positions")
    of_a, of_b = shown_token(a, moved.a, 0), shown_token(b, moved.b, 0)
    return _cause(first, suspect="padding side", says=f"{begins}, and the pooler takes {of_a} in A, {of_b} in B")


def from_edits(comparison: Comparison, first: StepDiff) -> Cause | None:
    """Return the edits that were made in only one of the runs, where the first divergence lies in what they changed:
    in an edited step, or in one that received it. None where it lies elsewhere.
    """
    sides = (("A", comparison.a.trace, first.a), ("B", comparison.b.trace, first.b))
    if comparison.a.trace.model.edits == comparison.b.trace.model.edits:
        return None
    for name, trace, at in sides:
        step = trace.steps[at]
        received = [trace.steps[tensor.from_] for tensor in step.inputs if tensor.from_ is not None]
        if any(each.edited for each in (step, *received)):
            return _cause(first, suspect="edits", says=f"the edits of {name}: {', '.join(trace.model.edits)}")
    return None


def _tokens(a: Input, b: Input, pair: RowPair) -> bool:
    """Whether a sentence has other tokens in the two runs."""
    return [a.input_ids[pair.a][token] for token in pair.tokens_a] != [
        b.input_ids[pair.b][token] for token in pair.tokens_b
    ]


def _cause(first: StepDiff, *, suspect: str = "", says: str = "", note: str = "") -> Cause:
    return Cause(suspect=suspect, says=says, gap=first.max_abs, gap_left=None, tried=[], note=note)
