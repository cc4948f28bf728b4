"""Roles: what a module is, whatever its architecture calls it; and the parts of a model that modules belong to.

The role of a step is that of the module that it is, or in whose forward it ran. A module that no architecture names
has none (the empty string), but it belongs to the part of the module around it.
"""

from collections.abc import Mapping
from typing import Final

MODEL: Final = "model"
"""The whole model, its head included."""
BODY: Final = "body"
"""The model without its head."""
EMBEDDINGS: Final = "embeddings"
WORD_EMBEDDINGS: Final = "word embeddings"
TOKEN_TYPE_EMBEDDINGS: Final = "token type embeddings"
POSITION_EMBEDDINGS: Final = "position embeddings"
EMBEDDING_PROJECTION: Final = "embedding projection"
"""Brings embeddings to the size of the hidden states, where it is another."""
RELATIVE_EMBEDDINGS: Final = "relative embeddings"
"""A vector for every distance between two tokens."""
RELATIVE_EMBEDDINGS_NORM: Final = "relative embeddings norm"
CONVOLUTION_LAYER: Final = "convolution layer"
"""What lets the first layer's tokens see their neighbours."""
CONVOLUTION: Final = "convolution"
ENCODER: Final = "encoder"
RELATIVE_POSITION_BIAS: Final = "relative position bias"
"""What is added to the scores of each head, by how far apart two tokens stand."""
LAYER_GROUP: Final = "layer group"
"""Layers one after another, all of which are called several times."""
LAYER: Final = "layer"
ATTENTION: Final = "attention"
SELF_ATTENTION: Final = "self-attention"
QUERY_PROJECTION: Final = "query projection"
KEY_PROJECTION: Final = "key projection"
VALUE_PROJECTION: Final = "value projection"
POSITION_QUERY_PROJECTION: Final = "position query projection"
POSITION_KEY_PROJECTION: Final = "position key projection"
FUSED_PROJECTION: Final = "query, key and value projection"
ATTENTION_OUTPUT: Final = "attention output"
ATTENTION_OUTPUT_PROJECTION: Final = "attention output projection"
ROTARY_EMBEDDING: Final = "rotary embedding"
FEED_FORWARD: Final = "feed-forward"
"""All of a layer's feed-forward part in one module; and that part."""
GATED_PROJECTION: Final = "input and gate projection"
INTERMEDIATE: Final = "intermediate"
INTERMEDIATE_PROJECTION: Final = "intermediate projection"
ACTIVATION: Final = "activation"
OUTPUT: Final = "output"
OUTPUT_PROJECTION: Final = "output projection"
NORM: Final = "layer norm"
FINAL_NORM: Final = "final norm"
"""The norm after the last of layers that norm what they receive."""
DROPOUT: Final = "dropout"
POOLER: Final = "pooler"
POOLER_PROJECTION: Final = "pooler projection"
POOLER_ACTIVATION: Final = "pooler activation"
CLASSIFICATION_HEAD: Final = "classification head"
"""Takes one token of each sentence and classifies it: a projection, an activation, then the classifier."""
CLASSIFIER_PROJECTION: Final = "classifier projection"
CLASSIFIER: Final = "classifier"
SPAN_CLASSIFIER: Final = "span classifier"
"""Says of each token whether an answer begins or ends with it."""
PREDICTION_HEADS: Final = "prediction heads"
PREDICTION_HEAD: Final = "prediction head"
"""What predicts tokens: a transform, then a decoder."""
TRANSFORM: Final = "transform"
TRANSFORM_PROJECTION: Final = "transform projection"
DECODER: Final = "decoder"
NEXT_SENTENCE_CLASSIFIER: Final = "next sentence classifier"
SENTENCE_ORDER_HEAD: Final = "sentence order head"
SENTENCE_ORDER_CLASSIFIER: Final = "sentence order classifier"
LOSS: Final = "loss"
REPLACED_TOKEN_HEAD: Final = "replaced token head"
REPLACED_TOKEN_CLASSIFIER: Final = "replaced token classifier"
"""Says of each token whether it was put in place of another."""
HEAD_ACTIVATION: Final = "head activation"
"""Of a head that has an activation of its own, whatever the configuration says of the feed-forward part."""

MAKES_LOGITS: Final = (
    CLASSIFIER,
    SPAN_CLASSIFIER,
    DECODER,
    NEXT_SENTENCE_CLASSIFIER,
    SENTENCE_ORDER_CLASSIFIER,
    REPLACED_TOKEN_CLASSIFIER,
)
"""The last module of a head."""

HEAD: Final = "head"

PARTS: Final[Mapping[str, str]] = {
    EMBEDDINGS: EMBEDDINGS,
    EMBEDDING_PROJECTION: EMBEDDINGS,
    ATTENTION: ATTENTION,
    SELF_ATTENTION: ATTENTION,
    FEED_FORWARD: FEED_FORWARD,
    INTERMEDIATE: FEED_FORWARD,
    OUTPUT: FEED_FORWARD,
    POOLER: POOLER,
}
"""The part of the model that begins with a module of this role; all that is outside of the body is the head."""

QUERY_KEY_VALUE: Final = (QUERY_PROJECTION, KEY_PROJECTION, VALUE_PROJECTION)
ADDS_RESIDUAL: Final = frozenset((ATTENTION_OUTPUT, OUTPUT, CONVOLUTION_LAYER))
"""Modules whose forward adds what the block received to what it computed."""
