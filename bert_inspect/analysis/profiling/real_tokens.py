"""Takes of a tensor what belongs to real tokens: padding never counts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...traces.vocabulary import axes as axes_
from ...traces.vocabulary.axes import FOLDED, TOKEN_AXES, Axis


@dataclass(frozen=True)
class Chosen:
    """Which rows of a matrix: those at ``places``, or all of them (None); each whole, or from one column up to another:
    its ``spans`` (rows, 2).
    """

    places: Tensor | None = None
    spans: Tensor | None = None

    @cached_property
    def arrays(self) -> tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]:
        """The same for NumPy."""
        places, spans = (None if each is None else each.cpu().numpy() for each in (self.places, self.spans))
        return places, spans


ALL: Final = Chosen()


class Rows:
    """Some rows of a tensor that is seen as a matrix with so many columns; by default its last axis has them."""

    def __init__(self, tensor: Tensor, chosen: Chosen = ALL, *, columns: int | None = None) -> None:
        self.tensor, self.chosen = tensor, chosen
        self._shape = -1, (tensor.shape[-1] if tensor.dim() else 1) if columns is None else columns

    def __len__(self) -> int:
        places = self.chosen.places
        return len(self.matrix) if places is None else len(places)

    @cached_property
    def matrix(self) -> Tensor:
        """The matrix (rows, columns)."""
        return self.tensor.reshape(self._shape)

    @cached_property
    def array(self) -> NDArray[Any]:
        """The matrix for NumPy, row by row in memory; of a tensor on the processor alone."""
        tensor = self.tensor.detach() if self.tensor.requires_grad else self.tensor
        return np.ascontiguousarray(tensor.numpy().reshape(self._shape))

    @cached_property
    def taken(self) -> Tensor:
        """These rows alone, copied where they are not all; in one row where not all of them are whole."""
        places, spans = self.chosen.places, self.chosen.spans
        found = self.matrix if places is None else self.matrix.index_select(0, places)
        if spans is None:
            return found
        columns = torch.arange(found.shape[1], device=found.device)
        inside = (columns >= spans[:, :1]) & (columns < spans[:, 1:])
        return found[inside].reshape(1, -1)

    @property
    def where(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The places of rows of the array, whichever they are, and their spans: none where all are whole."""
        places, spans = self.chosen.arrays
        return _every(len(self.array)) if places is None else places, _NO_SPANS if spans is None else spans


@lru_cache
def _every(rows: int) -> NDArray[np.int64]:
    return np.arange(rows)


_NO_SPANS = np.empty((0, 2), dtype=np.int64)


class RealTokens:
    """The real tokens of a batch.

    Attributes:
        mask: (batch, tokens), on the model's device.
        padded: whether there are others.
    """

    def __init__(self, attention_mask: Tensor, *, heads: int) -> None:
        self.mask = attention_mask.bool()
        self._heads = heads
        places = self.mask.reshape(-1).nonzero().squeeze(1)
        self.padded = len(places) < self.mask.numel()
        self._chosen = Chosen(places) if self.padded else ALL
        self._spans = _spans(self.mask)
        self._fitting: dict[tuple[int | Axis, ...], bool] = {}
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
        if len(along) == 1:
            return self.rows(tensor.movedim([named.index("batch"), *along], [0, 1]))
        if named == axes_.SCORES and self._spans is not None:
            return self._scores(tensor, self._spans)
        tensor = tensor.movedim([named.index("batch"), *along], [0, 1, 2])
        pairs = self.mask[:, :, None] & self.mask[:, None, :]
        return Rows(tensor[pairs])

    def _scores(self, scores: Tensor, spans: Tensor) -> Rows:
        """Return the rows of real query tokens, each over the real key tokens of its sentence, from a tensor (batch,
        heads, query tokens, key tokens).
        """
        batch, heads, *_ = scores.shape
        if heads not in self._asking:
            asks = self.mask[:, None].expand(batch, heads, -1).reshape(-1)
            places = asks.nonzero().squeeze(1)
            sentence = places.div(heads * self.mask.shape[1], rounding_mode="floor")
            self._asking[heads] = Chosen(places, spans[sentence])
        return Rows(scores, self._asking[heads])

    def rows(self, view: Tensor) -> Rows:
        """Return of a tensor (batch, tokens, ...) the rows of real tokens."""
        return Rows(view, self._chosen, columns=math.prod(view.shape[2:]))


def _spans(mask: Tensor) -> Tensor | None:
    """Return from where to where the real tokens of each sentence stand (batch, 2); None where padding parts them, or
    a sentence has none.
    """
    count = mask.sum(dim=1)
    first = mask.int().argmax(dim=1)
    spans = torch.stack([first, first + count], dim=1)
    columns = torch.arange(mask.shape[1], device=mask.device)
    inside = (columns >= spans[:, :1]) & (columns < spans[:, 1:])
    return spans if bool((inside == mask).all() and (count > 0).all()) else None
