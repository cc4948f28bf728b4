"""The names under which transformers returns tensors."""

from typing import Final

LAST_HIDDEN_STATE: Final = "last_hidden_state"
POOLER_OUTPUT: Final = "pooler_output"
LOGITS: Final = "logits"
START_LOGITS: Final = "start_logits"
END_LOGITS: Final = "end_logits"
PREDICTION_LOGITS: Final = "prediction_logits"
SEQ_RELATIONSHIP_LOGITS: Final = "seq_relationship_logits"
SOP_LOGITS: Final = "sop_logits"
LOSS: Final = "loss"
HIDDEN_STATES: Final = "hidden_states"
ATTENTIONS: Final = "attentions"

RETURNED: Final = (
    LAST_HIDDEN_STATE,
    POOLER_OUTPUT,
    LOGITS,
    START_LOGITS,
    END_LOGITS,
    PREDICTION_LOGITS,
    SEQ_RELATIONSHIP_LOGITS,
    SOP_LOGITS,
    LOSS,
)
"""Keys of the outputs of models, each a tensor."""


def hidden_state(number: int) -> str:
    """Return the name of a hidden state: 0 is what the first layer receives, n what layer n - 1 returns."""
    return f"{HIDDEN_STATES}[{number}]"


def attention(number: int) -> str:
    """Return the name of a layer's attention probabilities."""
    return f"{ATTENTIONS}[{number}]"
