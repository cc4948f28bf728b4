"""What an edit is to make of a tensor, written plainly: token by token, apart from what made the edit."""

from collections.abc import Sequence

import torch

from ...traces.vocabulary import axes
from ..editing.change import Change, ChangedTensor

Unit = int | slice
_ALL = slice(None)


def expected(edit: ChangedTensor, before: torch.Tensor, received: torch.Tensor | None) -> torch.Tensor:
    """Return the edited tensor; ``before`` is what the step had computed, ``received`` what it received."""
    found = before.clone()
    rows, tokens = _sizes(edit, before)
    for change in edit.changes:
        units: Sequence[Unit] = [_ALL] if change.units is None else change.units
        for at_unit, unit in enumerate(units):
            mean = _mean(edit, before, unit) if change.how == "mean" else None
            for at_row, row in enumerate(range(rows) if change.rows is None else change.rows):
                for at_token, token in enumerate(range(tokens) if change.tokens is None else change.tokens):
                    at = _at(edit, row, token, unit)
                    match change.how:
                        case "zero":
                            found[at] = torch.zeros_like(before[at])
                        case "scale":
                            found[at] = before[at] * change.factor
                        case "mean":
                            assert mean is not None
                            found[at] = mean
                        case "given":
                            found[at] = _given(change, at_row, at_token, None if unit == _ALL else at_unit).to(before)
                        case "towards":
                            assert received is not None
                            found[at] = received[at] * (1.0 - change.factor) + before[at] * change.factor
    return found


def _at(edit: ChangedTensor, row: int, token: int, unit: Unit) -> tuple[Unit, ...]:
    """Return where the numbers of one unit, or of all, stand at a token, by the axes of the tensor."""
    heads = edit.layout.heads
    folded = row * heads + unit if isinstance(unit, int) else slice(row * heads, (row + 1) * heads)
    where: dict[str, Unit] = {"batch": row, "tokens": token, "heads": unit, "intermediate": unit, axes.FOLDED: folded}
    return tuple(where.get(axis, _ALL) for axis in edit.layout.axes)


def _sizes(edit: ChangedTensor, tensor: torch.Tensor) -> tuple[int, int]:
    """Return how many sentences and tokens a tensor is of."""
    sizes = dict(zip(edit.layout.axes, tensor.shape, strict=True))
    rows = sizes[axes.FOLDED] // edit.layout.heads if axes.FOLDED in sizes else sizes["batch"]
    return rows, sizes["tokens"]


def _mean(edit: ChangedTensor, tensor: torch.Tensor, unit: Unit) -> torch.Tensor:
    numbers = [tensor[_at(edit, row, token, unit)] for row, token in edit.real.nonzero().tolist()]
    return torch.stack(numbers).double().mean(dim=0).to(tensor.dtype)


def _given(change: Change, row: int, token: int, unit: int | None) -> torch.Tensor:
    """Return the values that were given for a token: of one unit, or of all."""
    assert change.values is not None
    rows, tokens, units, _ = change.values.shape
    of_token = change.values[row if rows > 1 else 0, token if tokens > 1 else 0]  # (units, numbers)
    found = of_token if unit is None else of_token[unit if units > 1 else 0]
    return found.squeeze(-1) if found.shape[-1] == 1 else found
