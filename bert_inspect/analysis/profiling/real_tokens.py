"""Takes of a tensor what belongs to real tokens: padding never counts."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ...traces.vocabulary.axes import FOLDED, TOKEN_AXES, Axis


class RealTokens:
    """The real tokens of a batch.

    Attributes:
        mask: (batch, tokens), on the model's device.
        count: how many there are.
    """

    def __init__(self, attention_mask: Sequence[Sequence[int]], *, heads: int, device: torch.device) -> None:
        self.mask = torch.tensor(attention_mask, dtype=torch.bool, device=device)
        self.count = int(self.mask.sum())
        self.padded = self.count < self.mask.numel()
        self._heads = heads
        self._places = self.mask.reshape(-1).nonzero().squeeze(1)

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

    def of(self, tensor: Tensor, axes: Sequence[Axis]) -> Tensor:
        """Return the numbers of real tokens: (tokens, ...) of a tensor with one axis of tokens, (pairs, ...) with two;
        all of it where there is none, or nothing is padded.
        """
        named = list(axes)
        if named[0] == FOLDED:
            tensor = tensor.reshape(-1, self._heads, *tensor.shape[1:])
            named[:1] = ["batch", "heads"]
        along = [at for at, axis in enumerate(named) if axis in TOKEN_AXES and tensor.shape[at] == self.mask.shape[1]]
        if not self.padded or not along:
            return tensor
        tensor = tensor.movedim([named.index("batch"), *along], list(range(len(along) + 1)))
        if len(along) == 1:
            return tensor.reshape(-1, *tensor.shape[2:]).index_select(0, self._places)
        pairs = self.mask[:, :, None] & self.mask[:, None, :]
        return tensor[pairs]

    def rows(self, view: Tensor) -> Tensor:
        """Return of a tensor (batch, tokens, ...) the rows of real tokens (real tokens, the rest)."""
        flat = view.reshape(self.mask.numel(), -1)
        return flat.index_select(0, self._places) if self.padded else flat
