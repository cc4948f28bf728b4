"""What becomes of a tensor that is edited: some of its rows, tokens and units get other numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from .layout import Layout


@dataclass(frozen=True, kw_only=True)
class Change:
    """Other numbers for a part of a tensor, seen in its `Layout` as (batch, tokens, units, numbers).

    Attributes:
        how: ``zero``; ``mean`` over the real tokens of the batch, of each unit by itself; ``scale``; ``given`` values;
            ``towards`` what the step received: (1 - factor) x that + factor x what it returned.
        units: the heads or neurons; None: all.
        rows: the sentences of the batch; None: all.
        tokens: the places of tokens; None: all.
        factor: what is scaled by.
        values: (rows, tokens, units, numbers) for that part, or what broadcasts to it.
    """

    how: Literal["zero", "mean", "scale", "given", "towards"]
    units: tuple[int, ...] | None = None
    rows: tuple[int, ...] | None = None
    tokens: tuple[int, ...] | None = None
    factor: float = 1.0
    values: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class ChangedTensor:
    """Makes changes of a tensor; an `Edit` of a step's output. Each is made of the tensor as it was, and where two meet
    the later one holds.

    Attributes:
        layout: how the tensor is seen.
        changes: what is changed.
        real: which tokens are no padding (batch, tokens).
    """

    layout: Layout
    changes: tuple[Change, ...]
    real: Tensor

    def changed(self, tensor: Tensor, received: Tensor | None) -> Tensor:
        """Return a changed copy, which lies in memory as the tensor does."""
        copy = tensor.clone()
        before, after = self.layout.view(tensor), self.layout.view(copy)
        for change in self.changes:
            part = _part(before, change)
            after[part] = self._numbers(change, before, part, received)
        return copy

    def _numbers(
        self, change: Change, view: Tensor, part: tuple[Tensor, ...], received: Tensor | None
    ) -> Tensor | float:
        """Return the numbers for a part of a view, or one for all of it."""
        match change.how:
            case "zero":
                return 0.0
            case "scale":
                return view[part] * change.factor
            case "mean":
                means = view[self.real.to(view.device)].double().mean(dim=0).to(view.dtype)  # (units, numbers)
                return means[part[2][0, 0]]
            case "given":
                assert change.values is not None
                return change.values.to(view)
            case "towards":
                assert received is not None
                before = self.layout.view(received)[part]
                if not change.factor:
                    return before  # to the bit, whatever the step returned
                return before * (1.0 - change.factor) + view[part] * change.factor
        raise AssertionError(change.how)


def _part(view: Tensor, change: Change) -> tuple[Tensor, Tensor, Tensor]:
    """Return the index of a part: rows, tokens and units, each along its own axis."""
    rows, tokens, units = (
        _places(places, size, view.device)
        for places, size in zip((change.rows, change.tokens, change.units), view.shape, strict=False)
    )
    return rows[:, None, None], tokens[None, :, None], units[None, None, :]


def _places(places: Sequence[int] | None, size: int, device: torch.device) -> Tensor:
    return torch.tensor(range(size) if places is None else places, device=device, dtype=torch.long)
