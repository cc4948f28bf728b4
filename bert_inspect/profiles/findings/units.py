"""Dead units: neurons of the feed-forward part that hand on 0 whatever comes.

A unit is dead where its activation is exactly 0 on every token of the corpus, and nearly dead where the largest of its
activations stays below a thousandth of the largest of its layer: no number of a unit like that changes anything. Units
of ReLU die in the first sense (Voita, Ferrando and Nalmpantis, "Neurons in Large Language Models: Dead, N-gram,
Positional", Findings of ACL 2024), those of GELU, which is 0 almost nowhere, in the second.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..record import Dimensions, Profile
from ..tensors import Tensor, tensors

NEARLY: Final = 0.001
"""Below this part of its layer's largest activation a unit is nearly dead."""
_AXIS: Final = "intermediate"


@dataclass(frozen=True, kw_only=True)
class Units:
    """The units of one layer. ``dead`` and ``nearly_dead`` are their numbers, ``zeros`` is the share of the tokens on
    which each is 0 (units,), ``largest`` the largest magnitude of each (units,).
    """

    layer: int
    path: str
    label: str
    dead: list[int]
    nearly_dead: list[int]
    zeros: NDArray[np.float64]
    largest: NDArray[np.float64]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.zeros)


def units(profile: Profile) -> list[Units]:
    """Return the units of each layer whose activations are there by unit."""
    return [_of(held, held.dimensions) for _, held in activations(profile) if held.dimensions is not None]


def activations(profile: Profile) -> Iterator[tuple[int, Tensor]]:
    """Yield what the neurons of each layer's feed-forward part hand to its output projection, with its layer: what the
    activation returns, times the gate where there is one. Of it alone a profile holds the numbers by unit.
    """
    seen: set[int] = set()
    for held in tensors(profile):
        layer, axes = held.step.layer, held.output.axes
        if layer is None or layer in seen or held.dimensions is None or not axes or axes[-1] != _AXIS:
            continue
        seen.add(layer)
        yield layer, held


def _of(held: Tensor, dimensions: Dimensions) -> Units:
    zeros = np.array(dimensions.zeros, dtype=np.float64) / max(dimensions.count, 1)
    ends = np.array([[float(each) for each in row] for row in (dimensions.min, dimensions.max)])
    largest = np.abs(ends).max(axis=0)
    dead = np.array(dimensions.zeros) == dimensions.count if dimensions.count else np.zeros(len(zeros), dtype=np.bool_)
    known = largest[np.isfinite(largest)]
    nearly = (largest < NEARLY * known.max()) & ~dead if known.size else np.zeros_like(dead)
    nearly[dimensions.spoilt] = False  # some of its activations are not finite
    return Units(
        layer=held.step.layer or 0,
        path=held.step.path,
        label=held.made_as,
        dead=np.flatnonzero(dead).tolist(),
        nearly_dead=np.flatnonzero(nearly).tolist(),
        zeros=zeros,
        largest=largest,
    )
