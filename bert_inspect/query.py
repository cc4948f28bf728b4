"""Questions to a trace by name: one tensor as numpy, the steps that fit, all steps as a table."""

from collections.abc import Sequence
from typing import Any

from .cells.find import find_step
from .cells.names import label_of
from .diff.side import Side
from .errors import BertInspectError, UsageError
from .safetext import safe_text
from .traces.record import Step, TensorOut, Trace

Key = str | tuple[str, int]
"""A step's label, its path, or what transformers calls its tensor; with a number, that of the encoder layer."""


class Tensor:
    """One tensor of a traced run: what a step returned.

    ``step`` is the step and ``place`` says which of its outputs it is, from 0; ``label`` what it is, ``axes`` the names
    of its axes (None: not known).
    """

    def __init__(self, trace: Trace, step: Step, place: int) -> None:
        self._trace = trace
        self.step = step
        self.place = place

    @property
    def _output(self) -> TensorOut:
        return self.step.outputs[self.place]

    @property
    def label(self) -> str:
        """What it is."""
        return label_of(self.step, self.place)

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sizes."""
        return tuple(self._output.shape)

    @property
    def axes(self) -> Sequence[str] | None:
        """The names of its axes: ``("batch", "heads", "query tokens", "key tokens")``."""
        return None if self._output.axes is None else tuple(self._output.axes)

    def numpy(self) -> Any:
        """Return its numbers as a numpy array of its shape.

        Raises:
            UsageError: the run kept none, or only a part.
        """
        side = Side(self._trace)
        if not side.has_values(self.step, self._output):
            raise UsageError(f"the numbers of {self.label} were not kept", "keep them: trace(..., `values=True`)")
        return side.values(self.step, self._output)

    def __repr__(self) -> str:
        layer = "" if self.step.layer is None else f", layer {self.step.layer}"
        sizes = self.shape if self.axes is None else zip(self.axes, self.shape, strict=True)
        named = [str(each) if isinstance(each, int) else f"{each[0]} {each[1]}" for each in sizes]
        return safe_text(f"<{self.label}{layer}: {' x '.join(named) or 'one number'}>")


def tensor(trace: Trace, key: Key) -> Tensor:
    """Return the tensor that a key names.

    Raises:
        UsageError: no step is called so, or several are.
        TypeError: it is no string.
    """
    words, layer = key if isinstance(key, tuple) else (key, None)
    if not isinstance(words, str):
        raise TypeError(f'a step is named by its label, as in result["context", 3], not by {words!r}')
    found = find_step(trace, words, layer=layer)
    if found.probabilities:
        raise UsageError(f"{words} are no step's", "they are in `output`.probabilities")
    if found.note is not None and layer is None and found.step.layer is not None:
        first, last = _layers(trace, found.step)
        raise UsageError(
            f"{words} is in layers {first} to {last}", f'name one: result["{words}", {first}] is the first'
        )
    return Tensor(trace, found.step, found.place)


def _layers(trace: Trace, like: Step) -> tuple[int, int]:
    """Return the first and the last layer that has a step of this label."""
    layers = [step.layer for step in trace.steps if step.label == like.label and step.layer is not None]
    return min(layers), max(layers)


def find(trace: Trace, **wanted: str | int | None) -> list[Step]:
    """Return the steps that are all that is wanted: of that ``label``, in that ``layer``, of that ``part`` of the
    model, of that ``type``; what is None is not asked for.
    """
    asked = {name: value for name, value in wanted.items() if value is not None}
    return [step for step in trace.steps if all(getattr(step, name) == value for name, value in asked.items())]


def frame(trace: Trace) -> Any:
    """Return the steps as a pandas table, a row each, in the order in which they ran.

    Raises:
        BertInspectError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise BertInspectError("a table of steps needs pandas, which is not installed", "pip install pandas") from error
    rows = [
        {
            "layer": step.layer,
            "part": step.part,
            "label": step.label,
            "kind": step.kind,
            "type": step.type,
            "path": step.path,
            "shapes": [tuple(output.shape) for output in step.outputs],
            "parameters": step.parameters,
            "flops": step.flops,
        }
        for step in trace.steps
    ]
    return pandas.DataFrame(rows, index=pandas.RangeIndex(len(rows), name="step")).astype({"layer": "Int64"})
