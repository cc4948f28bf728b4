"""Where the heads of a layer look in one batch: sums over its real query tokens."""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ...profiles.heads import QUANTITIES, BatchHeads
from ...traces.record import Input
from . import one_pass


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What the tokens of a batch are, each (batch, tokens): real, the [CLS] of a sentence, its [SEP]s."""

    real: Tensor
    first: Tensor
    separator: Tensor

    @cached_property
    def kinds(self) -> Tensor:
        """The same as one number a token: 0 padding, 1 [CLS], 2 [SEP], 3 another."""
        others = self.real & ~self.first & ~self.separator
        return (self.first + 2 * self.separator + 3 * others).to(torch.int8)


def marks_of(batch: Input, ids: Tensor, real: Tensor) -> Marks:
    """Return what the tokens of a batch are, given their ids and which are real, (batch, tokens) both. [CLS] is the
    special token that a sentence begins with, [SEP] the one that closes it, whatever the vocabulary calls them.
    """
    special = real & torch.tensor(batch.special, dtype=torch.bool, device=real.device) if batch.special else real
    places = torch.arange(real.shape[1], device=real.device).expand_as(real)
    begins = real.int().argmax(dim=1, keepdim=True)
    ends = (places * real).amax(dim=1, keepdim=True)
    first = special & (places == begins)
    closing = special.gather(1, ends) & (ids == ids.gather(1, ends))
    return Marks(real=real, first=first, separator=closing & real & ~first)


def looks_of(probabilities: Tensor, marks: Marks) -> BatchHeads:
    """Return sums over the real query tokens for each head, from attention probabilities (batch, heads, query tokens,
    key tokens). A query token to which nothing is visible (its probabilities are NaN) counts with NaN.
    """
    quick = one_pass.usable(probabilities)
    totals = one_pass.looked(probabilities, marks.kinds) if quick else _looked(probabilities, marks).cpu().numpy()
    return BatchHeads(count=int(marks.real.sum()), totals=dict(zip(QUANTITIES, totals, strict=True)))


def _looked(probabilities: Tensor, marks: Marks) -> Tensor:
    asks = marks.real[:, None, :, None]
    shares = torch.where(asks, probabilities.detach().double(), 0.0)
    keys = torch.stack([marks.first, marks.separator, ~marks.real]).double()  # (3, batch, key tokens)
    first, separator, padding = torch.einsum("bhqk,mbk->mh", shares, keys)
    previous = torch.diagonal(shares, offset=-1, dim1=2, dim2=3)  # of the second token on: (batch, heads, tokens - 1)
    following = torch.diagonal(shares, offset=1, dim1=2, dim2=3)  # up to the last but one
    both = (marks.real[:, 1:] & marks.real[:, :-1]).double()  # a neighbour must be real too
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
