"""The names of the stations, in the order in which most models have them; no tour has all."""

from typing import Final

NAMES: Final = (
    *("text", "tokens", "configuration"),
    *("word-embeddings", "token-type-embeddings", "position-embeddings", "sum-of-embeddings", "embeddings-norm"),
    *("embedding-projection", "relative-positions", "rotary-positions"),
    *("query-key-value", "heads", "rotation", "attention-scores", "scaling", "position-scores", "mask"),
    *("attention-probabilities", "context", "fused-attention", "merged-heads", "attention-output"),
    *("attention-residual", "attention-norm", "intermediate", "activation", "gate", "output"),
    *("feed-forward-residual", "feed-forward-norm", "convolution", "all-layers", "final-norm"),
    *("pooler", "last-hidden-state", "head", "logits", "logits-2", "logits-of-choices", "answer", "loss"),
)
