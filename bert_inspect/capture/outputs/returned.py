"""The tensors that a model's forward returned, by transformers' names."""

from collections.abc import Mapping
from typing import Any

import torch

from ...errors import UsageError
from ...families.heads import Head
from ...traces.values import Number, strict
from ...traces.vocabulary import known_as


def returned_tensors(head: Head, returned: Any) -> dict[str, torch.Tensor]:
    """Return what a model with this head returned, and the loss if there is one, by their names: from transformers'
    record, a dictionary of the same keys, or a tuple as with ``return_dict=False``, the loss first.

    Raises:
        UsageError: what the head returns first is not in it.
    """
    if isinstance(returned, torch.Tensor):
        returned = (returned,)
    if isinstance(returned, Mapping):
        found = dict(returned)
    elif isinstance(returned, tuple | list):
        tensors = [item for item in returned if isinstance(item, torch.Tensor)]
        with_loss = bool(tensors) and tensors[0].dim() == 0
        names = (known_as.LOSS, *head.returns) if with_loss else head.returns
        found = dict(zip(names, tensors, strict=False))
    else:
        found = {name: getattr(returned, name, None) for name in (*head.returns, known_as.LOSS)}
    held = {name: found[name] for name in (*head.returns, known_as.LOSS) if isinstance(found.get(name), torch.Tensor)}
    wanted = head.returns[0]
    if wanted not in held or held[wanted].dim() < 2:
        what = "logits" if wanted == known_as.LOGITS else wanted
        raise UsageError(
            f"the model's forward returned {_described(returned)}, in which there are no {what}",
            f"let it return what its class in transformers does, or a tuple that begins with the {what}",
        )
    return held


def loss_of(returned: Mapping[str, torch.Tensor]) -> Number | None:
    """Return the loss among what was returned, None where the model was given no labels."""
    loss = returned.get(known_as.LOSS)
    return None if loss is None else strict(float(loss))


def _described(returned: Any) -> str:
    if isinstance(returned, Mapping):
        return f"a {type(returned).__name__} of {', '.join(map(str, list(returned)[:8])) or 'nothing'}"
    return f"a {type(returned).__name__}"
