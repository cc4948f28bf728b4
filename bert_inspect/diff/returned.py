"""The logits that a run returned, as what the step gave that computed them."""

from collections.abc import Sequence
from typing import Any

from ..traces.output import Output
from ..traces.record import Step, TensorOut
from ..traces.vocabulary import roles

_GIVE_LOGITS = (roles.CLASSIFIER, roles.NEXT_SENTENCE_CLASSIFIER)


def returned_by(step: Step, tensor: TensorOut, output: Output) -> list[Any] | None:
    """Return the numbers of a step's output, nested as its shape says, where they are the logits that the run returned;
    None where they are not.
    """
    if step.role == roles.SPAN_CLASSIFIER:
        columns = zip(output.start_logits, output.end_logits, strict=False)
        found: list[Any] = [[list(both) for both in zip(*ends, strict=False)] for ends in columns]
        return found if _shape(found) == tensor.shape else None
    if step.role not in _GIVE_LOGITS:
        return None
    choices = [[logit] for logit in output.logits[0]] if len(output.logits) == 1 else []  # (choices, 1) before a view
    return next((logits for logits in (output.logits, choices) if logits and _shape(logits) == tensor.shape), None)


def _shape(nested: Sequence[Any]) -> list[int] | None:
    """Return the sizes of nested lists, None where they are no tensor."""
    if not nested or not all(isinstance(inner, list) for inner in nested):
        return None if any(isinstance(inner, list) for inner in nested) else [len(nested)]
    inside = [_shape(inner) for inner in nested]
    return None if inside[0] is None or inside.count(inside[0]) < len(inside) else [len(nested), *inside[0]]
