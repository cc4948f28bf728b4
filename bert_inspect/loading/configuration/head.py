"""Which head a checkpoint is read with: the one that is asked for, else the one that it was saved with."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ...errors import UsageError
from ...families import FAMILIES, Family
from ...families.heads import MASKED_LM, NO_HEAD, QUESTION_ANSWERING, SEQUENCE_CLASSIFICATION, Head
from ..notices import Notice, short, with_article
from ..spec import ModelSpec


@dataclass(frozen=True, kw_only=True)
class ChosenHead:
    """The head that a checkpoint is read with. ``by_name``: it was asked for, so that it may be drawn at random where
    the checkpoint does not hold it.
    """

    head: Head
    by_name: bool


def chosen_head(
    spec: ModelSpec, family: Family, config: dict[str, Any], tensors: Collection[str], *, name: str, notice: Notice
) -> ChosenHead:
    """Return the head for the task of the spec, ``auto`` being what the checkpoint ``name`` was saved for: the class
    that its configuration names, else what the names of its ``tensors`` say. What is read without its own head is told
    to ``notice``.

    Raises:
        UsageError: the family has no such head, or the head has no labels and their number is given.
    """
    if spec.task != "auto":
        return ChosenHead(head=head_for(spec.task, family, name=name, num_labels=spec.num_labels), by_name=True)
    found = _saved_with(family, config, tensors, name=name, notice=notice)
    _check_labels(found, name=name, num_labels=spec.num_labels)
    return ChosenHead(head=found, by_name=spec.num_labels is not None)


def head_for(task: str, family: Family, *, name: str, num_labels: int | None) -> Head:
    """Return the head of a family for a task that was asked for by name.

    Raises:
        UsageError: the family has no such head, or it has no labels and their number is given.
    """
    found = family.head(task)
    if found is None:
        raise UsageError(
            f"{name} is {with_article(family.name)}, which has no head for {task} in transformers",
            f"its tasks are {', '.join(head.task for head in family.heads)}",
        )
    _check_labels(found, name=name, num_labels=num_labels)
    return found


def _check_labels(head: Head, *, name: str, num_labels: int | None) -> None:
    if num_labels is not None and not head.takes_labels:
        raise UsageError(
            f"{name} is read for {head.task}, which has no labels to be counted",
            'give their number with `task="text-classification"` or `task="token-classification"`',
        )


def _saved_with(family: Family, config: dict[str, Any], tensors: Collection[str], *, name: str, notice: Notice) -> Head:
    classes = config.get("architectures")
    if isinstance(classes, list) and classes:
        names = [each for each in classes if isinstance(each, str)]
        # A class of another family (a CamemBERT that says it is a RoBERTa) tells what the head is for.
        others = (head for other in FAMILIES.values() if (head := other.head_of_classes(names)) is not None)
        found = family.head_of_classes(names) or next((family.head(head.task) for head in others), None)
        if found is None:
            what = "whose head is not read: its body is shown"
            notice(f"{name} was saved from {with_article(short(str(classes[0])))}, {what}")
        return found or NO_HEAD
    modules = {part for tensor in tensors if not family.in_body(tensor) for part in tensor.split(".")}
    for marks, head in _MARKS:
        if not modules.isdisjoint(marks):
            return head
    return SEQUENCE_CLASSIFICATION if not tensors and _names_labels(config) else NO_HEAD


_MARKS: tuple[tuple[frozenset[str], Head], ...] = (
    (frozenset({"qa_outputs"}), QUESTION_ANSWERING),
    (frozenset({"classifier"}), SEQUENCE_CLASSIFICATION),
    (frozenset({"predictions", "lm_head", "generator_lm_head", "vocab_projector", "decoder"}), MASKED_LM),
)
"""What only a model with one of these heads has in the names of its tensors."""


def _names_labels(config: dict[str, Any]) -> bool:
    return config.get("id2label") is not None or config.get("num_labels") is not None
