"""How places, tensors and cells are called: tokens by their text, heads by their number, classes by their name."""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from ..traces.lookup import class_name
from ..traces.record import Input, Step, Trace
from ..traces.token_text import token_texts
from ..traces.vocabulary.axes import BROADCAST, FOLDED, TOKEN_AXES
from .operand import Operand

_WORDS = {
    "heads": "head",
    "head_dim": "d",
    "half head_dim": "d",
    "intermediate": "neuron",
    "choices": "choice",
    "positions": "position",
    "distances": "distance",
    "frequencies": "frequency",
    "query, key and value": "number",
    "input and gate": "number",
    "vocabulary": "id",
}
"""What a place along an axis is called, before its index."""
AT = "@"
"""What stands between the text of a token that is there several times and its place."""


class Names:
    """Names the places along the axes of a trace's tensors."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.batch: Input = trace.input
        self.sentences = len(self.batch.tokens)
        self._texts: dict[int, list[str]] = {}

    @cached_property
    def heads(self) -> int:
        """How many heads a layer has."""
        return self.trace.model.sizes.heads or 1

    @cached_property
    def _pieces(self) -> dict[int, str]:
        return {
            id_: text
            for row in range(self.sentences)
            for id_, text in zip(self.batch.input_ids[row], self.texts(row), strict=True)
        }

    def texts(self, row: int) -> list[str]:
        """Return the tokens of a sentence by their text, with the place where a text is there several times."""
        if row not in self._texts:
            plain = token_texts(self.batch, row)
            counts = Counter(plain)
            self._texts[row] = [f"{text}{AT}{at}" if counts[text] > 1 else text for at, text in enumerate(plain)]
        return self._texts[row]

    def row_of(
        self, axes: Sequence[str] | None, index: Sequence[int | None], default: int, *, shape: Sequence[int]
    ) -> int:
        """Return the sentence that an index is in; the default where the tensor is the same for all sentences."""
        for axis, place, size in zip(axes or (), index, shape, strict=False):
            if axis == "batch" and size == 1:
                continue
            if place is not None and axis == "batch" and place < self.sentences:
                return place
            if place is not None and axis == FOLDED and place // self.heads < self.sentences:
                return place // self.heads
        return default if default < self.sentences else 0

    def place(self, axis: str, index: int, row: int, *, size: int | None = None) -> str:
        """Return what stands at a place along an axis of a size; empty where nothing needs to be said."""
        if size == 1 and (axis in ("batch", "heads") or axis in TOKEN_AXES):
            return ""  # it stands for all of them
        if axis in TOKEN_AXES and row < self.sentences and index < len(self.batch.tokens[row]):
            return self.texts(row)[index]
        if axis == BROADCAST:
            return ""
        if axis == "batch":
            return f"sentence {index + 1}" if self.sentences > 1 else ""
        if axis == FOLDED:
            sentence = self.place("batch", index // self.heads, row)
            return ", ".join(part for part in (sentence, f"head {index % self.heads}") if part)
        if axis == "labels":
            return class_name(self.trace.model, index)
        if axis == "vocabulary" and index in self._pieces:
            return f"id {index} ({self._pieces[index].partition(AT)[0]})"
        word = "" if axis.startswith("axis ") else _WORDS.get(axis, axis)
        return f"{word} {index}".strip()

    def inside(
        self,
        operand: Operand,
        index: Sequence[int | None],
        row: int,
        *,
        without: frozenset[tuple[str, int]] = frozenset(),
        layer: int | None = None,
        short: bool = False,
    ) -> str:
        """Return an operand with its index: ``query heads[love, d 17]``. Left out is what is None in the index, and the
        places ``without`` which it is clear; one of another ``layer`` says of which. A parameter is called by the end
        of its path where that is ``short``.
        """
        name = operand.name
        if operand.axes is None:
            name = ".".join(name.split(".")[-2:]) if short and operand.parameter is not None else name
            parts = [str(place) if place is not None else ":" for place in index]
            return f"{name}[{', '.join(parts)}]" if any(place is not None for place in index) else name
        if operand.layer is not None and operand.layer != layer and f"layer {operand.layer}" != name:
            name += f" of layer {operand.layer}"
        axes, places, sizes = list(operand.axes), list(index), list(operand.shape)
        if operand.turned:
            order = [*range(len(axes) - 2), len(axes) - 1, len(axes) - 2]
            axes, places, sizes = ([each[at] for at in order] for each in (axes, places, sizes))
        own = self.row_of(axes, places, row, shape=sizes)
        parts = [
            text
            for axis, place, size in zip(axes, places, sizes, strict=True)
            if place is not None and (axis, place) not in without and (text := self.place(axis, place, own, size=size))
        ]
        return f"{name}[{', '.join(parts)}]" if parts else name

    def title(self, label: str, layer: int | None, places: Sequence[tuple[str, str]]) -> str:
        """Return the name of a cell: what it is, the layer, then its places; a query and its key with an arrow."""
        parts = [label] + ([f"layer {layer}"] if layer is not None and f"layer {layer}" != label else [])
        for axis, text in places:
            if axis == "key tokens" and text and any(other == "query tokens" and asks for other, asks in places):
                parts[-1] = f"{parts[-1]} -> {text}"
            elif text:
                parts.append(text)
        return ", ".join(parts)


def label_of(step: Step, place: int) -> str:
    """Return what a step's output is."""
    return step.outputs[place].label or step.label
