"""Sentence vectors: the hidden states pooled as sentence-transformers does, and the cosines between them."""

from collections.abc import Callable, Mapping

import torch

from ...loading.loaded import Loaded
from ...traces.output import Output, Pooled
from ...traces.record import Input
from ...traces.vocabulary import known_as
from .plain_numbers import plain, rows


def pooled(loaded: Loaded, batch: Input, returned: Mapping[str, torch.Tensor]) -> Output:
    """Return the cosine between every two sentences where the checkpoint names a pooling, else nothing."""
    kinds = loaded.pooling
    if not kinds:
        return Output(probabilities=None, loss=None)
    hidden = plain(returned[known_as.LAST_HIDDEN_STATE])
    seen = torch.tensor(batch.attention_mask, dtype=hidden.dtype).unsqueeze(-1)
    vectors = torch.cat([POOLINGS[kind](hidden, seen) for kind in kinds], dim=-1)
    length = vectors / vectors.norm(dim=-1, keepdim=True).clamp(min=1e-12)
    return Output(probabilities=None, loss=None, pooled=Pooled(kind=" + ".join(kinds), cosine=rows(length @ length.T)))


def _first(hidden: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """Return the first real token of each sentence, on whichever side padding stands."""
    return hidden[torch.arange(len(hidden)), seen.squeeze(-1).argmax(dim=-1)]


def _last(hidden: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    places = torch.arange(1, hidden.shape[1] + 1) * seen.squeeze(-1)
    return hidden[torch.arange(len(hidden)), places.argmax(dim=-1)]


def _sum(hidden: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    return (hidden * seen).sum(dim=1)


def _count(seen: torch.Tensor) -> torch.Tensor:
    return seen.sum(dim=1).clamp(min=1e-9)


def _weighted(hidden: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """Return the mean with weights that grow with the place: 1, 2, 3 ..."""
    weights = torch.arange(1, hidden.shape[1] + 1, dtype=hidden.dtype).reshape(1, -1, 1) * seen
    return _sum(hidden, weights) / _count(weights)


POOLINGS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "cls": _first,
    "max": lambda hidden, seen: hidden.masked_fill(seen == 0, -1e9).max(dim=1).values,
    "mean": lambda hidden, seen: _sum(hidden, seen) / _count(seen),
    "mean_sqrt_len_tokens": lambda hidden, seen: _sum(hidden, seen) / _count(seen).sqrt(),
    "weightedmean": _weighted,
    "lasttoken": _last,
}
"""From hidden states (batch, tokens, hidden) and which tokens are real (batch, tokens, 1) to (batch, hidden), by the
names of sentence-transformers (``models/Pooling.py``), which puts several side by side in this order.
"""
