"""From an encoded batch to what the model's forward is called with."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from ..errors import UsageError
from ..families import Family
from ..traces.record import Input


def model_inputs(batch: Input, family: Family, model: Any, *, labels: bool = True) -> dict[str, torch.Tensor]:
    """Return the model's keyword arguments: what its family takes (batch, tokens), and labels (batch) if there are any.

    Raises:
        UsageError: there are labels that the model's loss does not take.
    """
    device = next(model.parameters()).device
    inputs = {name: torch.tensor(getattr(batch, name), dtype=torch.long, device=device) for name in family.inputs}
    if labels and batch.labels is not None:
        config = model.config
        if config.problem_type == "multi_label_classification":
            raise UsageError(
                "this model gives several labels to a sentence: one class index is no label for it",
                "leave `labels` out",
            )
        dtype = next(model.parameters()).dtype if config.num_labels == 1 else torch.long
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
