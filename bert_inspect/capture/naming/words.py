"""The field's words for what the dataflow says: what an op makes of what it received, and the axes of a label.

What one architecture computes in many steps has a table of its own: rotary embeddings, relative positions, what is
pooled. Here they are put together.
"""

from ...traces import ops
from ...traces.vocabulary import axes, labels
from ...traces.vocabulary.axes import Axes
from . import disentangled, padded_positions, pooled, relative_positions, rotary

OPS: dict[tuple[str, ...], str] = {
    (ops.MATMUL, labels.QUERY_HEADS, labels.KEY_TRANSPOSED): labels.ATTENTION_SCORES,
    (ops.SCALE, labels.ATTENTION_SCORES): labels.SCALED_ATTENTION_SCORES,
    (ops.DIVIDE, labels.ATTENTION_SCORES): labels.SCALED_ATTENTION_SCORES,
    (ops.ADD, labels.SCALED_ATTENTION_SCORES): labels.MASKED_ATTENTION_SCORES,
    (ops.ADD, labels.ATTENTION_SCORES): labels.MASKED_ATTENTION_SCORES,
    (ops.SOFTMAX, labels.ATTENTION_SCORES): labels.ATTENTION_PROBABILITIES,
    (ops.SOFTMAX, labels.SCALED_ATTENTION_SCORES): labels.ATTENTION_PROBABILITIES,
    (ops.SOFTMAX, labels.MASKED_ATTENTION_SCORES): labels.ATTENTION_PROBABILITIES,
    (ops.DROPOUT, labels.ATTENTION_PROBABILITIES): labels.ATTENTION_DROPOUT,
    (ops.MATMUL, labels.ATTENTION_DROPOUT, labels.VALUE_HEADS): labels.CONTEXT,
    (ops.MATMUL, labels.ATTENTION_PROBABILITIES, labels.VALUE_HEADS): labels.CONTEXT,
    (ops.RESHAPE, labels.LOGITS): labels.LOGITS_OF_CHOICES,
    (ops.SPLIT, labels.SPAN_LOGITS): labels.SPLIT_INTO_START_AND_END,
    (ops.RESHAPE, labels.FUSED_PROJECTION): labels.FUSED_SPLIT,
    (ops.SPLIT, labels.FUSED_PROJECTION): labels.SPLIT_INTO_QUERY_KEY_VALUE,
    (ops.SPLIT, labels.FUSED_SPLIT): labels.SPLIT_INTO_QUERY_KEY_VALUE,
    (ops.SPLIT, labels.INPUT_AND_GATE_PROJECTION): labels.SPLIT_INTO_INPUT_AND_GATE,
    (ops.UNSQUEEZE, labels.POSITIONS): labels.POSITION_IDS,
    (ops.TRANSPOSE, labels.KEY_HEADS): labels.KEY_TRANSPOSED,
    (ops.TRANSPOSE, labels.CONTEXT): labels.CONTEXT_PERMUTED,
    (ops.TRANSPOSE, labels.FUSED_ATTENTION): labels.CONTEXT_PERMUTED,
    (ops.RESHAPE, labels.CONTEXT_PERMUTED): labels.CONTEXT_RESHAPED,
    (ops.ADD, labels.WORD_EMBEDDINGS, labels.TOKEN_TYPE_EMBEDDINGS): labels.WORD_AND_TOKEN_TYPE_EMBEDDINGS,
    (ops.ADD, labels.WORD_EMBEDDINGS, labels.POSITION_EMBEDDINGS): labels.WORD_AND_POSITION_EMBEDDINGS,
    (ops.ADD, labels.WORD_AND_TOKEN_TYPE_EMBEDDINGS, labels.POSITION_EMBEDDINGS): labels.SUM_OF_EMBEDDINGS,
    (ops.ADD, labels.WORD_AND_POSITION_EMBEDDINGS, labels.TOKEN_TYPE_EMBEDDINGS): labels.SUM_OF_EMBEDDINGS,
    **{(ops.RESHAPE, name): labels.CHOICES_FLATTENED for name in ("input_ids", "token_type_ids", "attention_mask")},
    **{(ops.SQUEEZE, label): label for label in (labels.START_LOGITS, labels.END_LOGITS, labels.REPLACED_TOKEN_LOGITS)},
    **{(ops.RESHAPE, projected): split for projected, split, _ in labels.QUERY_KEY_VALUE},
    **{(ops.TRANSPOSE, split): heads for _, split, heads in labels.QUERY_KEY_VALUE},
    **padded_positions.OPS,
    **relative_positions.OPS,
    **rotary.OPS,
    **pooled.OPS,
    **disentangled.OPS,
}
"""Ops, by their family and the names of the tensors that they work on."""

