"""What a head makes of all tokens of a sentence before it answers: one of them, or the mean of those that are real."""

from ...traces import ops
from ...traces.vocabulary import axes, labels
from ...traces.vocabulary.axes import Axes
from ..tracing.arguments import written
from ..tracing.step_record import StepRecord

OPS: dict[tuple[str, ...], str] = {
    (ops.UNSQUEEZE, "attention_mask"): labels.PADDING_MASK,
    (ops.SUM, labels.PADDING_ZEROED): labels.SUM_OVER_TOKENS,
    (ops.SUM, "attention_mask"): labels.NUMBER_OF_TOKENS,
    (ops.DIVIDE, labels.SUM_OVER_TOKENS, labels.NUMBER_OF_TOKENS): labels.MEAN_OVER_TOKENS,
    (ops.ARGMAX, "attention_mask"): labels.FIRST_PLACES,
    # ELECTRA's summary of type cls_index: without a place that is given, that of the last token
    (ops.FILL, labels.FIRST_TOKEN_KEPT): labels.LAST_PLACES,
    (ops.GATHER, labels.LAST_PLACES): labels.LAST_TOKEN,
    (ops.SQUEEZE, labels.LAST_TOKEN): labels.LAST_TOKEN,
}
"""Ops, by their family and the names of the tensors that they work on."""

AXES: dict[str, Axes] = {
    labels.PADDING_ZEROED: axes.HIDDEN,
    **dict.fromkeys((labels.SUM_OVER_TOKENS, labels.MEAN_OVER_TOKENS), axes.POOLED),
    labels.NUMBER_OF_TOKENS: ["batch", "broadcast"],
    **dict.fromkeys((labels.FIRST_PLACES, labels.ROW_NUMBERS), Axes(["batch"])),
    **dict.fromkeys((*labels.ONE_TOKEN, labels.MEAN_OF_TOKENS), axes.POOLED),
}
"""The axes of what the labels say."""
OTHER_AXES: dict[tuple[str, int], Axes] = {
    (label, 3): ["batch", "broadcast", "hidden"]
    for label in (labels.FIRST_TOKEN_KEPT, labels.LAST_PLACES, labels.LAST_TOKEN)
}
"""Those of labels whose tensors have other axes elsewhere, by their number."""


def token_taken(step: StepRecord, sources: list[str], *, first: str, first_real: str) -> str:
    """Return which token an index takes of each sentence: what it indexes says so, not what a head should take.

    ``first`` is what stands in the first place of every row, ``first_real`` what every sentence begins with, perhaps
    behind padding.
    """
    match written(step.type, step.given, step.options):
        case "[:, 0]" | "[:, 0, :]" | "1, 0":
            return first
        case "[:, -1]" | "[:, -1, :]" | "1, -1":
            return labels.LAST_TOKEN
        case "[..., :1, :]":
            return labels.FIRST_TOKEN_KEPT
        case _ if sources[1:] == [labels.ROW_NUMBERS, labels.FIRST_PLACES]:
            return first_real
        case other:
            return f"token {other}"
