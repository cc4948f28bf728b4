"""The most probable tokens at each mask; and with them what pre-training asks of a pair."""

from collections.abc import Mapping
from typing import Any

import torch
from msgspec import structs

from ...loading.loaded import Loaded
from ...traces.output import Candidate, Mask, Output
from ...traces.record import Input
from ...traces.values import strict
from ...traces.vocabulary import known_as
from .classes import predictions
from .plain_numbers import plain, rows
from .returned import loss_of

BEST = 10
"""How many tokens are told of each mask."""


def best_at_masks(loaded: Loaded, batch: Input, returned: Mapping[str, torch.Tensor]) -> Output:
    """Return the most probable tokens at each mask, from logits (batch, tokens, vocabulary)."""
    return _output(loaded, batch, returned, returned[known_as.LOGITS])


def pre_training(loaded: Loaded, batch: Input, returned: Mapping[str, torch.Tensor]) -> Output:
    """Return the most probable tokens at each mask, and the logits (batch, 2) of what is asked of the pair: whether the
    second text is next, or whether both are in order.
    """
    found = _output(loaded, batch, returned, returned[known_as.PREDICTION_LOGITS])
    order = known_as.SOP_LOGITS in returned
    logits = plain(returned[known_as.SOP_LOGITS if order else known_as.SEQ_RELATIONSHIP_LOGITS])
    shares = logits.softmax(dim=-1)
    return structs.replace(
        found,
        logits=[list(row) for row in rows(logits)],
        probabilities=rows(shares),
        predictions=predictions(shares, loaded.head.classes),
    )


def _output(loaded: Loaded, batch: Input, returned: Mapping[str, torch.Tensor], logits: torch.Tensor) -> Output:
    mask = getattr(loaded.tokenizer, "mask_token_id", None)
    return Output(
        probabilities=None,
        loss=loss_of(returned),
        masks=[
            Mask(sentence=row, position=place, tokens=_best(plain(logits[row, place]), loaded.tokenizer))
            for row, ids in enumerate(batch.input_ids)
            for place, id_ in enumerate(ids)
            if mask is not None and id_ == mask and batch.attention_mask[row][place]
        ],
    )


def _best(logits: torch.Tensor, tokenizer: Any) -> list[Candidate]:
    """Return the best of logits (vocabulary), the most probable first; of equals the one with the smaller id."""
    shares = logits.softmax(dim=-1)
    values, ids = shares.sort(descending=True, stable=True)
    return [
        Candidate(id=id_, token=str(tokenizer.convert_ids_to_tokens(id_) or ""), probability=strict(share))
        for share, id_ in zip(values[:BEST].tolist(), ids[:BEST].tolist(), strict=True)
    ]
