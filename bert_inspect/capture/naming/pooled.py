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
}
"""Ops, by their family and the names of the tensors that they work on."""

AXES: dict[str, Axes] = {
    labels.PADDING_ZEROED: axes.HIDDEN,
    **dict.fromkeys((labels.SUM_OVER_TOKENS, labels.MEAN_OVER_TOKENS), axes.POOLED),
    labels.NUMBER_OF_TOKENS: ["batch", "broadcast"],
    **dict.fromkeys((labels.FIRST_PLACES, labels.ROW_NUMBERS), Axes(["batch"])),
    **dict.fromkeys((labels.CLS_TOKEN, labels.FIRST_TOKEN, labels.LAST_TOKEN), axes.POOLED),
}
"""The axes of what the labels say."""


def token_taken(step: StepRecord, sources: list[str], *, begins_with_cls: bool, has_cls: bool) -> str:
    """Return which token an index takes of each sentence: what it indexes says so, not what a head should take.

    ``begins_with_cls`` says that every row has its [CLS] in the first place, ``has_cls`` that every sentence begins
    with it, perhaps behind padding.
    """
    match written(step.type, step.given, step.options):
        case "[:, 0]" | "1, 0":
            return labels.CLS_TOKEN if begins_with_cls else labels.FIRST_TOKEN
        case "[:, -1]" | "1, -1":
            return labels.LAST_TOKEN
        case _ if sources[1:] == [labels.ROW_NUMBERS, labels.FIRST_PLACES]:
            return labels.CLS_TOKEN if has_cls else labels.FIRST_TOKEN
        case other:
            return f"token {other}"
