"""Looks at every tensor that is wanted while a batch runs, and sums it up at once: no tensor is kept."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...capture.tracing.step_record import StepRecord, TensorRecord
from ...profiles.examples import Candidates, example
from ...profiles.heads import BatchHeads
from ...profiles.record import Example
from ...profiles.tensor_totals import BatchDimensions, BatchNumbers
from ...profiles.total import Place
from ...traces.record import Input
from ...traces.values import strict
from ...traces.vocabulary import axes
from .looks import Marks, looks_of
from .plan import Plan
from .real_tokens import RealTokens
from .summaries import dimensions_of, numbers_of

Least = Callable[[Place], NDArray[np.float64] | None]
"""What an activation of each dimension of a tensor must reach to be kept as an example; None where all are."""


class BatchWatcher:
    """Sums up the tensors of one run.

    Attributes:
        went_otherwise: whether another step ran than the plan says; nothing is looked at from then on.
    """

    def __init__(
        self, plan: Plan, batch: Input, real: RealTokens, marks: Marks, *, examples: int, least: Least
    ) -> None:
        self.numbers: dict[Place, BatchNumbers] = {}
        self.dimensions: dict[Place, BatchDimensions] = {}
        self.looks: dict[Place, BatchHeads] = {}
        self.went_otherwise = False
        self._plan, self._batch, self._real, self._marks = plan, batch, real, marks
        self._examples, self._least = examples, least
        self._steps = {step for step, _ in plan.wishes}

    def wants(self, record: StepRecord) -> bool:
        """Whether anything is wanted of a step."""
        if self.went_otherwise or record.id not in self._steps:
            return False
        self.went_otherwise = self._plan.signature[record.id] != (record.path, record.type)
        return not self.went_otherwise

    def take(self, record: StepRecord, seen: TensorRecord, tensor: Tensor) -> None:
        """Sum up a tensor."""
        at = next(place for place, other in enumerate(record.outputs) if other is seen)
        wish = self._plan.wishes.get((record.id, at))
        if wish is None:
            return
        if not self._real.fits(seen.shape, wish.axes):
            self.went_otherwise = True
            return
        if wish.layout is None:
            self.numbers[wish.place] = numbers_of(self._real.of(tensor, wish.axes))
        else:
            rows = self._real.rows(wish.layout.view(tensor))
            found = dimensions_of(rows)
            self.numbers[wish.place] = numbers_of(rows, found)
            if self._examples and list(wish.layout.axes) == axes.INTERMEDIATE:
                found = replace(found, candidates=self._candidates(wish.place, rows.taken, found))
            self.dimensions[wish.place] = found
        if wish.looks:
            self.looks[wish.place] = looks_of(tensor, self._marks)

    def _candidates(self, place: Place, rows: Tensor, found: BatchDimensions) -> Candidates | None:
        """Return the tokens with the largest activations of each unit of which one may be kept."""
        least = self._least(place)
        # The largest that is known of a unit is finite; another may be infinite.
        units = np.flatnonzero(~np.isfinite(found.total) | (least is None or found.high >= least))
        if not units.size:
            return None
        some = rows.detach()[:, torch.from_numpy(units).to(rows.device)]
        some = torch.where(torch.isnan(some), -math.inf, some)  # it drives nothing, and has no place in an order
        values, order = some.sort(dim=0, descending=True, stable=True)  # of equal ones, the first
        values, order = values[: self._examples].T.double().cpu(), order[: self._examples].T.cpu()
        at = self._real.mask.nonzero().cpu()[order]  # (units, candidates, 2)
        lines = torch.tensor(self._batch.lines)
        return Candidates(
            units=units,
            values=values.numpy(),
            sentences=lines[at[..., 0]].numpy(),
            places=at[..., 1].numpy(),
            told=self._told,
        )

    def _told(self, value: float, sentence: int, place: int) -> Example:
        batch = self._batch
        row = batch.lines.index(sentence)
        if batch.special and batch.special[row][place]:
            return Example(value=strict(value), sentence=sentence, place=place, token=batch.tokens[row][place])
        text = batch.pairs[row] if batch.pairs is not None and batch.sides(row)[place] else batch.texts[row]
        return example(value, sentence, place, text=text, span=batch.offsets[row][place])
