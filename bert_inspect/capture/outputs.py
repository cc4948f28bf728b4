"""What a model answered, as a trace has it: one function a head."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from ..errors import UsageError
from ..families.heads import SEQUENCE_CLASSIFICATION, Head
from ..traces.record import Output, Prediction
from ..traces.values import strict


def output_of(head: Head, returned: Any, config: Any) -> Output:
    """Return what a model with this head returned, as plain data."""
    return _BY_TASK[head.task](returned, config)


def _classes(returned: Any, config: Any) -> Output:
    """Return logits (batch, labels), and what they say: probabilities by softmax, by sigmoid where a sentence may have
    several labels, none for a regression.
    """
    returned_logits, loss = logits_and_loss(returned)
    logits = returned_logits.detach().double().cpu()
    regression = config.num_labels == 1 or config.problem_type == "regression"
    several = config.problem_type == "multi_label_classification"
    probabilities = None if regression else logits.sigmoid() if several else logits.softmax(dim=-1)
    scores = (logits if probabilities is None else probabilities).tolist()
    best = [_largest(row) for row in scores]
    names = {int(index): str(name) for index, name in (config.id2label or {}).items()}
    return Output(
        logits=[[strict(number) for number in row] for row in logits.tolist()],
        probabilities=None if probabilities is None else [[strict(number) for number in row] for row in scores],
        predictions=[
            Prediction(index=index, label=names.get(index, f"LABEL_{index}"), score=strict(row[index]))
            for index, row in zip(best, scores, strict=True)
        ],
        loss=None if loss is None else strict(float(loss)),
    )


def logits_and_loss(returned: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return the logits (batch, labels) and the loss, if there is one, of what a classifier returned: transformers'
    record, a dictionary of the same keys, or a tuple as with ``return_dict=False``, the loss first.

    Raises:
        UsageError: there are no logits in it.
    """
    if isinstance(returned, torch.Tensor):
        returned = (returned,)
    if isinstance(returned, Mapping):
        found, loss = returned.get("logits"), returned.get("loss")
    elif isinstance(returned, tuple | list):
        tensors = [item for item in returned if isinstance(item, torch.Tensor)]
        loss = tensors.pop(0) if tensors and tensors[0].dim() == 0 else None
        found = tensors[0] if tensors else None
    else:
        found, loss = getattr(returned, "logits", None), getattr(returned, "loss", None)
    if not isinstance(found, torch.Tensor) or found.dim() != 2:
        raise UsageError(
            f"the model's forward returned {_described(returned)}, in which there are no logits (batch, labels)",
            "let it return what its class in transformers does, or a tuple that begins with the logits",
        )
    return found, loss


def _described(returned: Any) -> str:
    if isinstance(returned, Mapping):
        return f"a {type(returned).__name__} of {', '.join(map(str, list(returned)[:8])) or 'nothing'}"
    return f"a {type(returned).__name__}"


def _largest(row: Sequence[float]) -> int:
    """Return where the largest number stands; NaN is never it while there is another."""
    return max(range(len(row)), key=lambda index: -math.inf if math.isnan(row[index]) else row[index])


_BY_TASK: dict[str, Callable[[Any, Any], Output]] = {SEQUENCE_CLASSIFICATION.task: _classes}
