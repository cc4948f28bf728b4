"""A tensor in which each head, neuron or hidden state has a place, whatever the order of its axes."""

from dataclasses import dataclass

from torch import Tensor

from ...traces.vocabulary import axes
from ...traces.vocabulary.axes import Axes


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a tensor is seen as (batch, tokens, units, numbers of a unit), whose units are edited one by one: heads,
    neurons, or the hidden state of a token as a whole.

    Attributes:
        axes: of the tensor.
        heads: how many there are, where they are folded into the batch.
    """

    axes: tuple[axes.Axis, ...]
    heads: int = 1

    def view(self, tensor: Tensor) -> Tensor:
        """Return a view of the tensor in that order; what is written there is written into the tensor."""
        match list(self.axes):
            case axes.HIDDEN:
                return tensor.unsqueeze(2)
            case axes.INTERMEDIATE:
                return tensor.unsqueeze(3)
            case axes.SPLIT:
                return tensor
            case axes.HEADS:
                return tensor.transpose(1, 2)
            case axes.HEADS_FOLDED:
                return tensor.view(-1, self.heads, *tensor.shape[1:]).transpose(1, 2)
        raise AssertionError(f"no layout is made of {self.axes}")


def layout_of(found: Axes | None, heads: int) -> Layout | None:
    """Return the layout of a tensor by its axes; None where they are not those of heads, neurons or hidden states."""
    known = (axes.HIDDEN, axes.INTERMEDIATE, axes.SPLIT, axes.HEADS, axes.HEADS_FOLDED)
    return Layout(axes=tuple(found), heads=heads) if found is not None and found in known else None
