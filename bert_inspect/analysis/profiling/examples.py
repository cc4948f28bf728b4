"""Finds the tokens of a batch that drive each unit most, and tells of them."""

import math
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...capture.encode import names_of
from ...capture.piece_spans import Pieces, pieces_of, without_spaces
from ...corpus.line import Line
from ...profiles.examples import Candidates, Told, example
from ...profiles.record import Example
from ...profiles.tensor_totals import BatchDimensions
from ...traces.values import strict
from . import one_pass
from .real_tokens import Rows
from .tokenized import Batch


class Examples:
    """The examples of a batch; ``mask`` (batch, tokens) are its real tokens, and ``most`` are kept of each unit."""

    def __init__(self, tokenizer: Any, batch: Batch, mask: NDArray[np.bool_], *, most: int) -> None:
        self.most = most
        self._tokenizer, self._batch, self._mask = tokenizer, batch, mask

    def candidates(self, rows: Rows, found: BatchDimensions, least: NDArray[np.float64] | None) -> Candidates | None:
        """Return the tokens with the largest activations of each unit of which one may be kept; ``rows`` are those of
        the real tokens, one column a unit, ``found`` is what is known of these columns, ``least`` what an activation of
        each must reach (None: nothing).
        """
        # The largest that is known of a unit is finite; another may be infinite.
        units = np.flatnonzero(~np.isfinite(found.total) | (least is None or found.high >= least))
        if not units.size:
            return None
        if least is None or np.isinf(least[units]).any():
            values, token, unit = _largest(rows.taken.detach(), units, self.most)
        elif one_pass.usable(rows.tensor):
            values, token, unit = one_pass.reaching(rows, units, least[units])
        else:
            values, token, unit = _reaching(_columns(rows.taken.detach(), units), torch.from_numpy(least[units]))
        best, tokens = _first_of_each(unit, values, token, size=units.size, most=self.most)
        sentence, place = self._where
        return Candidates(
            units=units,
            values=best,
            sentences=sentence[tokens],
            places=place[tokens],
            told=self._told,
        )

    @cached_property
    def _where(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The number of the sentence that each real token is of, and its place in that."""
        row, column = self._mask.nonzero()
        first = self._mask.argmax(axis=1)  # padding may stand in front
        return np.array([line.number for line in self._batch.lines])[row], column - first[row]

    @cached_property
    def _pieces(self) -> Pieces:
        return pieces_of(self._tokenizer)

    def _told(self, sentence: int) -> Told:
        row = next(row for row, line in enumerate(self._batch.lines) if line.number == sentence)
        return partial(_example, self._tokenizer, self._pieces, self._batch.lines[row], self._batch.encoded[row])


Reached = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]
"""Activations with the token and the unit of each, by their places among those; in the order of the tokens."""


def _largest(rows: Tensor, units: NDArray[np.int64], most: int) -> Reached:
    """Return the largest activations of some units, and all that equal the last of them."""
    some = _columns(rows, units)
    some = torch.where(torch.isnan(some), -math.inf, some)  # it drives nothing, and has no place in an order
    return _reaching(some, some.topk(min(most, len(some)), dim=0).values[-1])


def _columns(rows: Tensor, units: NDArray[np.int64]) -> Tensor:
    return rows if units.size == rows.shape[1] else rows[:, torch.from_numpy(units).to(rows.device)]


def _reaching(some: Tensor, least: Tensor) -> Reached:
    at = (some >= least.to(some.device)).nonzero(as_tuple=True)
    token, unit = (each.cpu().numpy() for each in at)
    return some[at].double().cpu().numpy(), token, unit


def _first_of_each(
    unit: NDArray[np.int64], values: NDArray[np.float64], tokens: NDArray[np.int64], *, size: int, most: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the largest values of each unit with their tokens, (units, most), filled up with minus infinity; of equal
    ones the first tokens, in whose order they are given.
    """
    order = np.lexsort((-values, unit))  # stable
    ordered = unit[order]
    rank = np.arange(len(order)) - np.searchsorted(ordered, ordered)  # how many of its unit come before
    order, rank = order[rank < most], rank[rank < most]
    best, theirs = np.full((size, most), -np.inf), np.zeros((size, most), dtype=np.int64)
    best[unit[order], rank], theirs[unit[order], rank] = values[order], tokens[order]
    return best, theirs


def _example(tokenizer: Any, pieces: Pieces, line: Line, encoded: Any, value: float, place: int) -> Example:
    """Return a token of a sentence as an example; ``encoded`` is what the tokenizer made of it, neither padded nor cut
    any more.
    """
    name = names_of(tokenizer, encoded.ids[place : place + 1], encoded.tokens[place : place + 1])[0]
    if encoded.special_tokens_mask[place]:
        return Example(value=strict(value), sentence=line.number, place=place, token=name)
    text = line.pair if line.pair is not None and encoded.sequence_ids[place] else line.text
    span = without_spaces(text, encoded.offsets[place], token=name, pieces=pieces)
    return example(value, line.number, place, text=text, span=span)
