"""What the steps are by which relative positions become buckets, and these a bias on the attention scores.

The bias is learned for each head and for each of a few distances (Raffel et al., "Exploring the Limits of Transfer
Learning with a Unified Text-to-Text Transformer", JMLR 2020): half of the buckets are for keys after the query, and in
each half near distances have a bucket each, while those of far ones grow with the logarithm. In the order in which it
is computed: positions, relative positions, their sign, distances, buckets, bias.
"""

from collections.abc import Mapping
from typing import Final

from ...traces import ops
from ...traces.vocabulary import axes, labels
from ...traces.vocabulary.axes import Axes

OPS: Final[Mapping[tuple[str, ...], str]] = {
    (ops.SUBTRACT, labels.KEY_POSITIONS, labels.QUERY_POSITIONS): labels.RELATIVE_POSITIONS,
    (ops.NEGATE, labels.RELATIVE_POSITIONS): labels.RELATIVE_POSITIONS_NEGATED,
    (ops.COMPARE, labels.RELATIVE_POSITIONS_NEGATED): labels.KEY_AFTER_QUERY,
    (ops.SCALE, labels.KEY_AFTER_QUERY): labels.BUCKETS_OF_DIRECTION,
    (ops.ADD, labels.BUCKETS_OF_DIRECTION): labels.BUCKETS_OF_DIRECTION,
    (ops.MAGNITUDE, labels.RELATIVE_POSITIONS_NEGATED): labels.DISTANCES,
    (ops.COMPARE, labels.DISTANCES): labels.NEAR,
    (ops.DIVIDE, labels.DISTANCES): labels.SCALED_DISTANCES,
    (ops.LOGARITHM, labels.SCALED_DISTANCES): labels.LOGARITHMS_OF_DISTANCES,
    (ops.DIVIDE, labels.LOGARITHMS_OF_DISTANCES): labels.SCALED_LOGARITHMS,
    (ops.SCALE, labels.SCALED_LOGARITHMS): labels.SCALED_LOGARITHMS,
    (ops.ADD, labels.SCALED_LOGARITHMS): labels.LOGARITHMIC_BUCKETS,
    (ops.FILL, labels.LOGARITHMIC_BUCKETS): labels.LAST_BUCKET,
    (ops.SMALLER, labels.LOGARITHMIC_BUCKETS, labels.LAST_BUCKET): labels.LOGARITHMIC_BUCKETS,
    (ops.ADD, labels.NEAR, labels.DISTANCES, labels.LOGARITHMIC_BUCKETS): labels.BUCKETS_OF_DISTANCES,
    (ops.ADD, labels.BUCKETS_OF_DIRECTION, labels.BUCKETS_OF_DISTANCES): labels.RELATIVE_POSITION_BUCKETS,
    (ops.TRANSPOSE, labels.RELATIVE_POSITION_BIAS): labels.BIAS_BY_HEAD,
    **{(family, labels.BIAS_BY_HEAD): labels.BIAS_BY_HEAD for family in (ops.UNSQUEEZE, ops.EXPAND)},
    (ops.ADD, labels.SCALED_ATTENTION_SCORES, labels.BIAS_BY_HEAD): labels.BIASED_ATTENTION_SCORES,
    (ops.ADD, labels.ATTENTION_SCORES, labels.BIAS_BY_HEAD): labels.BIASED_ATTENTION_SCORES,
    (ops.ADD, labels.BIASED_ATTENTION_SCORES): labels.MASKED_ATTENTION_SCORES,
    (ops.SOFTMAX, labels.BIASED_ATTENTION_SCORES): labels.ATTENTION_PROBABILITIES,
}
"""Ops, by their family and the names of the tensors that they work on."""

AXES: Final[Mapping[tuple[str, int], Axes]] = {
    **{
        (label, 2): axes.TOKEN_PAIRS
        for label in (
            labels.RELATIVE_POSITIONS,
            labels.RELATIVE_POSITIONS_NEGATED,
            labels.KEY_AFTER_QUERY,
            labels.BUCKETS_OF_DIRECTION,
            labels.DISTANCES,
            labels.NEAR,
            labels.SCALED_DISTANCES,
            labels.LOGARITHMS_OF_DISTANCES,
            labels.SCALED_LOGARITHMS,
            labels.LOGARITHMIC_BUCKETS,
            labels.LAST_BUCKET,
            labels.BUCKETS_OF_DISTANCES,
            labels.RELATIVE_POSITION_BUCKETS,
        )
    },
    (labels.RELATIVE_POSITION_BIAS, 3): [*axes.TOKEN_PAIRS, "heads"],
    (labels.BIAS_BY_HEAD, 3): ["heads", *axes.TOKEN_PAIRS],
    (labels.BIAS_BY_HEAD, 4): axes.SCORES,
}
"""The axes of labels, by how many a tensor has."""
