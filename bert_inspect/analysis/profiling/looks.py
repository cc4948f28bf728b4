"""Where the heads of a layer look in one batch: sums over its real query tokens."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ...profiles.heads import BatchHeads
from ...traces.record import Input


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What the tokens of a batch are, each (batch, tokens): real, the [CLS] of a sentence, its [SEP]s."""

    real: Tensor
    first: Tensor
    separator: Tensor


def marks_of(batch: Input, device: torch.device) -> Marks:
    """Return what the tokens of a batch are. [CLS] is the special token that a sentence begins with, [SEP] the one that
    closes it, whatever the vocabulary calls them.
    """
    real = torch.tensor(batch.attention_mask, dtype=torch.bool)
    special = real & torch.tensor(batch.special, dtype=torch.bool) if batch.special else real
    ids = torch.tensor(batch.input_ids)
    places = torch.arange(real.shape[1]).expand_as(real)
    begins = real.int().argmax(dim=1, keepdim=True)
    ends = (places * real).amax(dim=1, keepdim=True)
    first = special & (places == begins)
    closing = special.gather(1, ends) & (ids == ids.gather(1, ends))
    return Marks(real=real.to(device), first=first.to(device), separator=(closing & real & ~first).to(device))


def looks_of(probabilities: Tensor, marks: Marks) -> BatchHeads:
    """Return sums over the real query tokens for each head, from attention probabilities (batch, heads, query tokens,
    key tokens). A query token to which nothing is visible (its probabilities are NaN) counts with NaN.
    """
    shares = probabilities.detach().double()
    asks = marks.real.double()  # (batch, query tokens)
    keys = torch.stack([marks.first, marks.separator, ~marks.real], dim=-1).double()  # (batch, key tokens, 3)
    on = torch.einsum("bhqk,bkm,bq->mh", shares, keys, asks)
    itself = torch.diagonal(shares, dim1=2, dim2=3)  # (batch, heads, tokens)
    previous = torch.diagonal(shares, offset=-1, dim1=2, dim2=3)  # of the second token on
    next_ = torch.diagonal(shares, offset=1, dim1=2, dim2=3)  # up to the last but one
    both = asks[:, 1:] * asks[:, :-1]  # a neighbour must be real too
    entropy = torch.special.entr(shares).sum(dim=3) / torch.log(torch.tensor(2.0, dtype=torch.float64))
    totals = {
        "entropy": torch.einsum("bhq,bq->h", entropy, asks),
        "first": on[0],
        "separator": on[1],
        "itself": torch.einsum("bhq,bq->h", itself, asks),
        "previous": torch.einsum("bhq,bq->h", previous, both),
        "next": torch.einsum("bhq,bq->h", next_, both),
        "padding": on[2],
    }
    return BatchHeads(count=int(marks.real.sum()), totals={name: total.cpu().numpy() for name, total in totals.items()})
