"""Code that computes a station's tensor once more with numpy, from what the steps before it returned."""

from collections.abc import Iterator

from ...cells.names import label_of
from ...stations.walk import Stop, Walk
from ...traces.record import Step
from .keys import key_of

_CLOSE = "np.allclose(by_hand, {}, rtol=1e-3, atol=1e-4)"


def checked_by_hand(walk: Walk, stop: Stop) -> Iterator[list[str]]:
    """Yield the lines of a cell for each step of a station that is a sum, a matrix product or a softmax of tensors
    whose numbers the trace holds; the last line says whether the result is the recorded one.
    """
    if not walk.has_numbers:
        return
    for at in stop.station.steps:
        step = walk.trace.steps[at]
        if step.type not in _COMPUTE or not step.outputs or step.no_op:
            continue
        names = _received(walk, step)
        if names is None:
            continue
        own = f"result[{key_of(walk.trace, at)}].numpy()"
        yield [f"# {label_of(step, 0)}, computed by hand", *names, *_COMPUTE[step.type][1], _CLOSE.format(own)]


_COMPUTE = {
    "add": (2, ["by_hand = a + b"]),
    "matmul": (2, ["by_hand = a @ b"]),
    "softmax": (
        1,
        [
            "e = np.exp(a - a.max(axis=-1, keepdims=True))",
            "by_hand = e / e.sum(axis=-1, keepdims=True)",
        ],
    ),
    "tanh": (1, ["by_hand = np.tanh(a)"]),
    "Tanh": (1, ["by_hand = np.tanh(a)"]),
}
"""How many tensors a step takes, and how it computes from them."""


def _received(walk: Walk, step: Step) -> list[str] | None:
    """Return the lines that name what a step received; None where some of it is no step's."""
    count = _COMPUTE[step.type][0]
    if len(step.inputs) != count or any(tensor.from_ is None for tensor in step.inputs):
        return None
    if step.type == "softmax" and "dim=-1" not in step.arguments:
        return None
    if step.type == "add" and step.arguments:
        return None
    lines = []
    for name, tensor in zip("ab", step.inputs, strict=False):
        made = walk.trace.steps[tensor.from_ or 0]
        places = [at for at, output in enumerate(made.outputs) if output.shape == tensor.shape]
        if len(places) != 1:
            return None
        lines.append(f"{name} = result[{key_of(walk.trace, made.id, places[0])}].numpy()")
    return lines
