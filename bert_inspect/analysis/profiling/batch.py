"""Looks at every tensor that is wanted while a batch runs, and sums it up at once: no tensor is kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ...capture.tracing.ends import End
from ...profiles.heads import BatchHeads
from ...profiles.tensor_totals import BatchDimensions, BatchNumbers
from ...profiles.total import Place
from ...traces.vocabulary import axes
from .examples import Examples
from .looks import Marks, looks_of
from .plan import Plan, Wish
from .real_tokens import RealTokens
from .summaries import dimensions_of, numbers_of

Least = Callable[[Place], NDArray[np.float64] | None]
"""What an activation of each dimension of a tensor must reach to be kept as an example; None where all are."""


_NOTHING: Mapping[int, Wish] = {}


class BatchWatcher:
    """Sums up the tensors of one run.

    Attributes:
        ends: the steps that ended.
        went_otherwise: whether the run did not go as the plan says; nothing is looked at from then on.
    """

    def __init__(self, plan: Plan, real: RealTokens, marks: Marks, *, examples: Examples, least: Least) -> None:
        self.numbers: dict[Place, BatchNumbers] = {}
        self.dimensions: dict[Place, BatchDimensions] = {}
        self.looks: dict[Place, BatchHeads] = {}
        self.ends: list[End] = []
        self.went_otherwise = False
        self._plan, self._real, self._marks = plan, real, marks
        self._examples, self._least = examples, least

    @property
    def went_as_planned(self) -> bool:
        """Whether the run, which is over, went as the plan says."""
        return not self.went_otherwise and len(self.ends) == len(self._plan.ends)

    def ended(self, end: End, tensors: Sequence[Tensor]) -> None:
        """Sum up what is wanted of a step's outputs."""
        number = len(self.ends)
        self.ends.append(end)
        planned = self._plan.ends
        if self.went_otherwise or number >= len(planned) or planned[number] != end:
            self.went_otherwise = True
            return
        for at, wish in self._plan.wishes.get(number, _NOTHING).items():
            if not self._real.fits(tensors[at].shape, wish.axes):
                self.went_otherwise = True
                return
            self.take(wish, tensors[at])

    def take(self, wish: Wish, tensor: Tensor) -> None:
        """Sum up a tensor."""
        if wish.layout is None:
            self.numbers[wish.place] = numbers_of(self._real.of(tensor, wish.axes))
        else:
            rows = self._real.rows(wish.layout.view(tensor))
            self.numbers[wish.place], found = dimensions_of(rows)
            if self._examples.most and list(wish.layout.axes) == axes.INTERMEDIATE:
                candidates = self._examples.candidates(rows, found, self._least(wish.place))
                found = replace(found, candidates=candidates)
            self.dimensions[wish.place] = found
        if wish.looks:
            self.looks[wish.place] = looks_of(tensor, self._marks)
