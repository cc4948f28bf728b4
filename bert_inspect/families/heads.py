"""What is known of each head, as data: its task, the class that has it, its parameters."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Head:
    """A head on a body.

    Attributes:
        task: what it is for, by the names of transformers' pipelines.
        name: how people call a model that has it: "BERT for ``name``".
        suffix: how the name of the class ends that has it.
        prefixes: how the names of its parameters begin.
    """

    task: str
    name: str
    suffix: str
    prefixes: tuple[str, ...]

    def holds(self, parameter: str) -> bool:
        """Whether a parameter belongs to the head, by its name."""
        return parameter.startswith(self.prefixes)


SEQUENCE_CLASSIFICATION = Head(
    task="text-classification",
    name="sequence classification",
    suffix="ForSequenceClassification",
    prefixes=("classifier.",),
)

HEADS: dict[str, Head] = {head.task: head for head in (SEQUENCE_CLASSIFICATION,)}
"""By task."""


def head_of_classes(names: Iterable[str]) -> Head:
    """Return the head of a model by the name of its class, or of a class that it inherits from."""
    found = (head for name in names for head in HEADS.values() if name.endswith(head.suffix))
    return next(found, SEQUENCE_CLASSIFICATION)


def head_of(task: str) -> Head:
    """Return the head for a task; a trace that names none is of sequence classification."""
    return HEADS.get(task, SEQUENCE_CLASSIFICATION)
