"""Takes of a tensor what belongs to real tokens: padding never counts."""

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...traces.vocabulary import axes as axes_
from ...traces.vocabulary.axes import FOLDED, TOKEN_AXES, Axis

Integers = NDArray[np.int64]


class Chosen:
    """Which rows of a matrix: those at ``places``, or all of them (None); each whole, or from one column up to another:
    its ``spans`` (rows, 2).
    """

    def __init__(self, places: Integers | None = None, spans: Integers | None = None) -> None:
        self.places, self.spans = places, spans
        self._on: dict[torch.device, tuple[Tensor | None, Tensor | None]] = {}

    def on(self, device: torch.device) -> tuple[Tensor | None, Tensor | None]:
        """Return the places and the spans for torch, on a device."""
        if device not in self._on:
            places, spans = self.places, self.spans
            self._on[device] = (
                None if places is None else torch.from_numpy(places).to(device),
                None if spans is None else torch.from_numpy(spans).to(device),
            )
        return self._on[device]


ALL: Final = Chosen()


class Rows:
    """Some rows of a tensor that is seen as a matrix with so many columns; by default its last axis has them.

    Where a tensor (batch, tokens, heads, head size) lies in memory head by head, ``by_head`` (heads, rows) are the
    places of these rows there.
    """

    def __init__(
        self, tensor: Tensor, chosen: Chosen = ALL, *, columns: int | None = None, by_head: Integers | None = None
    ) -> None:
        self.tensor, self._chosen, self._by_head = tensor, chosen, by_head
        self._shape = -1, (tensor.shape[-1] if tensor.dim() else 1) if columns is None else columns

    def __len__(self) -> int:
        places = self._chosen.places
        return math.prod(self.tensor.shape) // self._shape[1] if places is None else len(places)

    @cached_property
    def taken(self) -> Tensor:
        """These rows alone, copied where they are not all; in one row where not all of them are whole."""
        matrix = self.tensor.reshape(self._shape)
        places, spans = self._chosen.on(matrix.device)
        found = matrix if places is None else matrix.index_select(0, places)
        if spans is None:
            return found
        columns = torch.arange(found.shape[1], device=found.device)
        inside = (columns >= spans[:, :1]) & (columns < spans[:, 1:])
        return found[inside].reshape(1, -1)

    @cached_property
    def array(self) -> NDArray[Any]:
        """The whole matrix for NumPy, row by row in memory; of a tensor on the processor alone."""
        return np.ascontiguousarray(_array(self.tensor).reshape(self._shape))

    @property
    def where(self) -> tuple[Integers, Integers]:
        """The places of rows of the array, whichever they are, and their spans: none where all are whole."""
        places, spans = self._chosen.places, self._chosen.spans
        return _every(len(self.array)) if places is None else places, _NO_SPANS if spans is None else spans

    @property
    def by_columns(self) -> tuple[NDArray[Any], Integers]:
        """Matrices side by side in one array, one below the other there, and the places of the rows of each."""
        if self._by_head is not None:
            numbers = _array(self.tensor).swapaxes(1, 2)
            return numbers.reshape(-1, numbers.shape[-1]), self._by_head
        return self.array, self.where[0][None]


def _array(tensor: Tensor) -> NDArray[Any]:
    found: NDArray[Any] = (tensor.detach() if tensor.requires_grad else tensor).numpy()
    return found


class _Every:
    """The places of all rows, however many there are: the most that were asked for are kept."""

    def __init__(self) -> None:
        self._places = np.arange(0)

    def __call__(self, rows: int) -> Integers:
        places = self._places
        if len(places) < rows:
            places = self._places = np.arange(rows)
        return places[:rows]


_every = _Every()
_NO_SPANS = np.empty((0, 2), dtype=np.int64)


