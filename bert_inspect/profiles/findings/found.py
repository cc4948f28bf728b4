"""All that stands out in a profile."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..record import Profile
from ..tensors import tensors
from .looks import Look, looks
from .massive import Massive, massive_activations
from .outliers import Outlier, largest, magnitudes, outliers
from .ranges import Range, ranges
from .units import Units, units


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What stands out. ``magnitudes`` are the root mean squares of the dimensions of each hidden state (dimensions,),
    by its number; ``largest`` is the dimension that comes nearest to an outlier. ``heads`` say where each looks, a list
    a layer; ``ranges`` are of every tensor with numbers of its own, in the order in which the steps ran.
    """

    magnitudes: Mapping[int, NDArray[np.float64]]
    outliers: list[Outlier]
    largest: Outlier | None
    massive: list[Massive]
    units: list[Units]
    heads: list[list[Look]]
    ranges: list[Range]

    @property
    def not_finite(self) -> list[Range]:
        """The tensors in which a number is not finite that should be."""
        return [one for one in self.ranges if one.not_finite]


def findings(profile: Profile) -> Findings:
    """Return what stands out in a profile."""
    sizes = magnitudes(profile)
    return Findings(
        magnitudes=sizes,
        outliers=outliers(sizes),
        largest=largest(sizes),
        massive=massive_activations(profile),
        units=units(profile),
        heads=looks(profile),
        ranges=ranges(tensors(profile)),
    )
