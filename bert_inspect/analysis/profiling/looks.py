"""Where the heads of a layer look in one batch: sums over its real query tokens."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...profiles.heads import QUANTITIES, BatchHeads
from ...traces.record import Input
from . import one_pass


@dataclass(frozen=True)
class Marks:
    """What the tokens of a batch are: ``kinds`` (batch, tokens), 0 padding, 1 the [CLS] of a sentence, 2 its [SEP]s, 3
    another.
    """

    kinds: NDArray[np.int8]

    @cached_property
    def count(self) -> int:
        """How many are real."""
        return int(np.count_nonzero(self.kinds))


def marks_of(batch: Input, ids: NDArray[Any], real: NDArray[np.bool_]) -> Marks:
    """Return what the tokens of a batch are, given their ids and which are real, (batch, tokens) both. [CLS] is the
    special token that a sentence begins with, [SEP] the one that closes it, whatever the vocabulary calls them.
    """
    special = real & np.array(batch.special, dtype=np.bool_) if batch.special else real
    rows, places = np.arange(len(real))[:, None], np.arange(real.shape[1])
    begins = real.argmax(axis=1, keepdims=True)
    ends = (places * real).max(axis=1, keepdims=True)
    closing = special[rows, ends] & (ids == ids[rows, ends])
    kinds = np.where(special & (places == begins), 1, np.where(closing, 2, 3))
    return Marks(np.where(real, kinds, 0).astype(np.int8))


def looks_of(probabilities: Tensor, marks: Marks) -> BatchHeads:
    """Return sums over the real query tokens for each head, from attention probabilities (batch, heads, query tokens,
    key tokens). A query token to which nothing is visible (its probabilities are NaN) counts with NaN.
    """
    if one_pass.usable(probabilities):
        totals = one_pass.looked(probabilities, marks.kinds)
    else:
        totals = _looked(probabilities, torch.from_numpy(marks.kinds).to(probabilities.device)).cpu().numpy()
    return BatchHeads(count=marks.count, totals=dict(zip(QUANTITIES, totals, strict=True)))


def _looked(probabilities: Tensor, kinds: Tensor) -> Tensor:
    real = kinds != 0
    asks = real[:, None, :, None]
    shares = torch.where(asks, probabilities.detach().double(), 0.0)
    keys = torch.stack([kinds == 1, kinds == 2, ~real]).double()  # (3, batch, key tokens)
    first, separator, padding = torch.einsum("bhqk,mbk->mh", shares, keys)
    previous = torch.diagonal(shares, offset=-1, dim1=2, dim2=3)  # of the second token on: (batch, heads, tokens - 1)
    following = torch.diagonal(shares, offset=1, dim1=2, dim2=3)  # up to the last but one
    both = (real[:, 1:] & real[:, :-1]).double()  # a neighbour must be real too
    entropy = torch.special.entr(shares).sum(dim=(0, 2, 3)) / math.log(2.0)
    found = {
        "entropy": entropy,
        "first": first,
        "separator": separator,
        "itself": torch.diagonal(shares, dim1=2, dim2=3).sum(dim=(0, 2)),
        "previous": torch.einsum("bhq,bq->h", previous, both),
        "next": torch.einsum("bhq,bq->h", following, both),
        "padding": padding,
    }
    return torch.stack([found[name] for name in QUANTITIES])
