"""The names under which transformers returns tensors."""

from typing import Final

LAST_HIDDEN_STATE: Final = "last_hidden_state"
POOLER_OUTPUT: Final = "pooler_output"
LOGITS: Final = "logits"
LOSS: Final = "loss"
HIDDEN_STATES: Final = "hidden_states"
ATTENTIONS: Final = "attentions"

RETURNED: Final = (LAST_HIDDEN_STATE, POOLER_OUTPUT, LOGITS, LOSS)
"""Keys of the outputs of models, each a tensor."""


def hidden_state(number: int) -> str:
    """Return the name of a hidden state: 0 is what the first layer receives, n what layer n - 1 returns."""
    return f"{HIDDEN_STATES}[{number}]"


def attention(number: int) -> str:
    """Return the name of a layer's attention probabilities."""
    return f"{ATTENTIONS}[{number}]"
