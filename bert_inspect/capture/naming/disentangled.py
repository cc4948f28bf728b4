"""Disentangled attention: what becomes of content, of relative positions, and of the scores between them.

He et al., "DeBERTa: Decoding-enhanced BERT with Disentangled Attention" (2021) and "DeBERTaV3" (2021), as transformers
computes it. The heads are folded into the batch. Three products are divided by the square root of (3 x head size) each
and added: content with content (there the key is divided before), a query's content with the vectors of all distances,
of which `gather` takes for every key the one at its distance, and likewise a key's content.
"""

from collections.abc import Iterator

from ...traces import ops
from ...traces.vocabulary import axes, labels
from ...traces.vocabulary.axes import BROADCAST, Axes

_Rule = tuple[tuple[str, ...], str]

_FOLDED = (
    (labels.QUERY_HEADS, labels.QUERY_FOLDED),
    (labels.KEY_HEADS, labels.KEY_FOLDED),
    (labels.VALUE_HEADS, labels.VALUE_FOLDED),
)
_OF_POSITIONS = (
    (
        *(labels.POSITION_QUERY_PROJECTION, labels.POSITION_QUERY_SPLIT, labels.POSITION_QUERY_HEADS),
        *(labels.POSITION_QUERY_FOLDED, labels.POSITION_QUERY_TRANSPOSED),
    ),
    (
        *(labels.POSITION_KEY_PROJECTION, labels.POSITION_KEY_SPLIT, labels.POSITION_KEY_HEADS),
        *(labels.POSITION_KEY_FOLDED, labels.POSITION_KEY_TRANSPOSED),
    ),
)


def _rules() -> Iterator[_Rule]:
    yield from _distances()
    yield from _projections()
    yield from _scores()
    yield from _padding()


def _distances() -> Iterator[_Rule]:
    relative, distances, logs = labels.RELATIVE_POSITIONS, labels.DISTANCES, labels.LOGARITHMS_OF_DISTANCES
    yield (ops.SUBTRACT, labels.QUERY_POSITIONS, labels.KEY_POSITIONS), relative
    yield (ops.SIGN, relative), labels.SIGNS_OF_POSITIONS
    yield (ops.COMPARE, relative), labels.NEAR
    yield (ops.COMPARE, labels.NEAR, labels.NEAR), labels.NEAR
    yield (ops.COMPARE, distances), labels.NEAR
    yield (ops.MAGNITUDE, relative), distances
    yield (ops.ADD, labels.NEAR, labels.CONSTANT, distances), distances
    # The words of a logarithmic scale are those of `relative_positions`.
    yield (ops.DIVIDE, logs, labels.CONSTANT), labels.SCALED_LOGARITHMS
    yield (ops.CEIL, labels.SCALED_LOGARITHMS), labels.SCALED_LOGARITHMS
    yield (ops.SCALE, labels.LOGARITHMIC_BUCKETS, labels.SIGNS_OF_POSITIONS), labels.LOGARITHMIC_BUCKETS
    yield (ops.ADD, labels.NEAR, relative, labels.LOGARITHMIC_BUCKETS), labels.RELATIVE_POSITION_BUCKETS
    # Releases that compile these have one op for each.
    yield (ops.BUCKETS, relative), labels.RELATIVE_POSITION_BUCKETS
    for folded in (labels.QUERY_FOLDED, labels.POSITION_QUERY_FOLDED, labels.POSITION_KEY_FOLDED):
        yield (ops.ROOT_OF_SIZE, folded), labels.SCALE
    for each in (relative, labels.RELATIVE_POSITION_BUCKETS):
        yield from (((family, each), each) for family in (ops.INDEX, ops.UNSQUEEZE, ops.SQUEEZE))
        yield (ops.ADD, each), labels.ROWS_OF_POSITIONS
        yield (ops.NEGATE, each), labels.RELATIVE_POSITIONS_NEGATED
        yield (ops.PICK, labels.QUERY_FOLDED, labels.KEY_FOLDED, each), each
    yield (ops.ADD, labels.RELATIVE_POSITIONS_NEGATED), labels.ROWS_OF_POSITIONS_NEGATED
    for each in (labels.ROWS_OF_POSITIONS, labels.ROWS_OF_POSITIONS_NEGATED):
        yield from (((family, each), each) for family in (ops.CLAMP, ops.SQUEEZE, ops.EXPAND))
    yield (ops.MAKE,), labels.CONSTANT
    yield from (((family, labels.CONSTANT), labels.CONSTANT) for family in (ops.LOGARITHM, ops.SCALE))
    yield (ops.ROOT, labels.CONSTANT), labels.SCALE


