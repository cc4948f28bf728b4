"""The classes of whole sentences: logits, what they say as probabilities, and the largest."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch

from ...loading.loaded import Loaded
from ...traces.output import Output, Prediction
from ...traces.record import Input
from ...traces.values import strict
from ...traces.vocabulary import known_as
from .plain_numbers import largest, plain, rows
from .returned import loss_of

Returned = Mapping[str, torch.Tensor]
Scale = Literal["softmax", "sigmoid", "none"]
"""What makes probabilities of logits, if anything does."""


def sentence_classes(loaded: Loaded, batch: Input, returned: Returned) -> Output:
    """Return logits (batch, labels), and what they say: probabilities by softmax, by sigmoid where a sentence may have
    several labels, none for a regression.
    """
    config, logits = loaded.model.config, plain(returned[known_as.LOGITS])
    return _output(logits, probabilities_of(logits, scale_of(config)), class_names(config), returned)


def scale_of(config: Any) -> Scale:
    """Return what makes probabilities of the logits of a classifier: nothing of a regression's."""
    if config.num_labels == 1 or config.problem_type == "regression":
        return "none"
    return "sigmoid" if config.problem_type == "multi_label_classification" else "softmax"


def probabilities_of(logits: torch.Tensor, scale: Scale) -> torch.Tensor | None:
    """Return the probabilities of logits (..., labels), None where they say none."""
    return None if scale == "none" else logits.sigmoid() if scale == "sigmoid" else logits.softmax(dim=-1)


def next_sentences(loaded: Loaded, batch: Input, returned: Returned) -> Output:
    """Return logits (batch, 2): whether the second text of a pair continues the first."""
    logits = plain(returned[known_as.LOGITS])
    return _output(logits, logits.softmax(dim=-1), loaded.head.classes, returned)


def choices(loaded: Loaded, batch: Input, returned: Returned) -> Output:
    """Return logits (1, choices) with a softmax over the choices; the label of each is its text."""
    logits = plain(returned[known_as.LOGITS])
    return _output(logits, logits.softmax(dim=-1), batch.pairs or batch.texts, returned)


def _output(
    logits: torch.Tensor, probabilities: torch.Tensor | None, names: Sequence[str], returned: Returned
) -> Output:
    return Output(
        logits=[list(row) for row in rows(logits)],
        probabilities=None if probabilities is None else rows(probabilities),
        predictions=predictions(logits if probabilities is None else probabilities, names),
        loss=loss_of(returned),
    )


def predictions(scores: torch.Tensor, names: Sequence[str]) -> list[Prediction]:
    """Return the largest of each row of scores (rows, classes) with its class."""
    found = []
    for row in scores.tolist():
        index = largest(row)
        label = names[index] if index < len(names) else f"LABEL_{index}"
        found.append(Prediction(index=index, label=label, score=strict(row[index])))
    return found


def class_names(config: Any) -> list[str]:
    """Return the names of a model's classes in their order; ``LABEL_0`` where the configuration has none."""
    named = {int(index): str(name) for index, name in (config.id2label or {}).items()}
    return [named.get(index, f"LABEL_{index}") for index in range(max(config.num_labels, len(named)))]