PARTS: dict[tuple[str, str], tuple[str, ...]] = {
    (ops.SPLIT, labels.FUSED_PROJECTION): tuple(projected for projected, _, _ in labels.QUERY_KEY_VALUE),
    (ops.SPLIT, labels.FUSED_SPLIT): tuple(split for _, split, _ in labels.QUERY_KEY_VALUE),
    (ops.SPLIT, labels.INPUT_AND_GATE_PROJECTION): (labels.ACTIVATION_INPUT, labels.GATE),
    (ops.SPLIT, labels.SPAN_LOGITS): (labels.START_LOGITS, labels.END_LOGITS),
}
"""Ops that make several tensors of one, which are not the same: what each is, in order."""

PLAIN = {
    "chunk": labels.SPLIT_INTO_CHUNKS,
    "cat": labels.CHUNKS_JOINED,
    "arange": labels.POSITIONS,
}
"""Ops that the dataflow says nothing about; older releases of transformers count the positions in BertModel."""

NO_SUM = frozenset(
    (labels.MASKED_ATTENTION_SCORES, labels.BIASED_ATTENTION_SCORES, labels.RESIDUAL_SUM, labels.ATTENTION_MASK)
)
"""Labels of sums that are no residual ones, or are known to be."""

AXES: dict[str, Axes] = {
    **dict.fromkeys([labels.WORD_EMBEDDINGS, labels.TOKEN_TYPE_EMBEDDINGS, labels.POSITION_EMBEDDINGS], axes.HIDDEN),
    **{projected: axes.HIDDEN for projected, _, _ in labels.QUERY_KEY_VALUE},
    **{split: axes.SPLIT for _, split, _ in labels.QUERY_KEY_VALUE},
    **{heads: axes.HEADS for _, _, heads in labels.QUERY_KEY_VALUE},
    **dict.fromkeys([labels.CONTEXT, labels.FUSED_ATTENTION], axes.HEADS),
    labels.KEY_TRANSPOSED: axes.HEADS_TRANSPOSED,
    labels.ATTENTION_SCORES: axes.SCORES,
    **dict.fromkeys(labels.MASKS, axes.SCORES),
    labels.FUSED_PROJECTION: ["batch", "tokens", "query, key and value"],
    labels.FUSED_SPLIT: ["batch", "tokens", "query, key and value", "heads", "head_dim"],
    labels.INPUT_AND_GATE_PROJECTION: ["batch", "tokens", "input and gate"],
    **dict.fromkeys([labels.ACTIVATION_INPUT, labels.GATE, labels.GATED_INTERMEDIATE], axes.INTERMEDIATE),
    labels.CONTEXT_PERMUTED: axes.SPLIT,
    **dict.fromkeys(
        [
            *(labels.CONTEXT_RESHAPED, labels.ATTENTION_OUTPUT_PROJECTION, labels.OUTPUT_PROJECTION),
            *(labels.EMBEDDING_PROJECTION, labels.TRANSFORM_PROJECTION),
        ],
        axes.HIDDEN,
    ),
    labels.INTERMEDIATE_PROJECTION: axes.INTERMEDIATE,
    **dict.fromkeys([labels.POOLER_PROJECTION, labels.CLASSIFIER_PROJECTION], axes.POOLED),
    labels.LOGITS: axes.LOGITS,
    labels.LOGITS_OF_CHOICES: axes.CHOICES,
    labels.CHOICES_FLATTENED: axes.IDS,
    **dict.fromkeys([labels.START_LOGITS, labels.END_LOGITS, labels.REPLACED_TOKEN_LOGITS], axes.IDS),
    labels.SPAN_LOGITS: axes.LOGITS_OF_TOKENS,
    labels.TOKEN_LOGITS: axes.TOKEN_LOGITS,
    **dict.fromkeys([labels.NEXT_SENTENCE_LOGITS, labels.SENTENCE_ORDER_LOGITS], axes.LOGITS),
    labels.LOSS: [],
    labels.POSITIONS: ["tokens"],
    **padded_positions.AXES,
    **rotary.AXES,
    **pooled.AXES,
    **disentangled.AXES,
}
"""By label."""
OTHER_AXES: dict[tuple[str, int], Axes] = {
    (labels.LOGITS, 3): axes.LOGITS_OF_TOKENS,
    (labels.TRANSFORM_PROJECTION, 2): axes.POOLED,
    **relative_positions.AXES,
    **rotary.OTHER_AXES,
    **pooled.OTHER_AXES,
    **disentangled.OTHER_AXES,
    **{(name, 3): axes.IDS_OF_CHOICES for name in ("input_ids", "token_type_ids", "attention_mask")},
    **{
        (label, 3): axes.LOGITS_OF_TOKENS
        for label in (labels.START_LOGITS, labels.END_LOGITS, labels.REPLACED_TOKEN_LOGITS)
    },
}
"""Those of labels whose tensors may have more axes than that, by their number."""
MODEL_INPUTS: dict[str, Axes] = {
    "input_ids": axes.IDS,
    "token_type_ids": axes.IDS,
    "attention_mask": axes.IDS,
    "labels": ["batch"],
}
"""By argument of the model."""


def axes_of(label: str, count: int) -> Axes | None:
    """Return what a label says of the axes of a tensor that has so many; None where it says nothing."""
    return OTHER_AXES.get((label, count), AXES.get(label))
