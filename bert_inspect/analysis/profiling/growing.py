"""Totals that grow by whole blocks of a corpus, while batches of the next block run already."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from ...corpus.blocks import digest
from ...corpus.line import Line
from ...profiles.coverage import Block
from ...profiles.total import BatchTotals, Place, Total
from .tokenized import Batch


@dataclass(frozen=True, kw_only=True)
class Task:
    """A batch that is to be run, with the class of each sentence, None where the corpus gives none; and of the last one
    of a block the number of that, its lines, and all of its batches.
    """

    batch: Batch
    labels: Sequence[int | None]
    ends: tuple[int, Sequence[Line], Sequence[Batch]] | None = None


class Growing:
    """Adds batches to totals, in their order: those of a block as a whole, or none of them.

    Args:
        total: what there is already.
        added: called with the number of its sentences when a block was added.
    """

    def __init__(self, total: Total, added: Callable[[int], None]) -> None:
        self._total, self._part, self._added = total, total.nothing(), added
        self._adding = Lock()

    def least(self, place: Place) -> NDArray[np.float64] | None:
        """Return what an activation of each dimension of a tensor must reach to be an example; None where all are."""
        with self._adding:
            found = [least for totals in (self._total, self._part) if (least := totals.least(place)) is not None]
            return np.maximum.reduce(found) if found else None

    def add(self, task: Task, found: BatchTotals) -> None:
        """Add a batch."""
        with self._adding:
            self._part.add(found)
            if task.ends is None:
                return
            number, lines, batches = task.ends
            tokens = sum(sum(map(sum, batch.input.attention_mask)) for batch in batches)
            cut = sum(sum(map(bool, batch.input.truncated)) for batch in batches)
            self._total.add_all(self._part)
            self._total.done(number, Block(digest=digest(lines), sentences=len(lines), tokens=tokens, cut=cut))
            self._part = self._total.nothing()
        self._added(len(lines))
