"""Other inputs of the same shape as the one that was traced."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

Inputs = Mapping[str, torch.Tensor]


def other_inputs(inputs: Inputs, special: Sequence[Sequence[int]], config: Any) -> Iterator[Inputs]:
    """Yield other inputs of the same shape, (batch, tokens) or (1, choices, tokens): with other words and segments
    throughout; with one token less to see in a sentence; with other special tokens too; and with one other word in each
    sentence, which leads a model that goes different ways for different inputs the same way most often.

    Padding stays padding, and but for one of them what is special stays special, as models look for these; ``special``
    says which tokens are.
    """
    shape = inputs["input_ids"].shape
    flat = {name: tensor.reshape(-1, shape[-1]) if tensor.shape == shape else tensor for name, tensor in inputs.items()}
    for others in _others(flat, special, config):
        yield {name: tensor.reshape(inputs[name].shape) for name, tensor in others.items()}


def _others(inputs: Inputs, special: Sequence[Sequence[int]], config: Any) -> Iterator[Inputs]:
    ids = inputs["input_ids"]
    segments = getattr(config, "type_vocab_size", 1)
    visible = inputs.get("attention_mask", torch.ones_like(ids)) == 1
    words = torch.tensor(special, dtype=torch.long, device=ids.device) == 0
    if not words.any():
        words = visible
    changed = {**inputs, "input_ids": _other_tokens(ids, words, config.vocab_size)}
    if segments > 1 and "token_type_ids" in inputs:
        changed["token_type_ids"] = (inputs["token_type_ids"] + 1) % segments
    yield changed
    if "attention_mask" in inputs:
        yield {**inputs, "attention_mask": _hiding_one(inputs["attention_mask"])}
    yield {**inputs, "input_ids": _other_tokens(ids, visible, config.vocab_size)}
    last = words & (words.cumsum(dim=-1) == words.sum(dim=-1, keepdim=True))
    yield {**inputs, "input_ids": _other_tokens(ids, last, config.vocab_size)}


def _other_tokens(ids: torch.Tensor, where: torch.Tensor, vocabulary: int) -> torch.Tensor:
    """Return other ids at some places, none of them one that stands at another place."""
    taken = {*ids[~where].tolist()}
    other = [[_next(token, taken, vocabulary) for token in row] for row in ids.tolist()]
    return torch.where(where, torch.tensor(other, dtype=ids.dtype, device=ids.device), ids)


def _next(token: int, taken: set[int], vocabulary: int) -> int:
    """Return the next token of the vocabulary that is not taken."""
    for step in range(1, vocabulary):
        other = (token + step) % vocabulary
        if other not in taken:
            return other
    return token


def _hiding_one(mask: torch.Tensor) -> torch.Tensor:
    """Hide the last visible token of the first sentence that has more than two."""
    hidden = mask.clone()
    for row in hidden:
        visible = row.nonzero()
        if len(visible) > 2:
            row[visible[-1]] = 0
            break
    return hidden
