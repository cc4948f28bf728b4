"""What a model answered, as a trace has it: one function a head."""

import math
from collections.abc import Callable, Sequence
from typing import Any

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
    logits = returned.logits.detach().double().cpu()
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
        loss=None if returned.loss is None else strict(float(returned.loss)),
    )


def _largest(row: Sequence[float]) -> int:
    """Return where the largest number stands; NaN is never it while there is another."""
    return max(range(len(row)), key=lambda index: -math.inf if math.isnan(row[index]) else row[index])


_BY_TASK: dict[str, Callable[[Any, Any], Output]] = {SEQUENCE_CLASSIFICATION.task: _classes}
