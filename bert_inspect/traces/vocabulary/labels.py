"""Labels: what a step's tensor is, in the field's words. Every label that code asks for is a constant of this file.

Two kinds are made of a word and a number or a name: ``layer 3`` and ``gelu activation``. What no label fits is called
as the module or the operation is called in the code.
"""

from typing import Final

# Embeddings
POSITION_IDS: Final = "position ids"
POSITIONS: Final = "positions"
WORD_EMBEDDINGS: Final = "word embeddings"
TOKEN_TYPE_EMBEDDINGS: Final = "token type embeddings"
POSITION_EMBEDDINGS: Final = "position embeddings"
WORD_AND_TOKEN_TYPE_EMBEDDINGS: Final = "word + token type embeddings"
WORD_AND_POSITION_EMBEDDINGS: Final = "word + position embeddings"
SUM_OF_EMBEDDINGS: Final = "sum of embeddings"
EMBEDDINGS: Final = "embeddings"

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
FUSED_SPLIT: Final = "query, key and value split into heads"
SPLIT_INTO_QUERY_KEY_VALUE: Final = "split into query, key and value"
KEY_TRANSPOSED: Final = "key transposed"
ATTENTION_SCORES: Final = "attention scores"
SCALED_ATTENTION_SCORES: Final = "scaled attention scores"
MASKED_ATTENTION_SCORES: Final = "masked attention scores"
ATTENTION_PROBABILITIES: Final = "attention probabilities"
ATTENTION_DROPOUT: Final = "attention dropout"
CONTEXT: Final = "context"
CONTEXT_PERMUTED: Final = "context permuted"
CONTEXT_RESHAPED: Final = "context reshaped"
FUSED_ATTENTION: Final = "fused attention"
SELF_ATTENTION: Final = "self-attention"

# Rotary position embedding (Su et al., "RoFormer", 2021); a layer whose attention is local has one of its own
ROTARY_EMBEDDING: Final = "rotary embedding"
ROTARY_FREQUENCIES: Final = "rotary frequencies"
ROTARY_POSITIONS: Final = "rotary positions"
ROTARY_ANGLES: Final = "rotary angles"
ROTARY_ANGLES_TWICE: Final = "rotary angles of both halves"
ROTARY_COS: Final = "rotary cos"
ROTARY_SIN: Final = "rotary sin"
SCALED_ROTARY_COS: Final = "scaled rotary cos"
SCALED_ROTARY_SIN: Final = "scaled rotary sin"
LOCAL_ROTARY_EMBEDDING: Final = "local rotary embedding"
LOCAL_ROTARY_FREQUENCIES: Final = "local rotary frequencies"
LOCAL_ROTARY_ANGLES: Final = "local rotary angles"
LOCAL_ROTARY_ANGLES_TWICE: Final = "local rotary angles of both halves"
LOCAL_ROTARY_COS: Final = "local rotary cos"
LOCAL_ROTARY_SIN: Final = "local rotary sin"
LOCAL_SCALED_ROTARY_COS: Final = "local scaled rotary cos"
LOCAL_SCALED_ROTARY_SIN: Final = "local scaled rotary sin"
QUERY_TIMES_COS: Final = "query times cos"
QUERY_FIRST_HALF: Final = "query first half"
QUERY_SECOND_HALF: Final = "query second half"
QUERY_SECOND_HALF_NEGATED: Final = "query second half negated"
QUERY_ROTATED_HALF: Final = "query rotated half"
QUERY_ROTATED_HALF_TIMES_SIN: Final = "query rotated half times sin"
ROTATED_QUERY: Final = "rotated query"
KEY_TIMES_COS: Final = "key times cos"
KEY_FIRST_HALF: Final = "key first half"
KEY_SECOND_HALF: Final = "key second half"
KEY_SECOND_HALF_NEGATED: Final = "key second half negated"
KEY_ROTATED_HALF: Final = "key rotated half"
KEY_ROTATED_HALF_TIMES_SIN: Final = "key rotated half times sin"
ROTATED_KEY: Final = "rotated key"

# The rest of a layer
ATTENTION: Final = "attention"
ATTENTION_OUTPUT: Final = "attention output"
ATTENTION_OUTPUT_PROJECTION: Final = "attention output projection"
INTERMEDIATE: Final = "intermediate"
INTERMEDIATE_PROJECTION: Final = "intermediate projection"
FEED_FORWARD: Final = "feed-forward"
INPUT_AND_GATE_PROJECTION: Final = "input and gate projection"
SPLIT_INTO_INPUT_AND_GATE: Final = "split into input and gate"
ACTIVATION_INPUT: Final = "activation input"
GATE: Final = "gate"
GATED_INTERMEDIATE: Final = "gated intermediate"
OUTPUT: Final = "output"
OUTPUT_PROJECTION: Final = "output projection"
RESIDUAL_SUM: Final = "residual sum"
LAYER_NORM: Final = "layer norm"
DROPOUT: Final = "dropout"
IDENTITY: Final = "identity"
FINAL_NORM: Final = "final norm"
ENCODER: Final = "encoder"

# Above the layers
ATTENTION_MASK: Final = "attention mask"
LOCAL_ATTENTION_MASK: Final = "local attention mask"
PADDING_MASK: Final = "padding mask"
PADDING_ZEROED: Final = "padding zeroed"
SUM_OVER_TOKENS: Final = "sum over tokens"
NUMBER_OF_TOKENS: Final = "number of tokens"
MEAN_OVER_TOKENS: Final = "mean over tokens"
ROW_NUMBERS: Final = "row numbers"
FIRST_PLACES: Final = "places of the first tokens"
POOLER: Final = "pooler"
CLS_TOKEN: Final = "first token [CLS]"
FIRST_TOKEN: Final = "first token"
LAST_TOKEN: Final = "last token"
POOLER_PROJECTION: Final = "pooler projection"
TANH_ACTIVATION: Final = "tanh activation"
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
LOSS: Final = "loss"

# What the dataflow says nothing about
SPLIT_INTO_CHUNKS: Final = "split into chunks"
CHUNKS_JOINED: Final = "chunks joined"

LABELS: Final = frozenset(value for name, value in dict(globals()).items() if name.isupper())
"""All of them."""

QUERY_KEY_VALUE: Final = (
    (QUERY_PROJECTION, QUERY_SPLIT, QUERY_HEADS),
    (KEY_PROJECTION, KEY_SPLIT, KEY_HEADS),
    (VALUE_PROJECTION, VALUE_SPLIT, VALUE_HEADS),
)
"""What becomes of each of the three: projected, split into heads, heads before tokens."""

MASKS: Final = frozenset((ATTENTION_MASK, LOCAL_ATTENTION_MASK))
"""What hides keys from queries before the softmax."""

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