def _projections() -> Iterator[_Rule]:
    for each in (labels.RELATIVE_EMBEDDINGS_DROPOUT, labels.RELATIVE_EMBEDDINGS):
        yield from (((family, each), labels.RELATIVE_EMBEDDINGS) for family in (ops.INDEX, ops.UNSQUEEZE))
    for heads, folded in _FOLDED:
        yield (ops.RESHAPE, heads), folded
    for projected, split, heads, folded, transposed in _OF_POSITIONS:
        yield (ops.RESHAPE, projected), split
        yield (ops.TRANSPOSE, split), heads
        yield (ops.RESHAPE, heads), heads
        yield (ops.REPEAT, heads), folded
        yield (ops.TRANSPOSE, folded), transposed


def _scores() -> Iterator[_Rule]:
    scaled = labels.SCALED_ATTENTION_SCORES
    yield (ops.TRANSPOSE, labels.KEY_FOLDED), labels.KEY_TRANSPOSED
    yield (ops.DIVIDE, labels.KEY_TRANSPOSED, labels.SCALE), labels.SCALED_KEY_TRANSPOSED
    yield (ops.MATMUL, labels.QUERY_FOLDED, labels.SCALED_KEY_TRANSPOSED), labels.CONTENT_TO_CONTENT
    yield (ops.MATMUL, labels.QUERY_FOLDED, labels.POSITION_KEY_TRANSPOSED), labels.CONTENT_TO_POSITIONS
    yield (ops.GATHER, labels.CONTENT_TO_POSITIONS, labels.ROWS_OF_POSITIONS), labels.CONTENT_TO_POSITION
    yield (ops.DIVIDE, labels.CONTENT_TO_POSITION, labels.SCALE), labels.SCALED_CONTENT_TO_POSITION
    yield (ops.MATMUL, labels.KEY_FOLDED, labels.POSITION_QUERY_TRANSPOSED), labels.POSITIONS_TO_CONTENT
    by_key = labels.POSITION_TO_CONTENT_BY_KEY
    yield (ops.GATHER, labels.POSITIONS_TO_CONTENT, labels.ROWS_OF_POSITIONS_NEGATED), by_key
    yield (ops.TRANSPOSE, by_key), labels.POSITION_TO_CONTENT
    yield (ops.DIVIDE, labels.POSITION_TO_CONTENT, labels.SCALE), labels.SCALED_POSITION_TO_CONTENT
    for each in (labels.SCALED_CONTENT_TO_POSITION, labels.SCALED_POSITION_TO_CONTENT):
        yield (ops.ADD, each), labels.POSITION_SCORES
        yield (ops.ADD, labels.POSITION_SCORES, each), labels.POSITION_SCORES
    yield (ops.ADD, labels.CONTENT_TO_CONTENT, labels.POSITION_SCORES), scaled
    yield from (((ops.RESHAPE, each), scaled) for each in (labels.CONTENT_TO_CONTENT, scaled))
    yield (ops.ADD, scaled, labels.HIDDEN_PAIRS), labels.MASKED_ATTENTION_SCORES
    yield (ops.RESHAPE, labels.ATTENTION_DROPOUT), labels.PROBABILITIES_FOLDED
    yield (ops.MATMUL, labels.PROBABILITIES_FOLDED, labels.VALUE_FOLDED), labels.CONTEXT_FOLDED
    yield (ops.RESHAPE, labels.CONTEXT_FOLDED), labels.CONTEXT


