"""What the places along the axis of a head's labels are called."""

from ...traces.record import Trace
from ...traces.vocabulary.axes import LOGITS
from ..outcome.classes import class_label

_MOST = 2_000
_ENDS = ["start", "end"]
"""The two logits of each token where an answer is a span."""


def label_names(trace: Trace) -> list[str]:
    """Return the name of each class in the order of the logits, of a random head its number; empty where the head has
    no classes, or its trace no logits.
    """
    output = trace.output
    if output is None:
        return []
    if output.start_logits:
        return _ENDS
    axis = LOGITS[-1]
    sizes = [
        tensor.shape[-1] for step in trace.steps for tensor in step.outputs if tensor.axes and tensor.axes[-1] == axis
    ]
    size = sizes[-1] if sizes else 0
    if size == 1:
        return ["score"]
    return [class_label(trace, output, place) for place in range(size)] if size <= _MOST else []
