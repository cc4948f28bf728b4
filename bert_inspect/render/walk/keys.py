"""What names one tensor of a trace in Python, and no other."""

from ...errors import UsageError
from ...query import tensor
from ...traces.record import Trace


def key_of(trace: Trace, step: int, place: int = 0) -> str:
    """Return what stands between the brackets of ``result[...]``: ``"context", 3``; the step's number where no words
    name it alone.
    """
    found = trace.steps[step]
    label = found.outputs[place].label or found.label
    for words in (label, f"{found.path}:{label}", found.path):
        key = words if found.layer is None else (words, found.layer)
        try:
            held = tensor(trace, key)
        except UsageError:
            continue
        if (held.step.id, held.place) == (step, place):
            return f'"{words}"' if found.layer is None else f'"{words}", {found.layer}'
    return f'"#{step}"'
