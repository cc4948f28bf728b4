"""The part of the model that a step belongs to, where its module does not say it."""

from collections.abc import Sequence

from ...families.heads import NO_HEAD, Head
from ...traces.vocabulary import labels, roles
from ..tracing.step_record import StepRecord


def place_steps(steps: Sequence[StepRecord], named: Sequence[str], head: Head) -> None:
    """Give each sum in a layer's own forward the part of the module whose result it adds, and what a model without a
    head does itself none; ``named`` are the labels.
    """
    _place_residual_sums(steps, named)
    for step in steps:
        if head is NO_HEAD and step.role == roles.MODEL:
            step.part = ""


def _place_residual_sums(steps: Sequence[StepRecord], named: Sequence[str]) -> None:
    made: dict[int, dict[int, str]] = {}  # by layer step: the part that each tensor came from, by its number
    for step in steps:
        if step.parent is not None and step.kind == "module" and step.role != roles.NORM and step.part:
            made.setdefault(step.parent, {}).update((seen.number, step.part) for seen in step.outputs)
    for step, label in zip(steps, named, strict=True):
        if label == labels.RESIDUAL_SUM and step.role == roles.LAYER and step.parent is not None:
            inside = made.get(step.parent, {})
            step.part = next((inside[seen.number] for seen in step.inputs if seen.number in inside), step.part)
