"""Finds the tokens of a batch that drive each unit most, and tells of those that are kept."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...corpus.line import Line
from ...profiles.examples import Candidates, example
from ...profiles.record import Example
from ...profiles.tensor_totals import BatchDimensions
from ...traces.record import Input
from ...traces.values import strict


class Examples:
    """The examples of a batch.

    Args:
        lines: its sentences.
        mask: their real tokens (batch, tokens).
        most: how many are kept of a unit at most.
        tell: encodes one sentence with all that is known of its tokens.
    """

    def __init__(self, lines: Sequence[Line], mask: Tensor, *, most: int, tell: Callable[[Line], Input]) -> None:
        self.most = most
        self._lines, self._mask, self._tell = lines, mask, tell
        self._told_of: dict[int, Input] = {}

    def candidates(self, rows: Tensor, found: BatchDimensions, least: NDArray[np.float64] | None) -> Candidates | None:
        """Return the tokens with the largest activations of each unit of which one may be kept; ``rows`` are those of
        the real tokens, one column a unit, ``found`` is what is known of these columns, ``least`` what an activation of
        each must reach (None: nothing).
        """
        # The largest that is known of a unit is finite; another may be infinite.
        units = np.flatnonzero(~np.isfinite(found.total) | (least is None or found.high >= least))
        if not units.size:
            return None
        some = rows.detach()[:, torch.from_numpy(units).to(rows.device)]
        some = torch.where(torch.isnan(some), -math.inf, some)  # it drives nothing, and has no place in an order
        values, order = some.sort(dim=0, descending=True, stable=True)  # of equal ones, the first
        values, order = values[: self.most].T.double().cpu(), order[: self.most].T.cpu()
        sentence, place = self._places[order].unbind(dim=-1)  # each (units, candidates)
        return Candidates(
            units=units,
            values=values.numpy(),
            sentences=torch.tensor([line.number for line in self._lines])[sentence].numpy(),
            places=place.numpy(),
            told=self._told,
        )

    @property
    def _places(self) -> Tensor:
        """Which sentence of the batch each real token is of, and its place in that (real tokens, 2)."""
        found = self._mask.nonzero().cpu()
        first = self._mask.int().argmax(dim=1).cpu()  # padding may stand in front
        found[:, 1] -= first[found[:, 0]]
        return found

    def _told(self, value: float, sentence: int, place: int) -> Example:
        if sentence not in self._told_of:
            line = next(line for line in self._lines if line.number == sentence)
            self._told_of[sentence] = self._tell(line)
        batch = self._told_of[sentence]
        if batch.special[0][place]:
            return Example(value=strict(value), sentence=sentence, place=place, token=batch.tokens[0][place])
        text = batch.pairs[0] if batch.pairs is not None and batch.sides(0)[place] else batch.texts[0]
        return example(value, sentence, place, text=text, span=batch.offsets[0][place])
