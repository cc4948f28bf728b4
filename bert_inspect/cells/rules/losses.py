"""Losses: the mean over the sentences of how far the logits are from their labels."""

import math
from collections.abc import Sequence

import numpy as np

from ..arithmetic import Arithmetic, Column, Group, Reference, Terms, Untold
from ..operand import Call, Index, Operand
from .shares import powers

_ALONE = {"weight": None, "label_smoothing": 0.0, "pos_weight": None}


def cross_entropy(call: Call, index: Index) -> Arithmetic:
    """Mean over the sentences of ``- ln (e^own / sum of e^x)``, own the logit of the label."""
    logits, labels = _operands(call)
    rows = [place for place in np.ndindex(*labels.shape) if labels.at(place) != call.options.get("ignore_index", -100)]
    losses: list[float] = []
    size = 0.0
    for place in rows:
        scores = logits.read((*place[:1], slice(None), *place[1:]))
        raised, largest = powers(scores)
        own = float(scores[int(labels.at(place))])
        with np.errstate(all="ignore"):
            losses.append(largest - own + float(np.log(raised.sum())))
        size += 4 + abs(largest) + abs(own)

    def own_of(number: int) -> Index:
        place = rows[number]
        return (*place[:1], int(labels.at(place)), *place[1:])

    own_logits = Column(
        values=np.array([logits.at(own_of(number)) for number in range(len(rows))]), operand=logits, index=own_of
    )
    return _mean(
        call,
        losses,
        columns=(own_logits,),
        size=size * (2 + math.sqrt(logits.shape[1] if len(logits.shape) > 1 else 1)),
        words="- ln of the share that a softmax of {0} gives the label ({1})",
        symbols="y = (1/n) sum_i - ln(e^(x_i,label) / sum_j e^x_ij)",
        references=_both(logits, labels),
        names=_names(rows),
    )


def squares(call: Call, index: Index) -> Arithmetic:
    """Mean of ``(x - label)^2``."""
    logits, labels = _operands(call)
    rows, columns = _entries(logits, labels)
    numbers, wanted = (column.values for column in columns)
    losses = (numbers - wanted) ** 2
    return _mean(
        call,
        losses.tolist(),
        columns=columns,
        size=float((np.abs(losses) + 2 * np.abs(numbers - wanted) * (np.abs(numbers) + np.abs(wanted))).sum()) * 2,
        words="the square of {0} - {1}",
        symbols="y = (1/n) sum_i (x_i - t_i)^2",
        references=_both(logits, labels),
        names=_names(rows),
    )


def two_way_entropies(call: Call, index: Index) -> Arithmetic:
    """Mean of ``- label ln s(x) - (1 - label) ln (1 - s(x))``, s the sigmoid."""
    logits, labels = _operands(call)
    rows, columns = _entries(logits, labels)
    numbers, wanted = (column.values for column in columns)
    losses = np.maximum(numbers, 0) - numbers * wanted + np.log1p(np.exp(-np.abs(numbers)))
    return _mean(
        call,
        losses.tolist(),
        columns=columns,
        size=float((4 + np.abs(numbers) * 2).sum()) * 2,
        words="- {1} ln s({0}) - (1 - {1}) ln(1 - s({0})), s the sigmoid",
        symbols="y = (1/n) sum_i - t_i ln s(x_i) - (1 - t_i) ln(1 - s(x_i))",
        references=_both(logits, labels),
        names=_names(rows),
    )


def _operands(call: Call) -> tuple[Operand, Operand]:
    """Return logits and labels.

    Raises:
        Untold: the loss is not the plain one.
    """
    logits, labels = call.argument(0, "input"), call.argument(1, "target")
    plain = all(call.options.get(name, usual) == usual for name, usual in _ALONE.items())
    if not isinstance(logits, Operand) or not isinstance(labels, Operand) or not plain:
        raise Untold("the arithmetic of this loss is not known", "name another step")
    return logits, labels


def _entries(logits: Operand, labels: Operand) -> tuple[list[Index], tuple[Column, ...]]:
    """Return the places of all logits, and each logit with its label."""
    rows = list(np.ndindex(*logits.shape))
    numbers = np.array([logits.at(place) for place in rows])
    wanted = np.array([labels.at(labels.fitting(place)) for place in rows])
    return rows, (
        Column(values=numbers, operand=logits, index=rows.__getitem__),
        Column(values=wanted, operand=labels, index=lambda number: labels.fitting(rows[number])),
    )


def _both(logits: Operand, labels: Operand) -> list[Reference]:
    return [Reference(operand=each, index=[None] * len(each.shape)) for each in (logits, labels)]


def _names(rows: Sequence[Index]) -> tuple[str, ...]:
    words = ("sentence", "label")
    return tuple(", ".join(f"{words[bool(axis)]} {at + (not axis)}" for axis, at in enumerate(row)) for row in rows)


def _mean(
    call: Call,
    losses: Sequence[float],
    *,
    columns: tuple[Column, ...],
    size: float,
    words: str,
    symbols: str,
    references: Sequence[Reference],
    names: Sequence[str],
) -> Arithmetic:
    reduction = call.options.get("reduction", "mean")
    if reduction not in ("mean", "sum"):
        raise Untold("the arithmetic of this loss is not known", "name another step")
    count = len(losses)
    terms = np.array(losses, dtype=np.float64) / (count if reduction == "mean" and count else 1)
    group = Group(values=terms, columns=columns, names=tuple(names))
    total = float(terms.sum()) if count else math.nan
    return Arithmetic(
        words=f"{'mean' if reduction == 'mean' else 'sum'} over {count} of {words}",
        symbols=symbols,
        result=total,
        size=(Terms([group]).size + size / max(count, 1)) * 2,
        groups=[group],
        references=references,
        total=total,
        stored=4 * Terms([group]).size,
    )
