"""The names of a tensor's axes."""

from typing import Final, Literal

Axis = Literal[
    "batch",
    "tokens",
    "hidden",
    "embedding",
    "heads",
    "head_dim",
    "intermediate",
    "labels",
    "vocabulary",
    "choices",
    "batch and heads",
    "distances",
    "query, key and value",
    "input and gate",
    "frequencies",
    "half head_dim",
    "broadcast",
    "query tokens",
    "key tokens",
    "positions",
]
Axes = list[Axis]

BROADCAST: Final[Axis] = "broadcast"
"""An axis of length 1, which stands for every place along whatever it meets."""

FOLDED: Final[Axis] = "batch and heads"
"""Each head of the first sentence, then each of the second, and so on: one axis in place of two."""

TOKEN_AXES: Final[frozenset[Axis]] = frozenset(("tokens", "query tokens", "key tokens"))

IDS: Final[Axes] = ["batch", "tokens"]
HIDDEN: Final[Axes] = ["batch", "tokens", "hidden"]
EMBEDDED: Final[Axes] = ["batch", "tokens", "embedding"]
"""Of a model whose embeddings have another size than its hidden states."""
INTERMEDIATE: Final[Axes] = ["batch", "tokens", "intermediate"]
SPLIT: Final[Axes] = ["batch", "tokens", "heads", "head_dim"]
HEADS: Final[Axes] = ["batch", "heads", "tokens", "head_dim"]
HEADS_FOLDED: Final[Axes] = [FOLDED, "tokens", "head_dim"]
HEADS_TRANSPOSED: Final[Axes] = ["batch", "heads", "head_dim", "tokens"]
TOKEN_PAIRS: Final[Axes] = ["query tokens", "key tokens"]
SCORES: Final[Axes] = ["batch", "heads", "query tokens", "key tokens"]
POOLED: Final[Axes] = ["batch", "hidden"]
LOGITS: Final[Axes] = ["batch", "labels"]
LOGITS_OF_TOKENS: Final[Axes] = ["batch", "tokens", "labels"]
TOKEN_LOGITS: Final[Axes] = ["batch", "tokens", "vocabulary"]
CHOICES: Final[Axes] = ["batch", "choices"]
IDS_OF_CHOICES: Final[Axes] = ["batch", "choices", "tokens"]

_ONE = {"tokens": "token", "query tokens": "query token", "key tokens": "key token"}
_ONE |= {"heads": "head", "labels": "label", "choices": "choice", "positions": "position"}


def one_of(axis: str) -> str:
    """Return what one place along an axis is called: ``head`` of ``heads``."""
    return _ONE.get(axis, axis)