class RealTokens:
    """The real tokens of a batch.

    Attributes:
        mask: (batch, tokens).
        padded: whether there are others.
    """

    def __init__(self, attention_mask: NDArray[Any], *, heads: int) -> None:
        self.mask = attention_mask.astype(np.bool_)
        self._heads = heads
        self._places = np.flatnonzero(self.mask)
        self.padded = len(self._places) < self.mask.size
        self._chosen = Chosen(self._places) if self.padded else ALL
        self._spans = _spans(self.mask)
        self._fitting: dict[tuple[int | Axis, ...], bool] = {}
        self._of_heads: dict[int, tuple[Integers, Chosen]] = {}
        self._asking: dict[int, Chosen] = {}

    def fits(self, shape: Sequence[int], axes: Sequence[Axis]) -> bool:
        """Whether axes say where the sentences and their tokens are in a tensor of a shape, and it is of this batch.
        What is the same for every sentence is not, nor is what holds a part of the tokens, be it one.
        """
        key = (*shape, *axes)
        if key not in self._fitting:  # many tensors of a run are alike
            self._fitting[key] = self._fits(shape, axes)
        return self._fitting[key]

    def _fits(self, shape: Sequence[int], axes: Sequence[Axis]) -> bool:
        rows, tokens = self.mask.shape
        if len(axes) != len(shape):
            return False
        sizes = dict(zip(axes, shape, strict=True))
        if sizes.get("batch") != rows and sizes.get(FOLDED) != rows * self._heads:
            return False
        return all(size == tokens for axis, size in sizes.items() if axis in TOKEN_AXES)

    def of(self, tensor: Tensor, axes: Sequence[Axis]) -> Rows:
        """Return the numbers of real tokens: a row for each where the tensor has one axis of tokens, for each pair of
        tokens where it has two; and all of it where it has none, or nothing is padded.
        """
        named = list(axes)
        if named[0] == FOLDED:
            tensor = tensor.reshape(-1, self._heads, *tensor.shape[1:])
            named[:1] = ["batch", "heads"]
        along = [at for at, axis in enumerate(named) if axis in TOKEN_AXES and tensor.shape[at] == self.mask.shape[1]]
        if not self.padded or not along:
            return Rows(tensor)
        if along == [1] and named[0] == "batch":
            return self.rows(tensor)
        if along == [2] and named[0] == "batch" and len(named) == 4 and tensor.is_contiguous():
            return Rows(tensor, self._of(tensor.shape[1])[1])
        if len(along) == 1:
            return self.rows(tensor.movedim([named.index("batch"), *along], [0, 1]))
        if named == axes_.SCORES and self._spans is not None:
            return self._scores(tensor, self._spans)
        tensor = tensor.movedim([named.index("batch"), *along], [0, 1, 2])
        pairs = self.mask[:, :, None] & self.mask[:, None, :]
        return Rows(tensor[torch.from_numpy(pairs).to(tensor.device)])

    def _scores(self, scores: Tensor, spans: Integers) -> Rows:
        """Return the rows of real query tokens, each over the real key tokens of its sentence, from a tensor (batch,
        heads, query tokens, key tokens).
        """
        heads = scores.shape[1]
        if heads not in self._asking:
            places = self._of(heads)[0].reshape(-1)
            self._asking[heads] = Chosen(places, spans[places // (heads * self.mask.shape[1])])
        return Rows(scores, self._asking[heads])

    def _of(self, heads: int) -> tuple[Integers, Chosen]:
        """Return where the rows of real tokens are in a tensor (batch, heads, tokens, ...): those of each head (heads,
        rows), and of all of them.
        """
        if heads not in self._of_heads:
            tokens = self.mask.shape[1]
            sentence, token = np.divmod(self._places, tokens)
            places = (sentence * heads + np.arange(heads)[:, None]) * tokens + token
            self._of_heads[heads] = places, Chosen(places.reshape(-1))
        return self._of_heads[heads]

    def rows(self, view: Tensor) -> Rows:
        """Return of a tensor (batch, tokens, ...) the rows of real tokens."""
        head_by_head = view.dim() == 4 and not view.is_contiguous() and view.transpose(1, 2).is_contiguous()
        return Rows(
            view,
            self._chosen,
            columns=math.prod(view.shape[2:]),
            by_head=self._of(view.shape[2])[0] if head_by_head else None,
        )


def _spans(mask: NDArray[np.bool_]) -> Integers | None:
    """Return from where to where the real tokens of each sentence stand (batch, 2); None where padding parts them, or
    a sentence has none.
    """
    count = mask.sum(axis=1)
    first = mask.argmax(axis=1)
    spans = np.stack([first, first + count], axis=1)
    columns = np.arange(mask.shape[1])
    inside = (columns >= spans[:, :1]) & (columns < spans[:, 1:])
    return spans if (inside == mask).all() and (count > 0).all() else None