def _padding() -> Iterator[_Rule]:
    """Which pairs of tokens are real; and what the convolution beside the first layer leaves out."""
    mask = labels.PADDING_MASK
    yield from (((family, mask), mask) for family in (ops.UNSQUEEZE, ops.SQUEEZE))
    yield (ops.SCALE, mask, mask), labels.PAIRS_OF_TOKENS
    yield (ops.TRUTH, labels.PAIRS_OF_TOKENS), labels.ATTENTION_MASK
    yield (ops.INVERT, labels.ATTENTION_MASK), labels.HIDDEN_PAIRS
    yield (ops.SUBTRACT, "attention_mask"), labels.PADDING
    yield from (((family, labels.PADDING), labels.PADDING) for family in (ops.TRUTH, ops.UNSQUEEZE, ops.EXPAND))
    yield (ops.ADD, labels.CONVOLUTION_BY_TOKEN, labels.PADDING), labels.PADDING_ZEROED
    yield (ops.TRANSPOSE, labels.CONVOLUTION), labels.CONVOLUTION_BY_TOKEN
    yield (ops.TRANSPOSE, labels.WORD_EMBEDDING_MATRIX), labels.WORD_EMBEDDING_MATRIX_TRANSPOSED
    yield (ops.MATMUL, labels.WORD_EMBEDDING_MATRIX_TRANSPOSED), labels.TOKEN_LOGITS_WITHOUT_BIAS
    yield (ops.ADD, labels.TOKEN_LOGITS_WITHOUT_BIAS), labels.TOKEN_LOGITS


OPS = dict(_rules())
"""Ops, by their family and the names of the tensors that they work on."""

_PAIRS: Axes = ["batch and heads", "query tokens", "key tokens"]
_FOLD: Axes = axes.HEADS_FOLDED
_FOLD_TRANSPOSED: Axes = ["batch and heads", "head_dim", "tokens"]
AXES: dict[str, Axes] = {
    labels.RELATIVE_EMBEDDINGS: ["distances", "hidden"],
    labels.WORD_EMBEDDING_MATRIX: ["vocabulary", "hidden"],
    labels.QUERY_POSITIONS: ["tokens", "broadcast"],
    labels.KEY_POSITIONS: ["broadcast", "tokens"],
    **dict.fromkeys((labels.CONSTANT, labels.SCALE), Axes()),
    **{folded: _FOLD for _, folded in _FOLDED},
    labels.SCALED_KEY_TRANSPOSED: _FOLD_TRANSPOSED,
    **{each[1]: ["batch", "distances", "heads", "head_dim"] for each in _OF_POSITIONS},
    **{each[3]: ["batch and heads", "distances", "head_dim"] for each in _OF_POSITIONS},
    labels.CONTENT_TO_CONTENT: _PAIRS,
    labels.CONTENT_TO_POSITIONS: ["batch and heads", "query tokens", "distances"],
    labels.POSITIONS_TO_CONTENT: ["batch and heads", "key tokens", "distances"],
    labels.CONTENT_TO_POSITION: _PAIRS,
    labels.POSITION_TO_CONTENT_BY_KEY: ["batch and heads", "key tokens", "query tokens"],
    labels.POSITION_TO_CONTENT: _PAIRS,
    labels.PROBABILITIES_FOLDED: _PAIRS,
    labels.CONTEXT_FOLDED: _FOLD,
    labels.PAIRS_OF_TOKENS: axes.SCORES,
    labels.RELATIVE_POSITIONS: ["query tokens", "key tokens"],
    labels.CONVOLUTION: ["batch", "hidden", "tokens"],
    labels.TOKEN_LOGITS_WITHOUT_BIAS: axes.TOKEN_LOGITS,
}
"""The axes of what the labels say."""
OTHER_AXES: dict[tuple[str, int], Axes] = {
    (labels.RELATIVE_EMBEDDINGS, 3): ["broadcast", "distances", "hidden"],
    (labels.PADDING, 3): axes.HIDDEN,
    # They are the same for every sentence, until they are repeated for each.
    **{(each[2], 3): ["heads", "distances", "head_dim"] for each in _OF_POSITIONS},
    (labels.KEY_TRANSPOSED, 3): _FOLD_TRANSPOSED,
    (labels.SCALED_ATTENTION_SCORES, 3): _PAIRS,
    (labels.SCALED_ATTENTION_SCORES, 4): axes.SCORES,
    **{
        (label, dims): [*[BROADCAST] * (dims - 2), "query tokens", "key tokens"]
        for label in (labels.RELATIVE_POSITIONS, labels.RELATIVE_POSITION_BUCKETS)
        for dims in (3, 4)
    },
    **{
        (label, 3): rows
        for label, rows in (
            (labels.ROWS_OF_POSITIONS, _PAIRS),
            (labels.ROWS_OF_POSITIONS_NEGATED, Axes(["batch and heads", "key tokens", "query tokens"])),
        )
    },
}
"""Those of labels whose tensors have other axes elsewhere, by their number."""
