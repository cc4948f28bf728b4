"""Positions that are counted over the ids that are no padding, and token types that nobody gave: RoBERTa's and its kin.

Liu et al., "RoBERTa: A Robustly Optimized BERT Pretraining Approach" (2019), as transformers computes it:
``cumsum(ids != padding) x (ids != padding) + padding``.
"""

from collections.abc import Mapping
from typing import Final

from ...traces import ops
from ...traces.vocabulary import axes, labels
from ...traces.vocabulary.axes import Axes

OPS: Final[Mapping[tuple[str, ...], str]] = {
    **{(ops.COMPARE, ids): labels.NOT_PADDING for ids in ("input_ids", labels.CHOICES_FLATTENED)},
    (ops.COUNT, labels.NOT_PADDING): labels.COUNT_OF_TOKENS,
    (ops.ADD, labels.COUNT_OF_TOKENS): labels.COUNT_OF_TOKENS,
    (ops.SCALE, labels.COUNT_OF_TOKENS, labels.NOT_PADDING): labels.COUNT_WITHOUT_PADDING,
    (ops.ADD, labels.COUNT_WITHOUT_PADDING): labels.POSITION_IDS,
    (ops.EXPAND, labels.TOKEN_TYPES_OF_POSITIONS): labels.TOKEN_TYPES_OF_POSITIONS,
    (ops.GATHER, labels.TOKEN_TYPES_OF_POSITIONS, labels.POSITION_IDS): labels.TOKEN_TYPE_IDS,
    (ops.EXPAND, labels.TOKEN_TYPE_IDS): labels.TOKEN_TYPE_IDS,
}
"""Ops, by their family and the names of the tensors that they work on."""

AXES: Final[Mapping[str, Axes]] = {
    **dict.fromkeys(
        [labels.POSITION_IDS, labels.NOT_PADDING, labels.COUNT_OF_TOKENS, labels.COUNT_WITHOUT_PADDING], axes.IDS
    ),
    labels.TOKEN_TYPE_IDS: axes.IDS,
    labels.TOKEN_TYPES_OF_POSITIONS: ["batch", "positions"],
}
"""The axes of what the labels say."""
