"""One matrix out of a tensor of any number of axes: which sentence, head and token it is of, and what its rows and
columns are called.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...safetext import safe_text
from ...traces.lookup import class_name
from ...traces.record import TensorOut, Trace
from ...traces.token_text import shown_token
from ...traces.values import masked_below
from ...traces.vocabulary.axes import FOLDED, TOKEN_AXES, one_of

SENTENCES, HEADS = "batch", "heads"


@dataclass(frozen=True, kw_only=True)
class Lead:
    """An axis before the matrix, along which one place is chosen. Sentences and heads on one axis are two of them."""

    axis: str
    size: int
    at: int


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which places are chosen along the axes before the matrix, by axis; kept from one tensor to the next."""

    places: Mapping[str, int] = field(default_factory=dict)
    padding: bool = False

    def moved(self, lead: Lead, by: int) -> "Chosen":
        """Return the choice one or more places on along an axis; it goes round at the ends."""
        return Chosen(places={**self.places, lead.axis: (lead.at + by) % lead.size}, padding=self.padding)


class Slice:
    """A matrix of a tensor: its last two axes, at the chosen places of those before.

    A vector is a matrix of one row, a number one of one entry.

    Attributes:
        leads: the axes before the matrix.
        rows: the indices that are shown along the first of the two axes, padding left out unless it is asked for.
        columns: likewise along the second.
        hidden: how many tokens are left out because they are padding.
    """

    def __init__(self, trace: Trace, tensor: TensorOut, chosen: Chosen) -> None:
        self._trace, self._tensor = trace, tensor
        named: Sequence[str] | None = tensor.axes
        self._axes = list(named or [f"axis {at}" for at in range(len(tensor.shape))])
        self._sizes = tensor.shape
        self.leads = [self._lead(axis, size, chosen) for axis, size in self._leading()]
        self.sentence = next((lead.at for lead in self.leads if lead.axis == SENTENCES), 0)
        self._before = self._place_before()
        names: list[str | None] = [None, None, *self._axes]
        sizes = [1, 1, *self._sizes]
        self.axes = names[-2:]
        self.rows, self.columns = (
            self._shown(axis, size, chosen) for axis, size in zip(self.axes, sizes[-2:], strict=True)
        )
        along = [size for axis, size in zip(self.axes, sizes[-2:], strict=True) if axis in TOKEN_AXES]
        self.hidden = 0 if not along else len([place for place in self._padded(chosen) if place < max(along)])

    def _leading(self) -> Iterator[tuple[str, int]]:
        sentences = len(self._trace.input.texts)
        for axis, size in zip(self._axes[:-2], self._sizes[:-2], strict=True):
            if axis == FOLDED and sentences and not size % sentences:
                yield from ((SENTENCES, sentences), (HEADS, size // sentences))
            else:
                yield axis, size

    def _lead(self, axis: str, size: int, chosen: Chosen) -> Lead:
        return Lead(axis=axis, size=size, at=max(0, min(chosen.places.get(axis, 0), size - 1)))

    def _place_before(self) -> tuple[int, ...]:
        """Return the index along the axes before the matrix."""
        found, rest = [], list(self.leads)
        for axis in self._axes[:-2]:
            lead = rest.pop(0)
            if axis == FOLDED and lead.axis == SENTENCES:
                head = rest.pop(0)
                found.append(lead.at * head.size + head.at)
            else:
                found.append(lead.at)
        return tuple(found)

    def _padded(self, chosen: Chosen) -> list[int]:
        """Return the places of padding in the chosen sentence."""
        masks = self._trace.input.attention_mask
        of_sentence = any(lead.axis == SENTENCES for lead in self.leads) and self.sentence < len(masks)
        if chosen.padding or not of_sentence or not any(masks[self.sentence]):
            return []
        return [place for place, seen in enumerate(masks[self.sentence]) if not seen]

    def _shown(self, axis: str | None, size: int, chosen: Chosen) -> Sequence[int]:
        padded = set(self._padded(chosen)) if axis in TOKEN_AXES else set()
        return [place for place in range(size) if place not in padded] if padded else range(size)

    @property
    def empty(self) -> bool:
        """Whether there is no number in it."""
        return not self.rows or not self.columns or 0 in self._sizes

    def index(self, row: int, column: int) -> tuple[int, ...]:
        """Return the index in the tensor of an entry that is shown, by its place on the screen."""
        own = (self.rows[row], self.columns[column])[2 - min(2, len(self._sizes)) :]
        return (*self._before, *own)

    def number(self, row: int, column: int) -> Any:
        """Return an entry that is shown, by its place on the screen."""
        assert self._tensor.values is not None, "asked for only where values are held"
        return self._tensor.values.at(*self.index(row, column))

    def row_name(self, row: int) -> str:
        """Return what a row is called, safe to show."""
        return self._name(self.axes[0], self.rows[row])

    def column_name(self, column: int) -> str:
        """Return what a column is called, safe to show."""
        return self._name(self.axes[1], self.columns[column])

    def column_title(self, column: int, room: int) -> str:
        """Return what a column is called; its number alone where it has no name of its own and that has no room."""
        name, place = self.column_name(column), self.columns[column]
        numbered = self.axes[1] is not None and name == f"{one_of(self.axes[1])} {place}"
        return str(place) if numbered and len(name) > room else name

    def lead_name(self, lead: Lead) -> str:
        """Return what the chosen place of an axis is called, safe to show: ``sentence 1 of 2``, ``head 3 of 12``."""
        if lead.axis == SENTENCES:
            return f"sentence {lead.at + 1} of {lead.size}"
        name = self._name(lead.axis, lead.at)
        own = f"{one_of(lead.axis)} {lead.at}"
        return f"{own} of {lead.size}" if name == own else f"{own} of {lead.size} ({name})"

    def _name(self, axis: str | None, place: int) -> str:
        batch = self._trace.input
        if axis is None:
            return ""
        if axis == SENTENCES:
            return f"sentence {place + 1}"
        # The columns of several sentences are no tokens of the first.
        of_one = self.axes[0] != SENTENCES or len(self.rows) < 2
        tokens = batch.tokens[self.sentence] if self.sentence < len(batch.tokens) else []
        if axis in TOKEN_AXES and of_one and place < len(tokens):
            return safe_text(shown_token(batch, self.sentence, place))
        if axis == "labels":
            return safe_text(class_name(self._trace.model, place))
        return f"{one_of(axis)} {place}"

    def largest(self, label: str) -> float:
        """Return the largest magnitude in the matrix: of numbers that are finite and mask nothing, else 0."""
        return max(self._sizes_of_rows(label), default=0.0)

    def peak(self, label: str) -> tuple[int, int]:
        """Return the place on the screen of the number of the largest magnitude, which is neither masked nor infinite;
        the first place where there is none.
        """
        sizes = list(self._sizes_of_rows(label))
        most = max(sizes, default=0.0)
        row = sizes.index(most) if sizes else 0
        columns = range(len(self.columns))
        return row, next((column for column in columns if abs(_float(self.number(row, column))) == most), 0)

    def _sizes_of_rows(self, label: str) -> Iterator[float]:
        """Yield the largest magnitude of each row."""
        values, size = self._tensor.values, self._sizes[-1] if self._sizes else 1
        if values is None or self.empty:
            return
        below = masked_below(label, self._tensor.dtype)
        start = self._offset()
        for row in self.rows:
            line = values.flat[start + row * size : start + (row + 1) * size]
            if len(self.columns) < size:
                line = [line[column] for column in self.columns]
            low, high = _float(min(line)), _float(max(line))
            if below is None and math.isfinite(low + high):
                yield max(abs(low), abs(high))
            else:
                seen = (abs(_float(one)) for one in line if not _hides(one, below))
                yield max(filter(math.isfinite, seen), default=0.0)

    def _offset(self) -> int:
        """Return where the matrix begins in the flat numbers."""
        offset = 0
        for place, size in zip(self._before, self._sizes, strict=False):
            offset = offset * size + place
        return offset * math.prod(self._sizes[-2:])


def _float(value: Any) -> float:
    """Return a number as a float; one that is too large for it is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _hides(value: Any, below: float | None) -> bool:
    return below is not None and not isinstance(value, bool) and value < below
