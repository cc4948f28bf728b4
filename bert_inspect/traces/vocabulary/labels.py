"""Labels: what a step's tensor is, in the field's words. Every label that code asks for is a constant of this file.

Two kinds are made of a word and a number or a name: ``layer 3`` and ``gelu activation``. What no label fits is called
as the module or the operation is called in the code.
"""

from typing import Final

# Embeddings
POSITION_IDS: Final = "position ids"
POSITIONS: Final = "positions"
NOT_PADDING: Final = "not padding"
COUNT_OF_TOKENS: Final = "running count of tokens"
COUNT_WITHOUT_PADDING: Final = "running count, 0 at padding"
TOKEN_TYPES_OF_POSITIONS: Final = "token type of each position"
TOKEN_TYPE_IDS: Final = "token type ids"
WORD_EMBEDDINGS: Final = "word embeddings"
TOKEN_TYPE_EMBEDDINGS: Final = "token type embeddings"
POSITION_EMBEDDINGS: Final = "position embeddings"
WORD_AND_TOKEN_TYPE_EMBEDDINGS: Final = "word + token type embeddings"
WORD_AND_POSITION_EMBEDDINGS: Final = "word + position embeddings"
SUM_OF_EMBEDDINGS: Final = "sum of embeddings"
EMBEDDINGS: Final = "embeddings"
EMBEDDING_PROJECTION: Final = "embedding projection"

# Relative positions, in buckets: near ones have each their own, far ones share those of a logarithmic scale
RELATIVE_POSITIONS: Final = "relative positions"
RELATIVE_POSITIONS_NEGATED: Final = "relative positions negated"
KEY_AFTER_QUERY: Final = "key after query"
BUCKETS_OF_DIRECTION: Final = "buckets of the direction"
DISTANCES: Final = "distances"
NEAR: Final = "near enough for a bucket each"
SCALED_DISTANCES: Final = "scaled distances"
LOGARITHMS_OF_DISTANCES: Final = "logarithms of distances"
SCALED_LOGARITHMS: Final = "scaled logarithms of distances"
LOGARITHMIC_BUCKETS: Final = "logarithmic buckets"
LAST_BUCKET: Final = "last bucket"
BUCKETS_OF_DISTANCES: Final = "buckets of distances"
RELATIVE_POSITION_BUCKETS: Final = "relative position buckets"
RELATIVE_POSITION_BIAS: Final = "relative position bias"

# Self-attention
QUERY_PROJECTION: Final = "query projection"
QUERY_SPLIT: Final = "query split into heads"
QUERY_HEADS: Final = "query heads"
KEY_PROJECTION: Final = "key projection"
KEY_SPLIT: Final = "key split into heads"
KEY_HEADS: Final = "key heads"
VALUE_PROJECTION: Final = "value projection"
VALUE_SPLIT: Final = "value split into heads"
VALUE_HEADS: Final = "value heads"
FUSED_PROJECTION: Final = "query, key and value projection"
KEY_TRANSPOSED: Final = "key transposed"
ATTENTION_SCORES: Final = "attention scores"
SCALED_ATTENTION_SCORES: Final = "scaled attention scores"
BIASED_ATTENTION_SCORES: Final = "attention scores + relative position bias"
MASKED_ATTENTION_SCORES: Final = "masked attention scores"
ATTENTION_PROBABILITIES: Final = "attention probabilities"
ATTENTION_DROPOUT: Final = "attention dropout"
CONTEXT: Final = "context"
CONTEXT_PERMUTED: Final = "context permuted"
CONTEXT_RESHAPED: Final = "context reshaped"
FUSED_ATTENTION: Final = "fused attention"
SELF_ATTENTION: Final = "self-attention"

# The rest of a layer
ATTENTION: Final = "attention"
ATTENTION_OUTPUT: Final = "attention output"
ATTENTION_OUTPUT_PROJECTION: Final = "attention output projection"
FEED_FORWARD: Final = "feed-forward"
INTERMEDIATE: Final = "intermediate"
INTERMEDIATE_PROJECTION: Final = "intermediate projection"
OUTPUT: Final = "output"
OUTPUT_PROJECTION: Final = "output projection"
RESIDUAL_SUM: Final = "residual sum"
LAYER_NORM: Final = "layer norm"
DROPOUT: Final = "dropout"
LAYER_GROUP: Final = "layer group"
ENCODER: Final = "encoder"

# Above the layers
ATTENTION_MASK: Final = "attention mask"
POOLER: Final = "pooler"
CLS_TOKEN: Final = "first token [CLS]"
S_TOKEN: Final = "first token <s>"
FIRST_TOKEN: Final = "first token"
LAST_TOKEN: Final = "last token"
MEAN_OF_TOKENS: Final = "mean of all tokens"
ONE_TOKEN: Final = (CLS_TOKEN, S_TOKEN, FIRST_TOKEN, LAST_TOKEN)
"""What may be taken of a sentence to stand for it."""
POOLER_PROJECTION: Final = "pooler projection"
TANH_ACTIVATION: Final = "tanh activation"
CLASSIFICATION_HEAD: Final = "classification head"
CLASSIFIER_PROJECTION: Final = "classifier projection"
LOGITS: Final = "logits"
LOGITS_OF_CHOICES: Final = "logits of the choices"
CHOICES_FLATTENED: Final = "choices flattened"
SPAN_LOGITS: Final = "start and end logits"
START_LOGITS: Final = "start logits"
END_LOGITS: Final = "end logits"
SPLIT_INTO_START_AND_END: Final = "split into start and end"
PREDICTION_HEADS: Final = "prediction heads"
PREDICTION_HEAD: Final = "prediction head"
TRANSFORM: Final = "transform"
TRANSFORM_PROJECTION: Final = "transform projection"
TOKEN_LOGITS: Final = "token logits"
NEXT_SENTENCE_LOGITS: Final = "next sentence logits"
SENTENCE_ORDER_HEAD: Final = "sentence order head"
SENTENCE_ORDER_LOGITS: Final = "sentence order logits"
REPLACED_TOKEN_HEAD: Final = "replaced token head"
REPLACED_TOKEN_LOGITS: Final = "replaced token logits"
LOSS: Final = "loss"

# What the dataflow says nothing about
SPLIT_INTO_CHUNKS: Final = "split into chunks"
CHUNKS_JOINED: Final = "chunks joined"

LABELS: Final = frozenset(value for name, value in dict(globals()).items() if name.isupper() and isinstance(value, str))
"""All of them."""

QUERY_KEY_VALUE: Final = (
    (QUERY_PROJECTION, QUERY_SPLIT, QUERY_HEADS),
    (KEY_PROJECTION, KEY_SPLIT, KEY_HEADS),
    (VALUE_PROJECTION, VALUE_SPLIT, VALUE_HEADS),
)
"""What becomes of each of the three: projected, split into heads, heads before tokens."""

TWICE_IN_A_LAYER: Final = frozenset((DROPOUT, RESIDUAL_SUM, LAYER_NORM))
"""Labels that a layer has twice, in its attention and in its feed-forward part."""


def layer(number: int) -> str:
    """Return the label of an encoder layer as a whole."""
    return f"layer {number}"


def activation(name: str) -> str:
    """Return the label of what an activation returns, by the activation's own name: ``gelu activation``."""
    return f"{name} activation"


def is_activation(label: str) -> bool:
    """Whether a label is that of an activation."""
    return label.endswith(" activation")
