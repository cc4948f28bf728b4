"""From an encoded batch to what the model's forward is called with."""

from collections.abc import Sequence
from typing import Any

import torch
from msgspec import structs
from torch.overrides import TorchFunctionMode

from ..families.heads import MULTIPLE_CHOICE
from ..loading.loaded import Loaded
from ..traces.record import Input


def as_given(loaded: Loaded, batch: Input) -> Input:
    """Return a batch as the model is given it: without segments where the family takes none, whatever the tokenizer
    says. Of which text a token is stays known.
    """
    if "token_type_ids" in loaded.family.inputs or not any(map(any, batch.token_type_ids)):
        return batch
    rows = range(len(batch.input_ids))
    return structs.replace(
        batch,
        token_type_ids=[[0] * len(row) for row in batch.token_type_ids],
        text_ids=[batch.sides(row) for row in rows],
    )


def model_inputs(loaded: Loaded, batch: Input, *, labels: bool = True) -> dict[str, torch.Tensor]:
    """Return the model's keyword arguments: what its family takes (batch, tokens), and labels if there are any: one a
    sentence (batch), or ones and zeros (batch, labels) where a sentence may have several. Of multiple choice they are
    (1, choices, tokens).
    """
    family, model = loaded.family, loaded.model
    device = next(model.parameters()).device
    inputs = {name: torch.tensor(getattr(batch, name), dtype=torch.long, device=device) for name in family.inputs}
    if loaded.head is MULTIPLE_CHOICE:  # the rows are the choices of one text
        inputs = {name: tensor.unsqueeze(0) for name, tensor in inputs.items()}
    if labels and batch.labels is not None:
        config = model.config
        floating = next(model.parameters()).dtype
        if config.problem_type == "multi_label_classification":
            inputs["labels"] = torch.zeros(len(batch.labels), config.num_labels, dtype=floating, device=device)
            for row, given in enumerate(batch.labels):
                for label in given if isinstance(given, list) else [given]:
                    inputs["labels"][row, int(label)] = 1.0
        else:
            dtype = floating if config.num_labels == 1 else torch.long
            inputs["labels"] = torch.tensor(batch.labels, dtype=dtype, device=device)
    return inputs


class VisibleTokens(TorchFunctionMode):
    """Answers the one question that a forward asks of its data, for tensors that hold none.

    On the meta device nothing can be read, but whether the mask hides anything decides which steps run. The batch
    knows.
    """

    def __init__(self, batch: Input) -> None:
        super().__init__()
        self._all_visible = all(all(row) for row in batch.attention_mask)

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.Tensor.__bool__ and args[0].is_meta:
            return self._all_visible
        return func(*args, **(kwargs or {}))
