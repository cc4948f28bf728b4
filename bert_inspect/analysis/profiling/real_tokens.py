"""Takes of a tensor what belongs to real tokens: padding never counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...traces.vocabulary.axes import FOLDED, TOKEN_AXES, Axis


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Some rows of a matrix (rows, numbers): those at ``places``, or all of them (None)."""

    matrix: Tensor
    places: Tensor | None = None

    @cached_property
    def taken(self) -> Tensor:
        """These rows alone, copied where they are not all."""
        return self.matrix if self.places is None else self.matrix.index_select(0, self.places)

    @property
    def places_on_cpu(self) -> NDArray[np.int64]:
        """Their places."""
        if self.places is None:
            return np.arange(len(self.matrix), dtype=np.int64)
        found: NDArray[np.int64] = self.places.cpu().numpy()
        return found


class RealTokens:
    """The real tokens of a batch.

    Attributes:
        mask: (batch, tokens), on the model's device.
        padded: whether there are others.
    """

    def __init__(self, attention_mask: Sequence[Sequence[int]], *, heads: int, device: torch.device) -> None:
        self.mask = torch.tensor(attention_mask, dtype=torch.bool, device=device)
        self._heads = heads
        places = self.mask.reshape(-1).nonzero().squeeze(1)
        self.padded = len(places) < self.mask.numel()
        self._places = places if self.padded else None

    def fits(self, shape: Sequence[int], axes: Sequence[Axis]) -> bool:
        """Whether axes say where the sentences and their tokens are in a tensor of a shape, and it is of this batch.
        What is the same for every sentence is not.
        """
        rows, tokens = self.mask.shape
        if len(axes) != len(shape):
            return False
        sizes = dict(zip(axes, shape, strict=True))
        if sizes.get("batch") != rows and sizes.get(FOLDED) != rows * self._heads:
            return False
        return all(size in (1, tokens) for axis, size in sizes.items() if axis in TOKEN_AXES)

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
            return Rows(matrix=tensor.reshape(-1, tensor.shape[-1] if tensor.dim() else 1))
        tensor = tensor.movedim([named.index("batch"), *along], list(range(len(along) + 1)))
        if len(along) == 1:
            return self.rows(tensor)
        pairs = self.mask[:, :, None] & self.mask[:, None, :]
        return Rows(matrix=tensor[pairs].reshape(1, -1))

    def rows(self, view: Tensor) -> Rows:
        """Return of a tensor (batch, tokens, ...) the rows of real tokens."""
        return Rows(matrix=view.reshape(self.mask.numel(), -1), places=self._places)
