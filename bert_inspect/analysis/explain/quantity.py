"""A number that a model returned and that is explained: which one, and what is said of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from ...capture.encode import class_index
from ...capture.outputs.classes import Returned, Scale, probabilities_of
from ...capture.outputs.plain_numbers import largest, plain
from ...errors import UsageError
from ...traces.focus import Focus
from ...traces.record import Input
from ...traces.sentences import real_places
from ...traces.values import strict
from .explanation import Logit, Target, What
from .wanted import Wanted

Index = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A number that the model returned: ``tensor[index]`` or, with ``against``, the difference of two of its entries.
    ``row`` is the sentence that it is told of, ``names`` what each entry of the innermost axis stands for, ``scale``
    what makes probabilities of it. ``best`` finds which of them is the answer in a row of what was returned, where that
    is not the one with the largest logit.
    """

    row: int
    tensor: str
    index: Index
    against: Index | None
    target: Target
    names: Sequence[str]
    scale: Scale = "softmax"
    best: Callable[[Returned, int], int] | None = None

    def of(self, returned: Returned) -> torch.Tensor:
        """Return the number, a scalar with its graph."""
        held = returned[self.tensor]
        return held[self.index] if self.against is None else held[self.index] - held[self.against]

    def probability(self, returned: Returned) -> float | None:
        """Return the probability of what it is the number of, None where it has none."""
        shares = probabilities_of(self.beside(returned), self.scale)
        return None if shares is None else float(shares[self.index[-1]])

    def in_row(self, row: int) -> "Quantity":
        """Return the same of another row of what the model returned."""
        against = None if self.against is None else (row, *self.against[1:])
        return replace(self, index=(row, *self.index[1:]), against=against)

    def answer(self, returned: Returned) -> str:
        """Return what the model answers there, in words; empty where it gives a bare number."""
        index = self.answered(returned)
        return "" if index is None else self.names[index]

    def answered(self, returned: Returned) -> int | None:
        """Return which of its ``names`` the model answers there, None where it gives a bare number."""
        if self.best is not None:
            return self.best(returned, self.index[0])
        logits = self.beside(returned)
        if self.target.what == "replaced token":
            return int(logits[self.index[-1]] > 0)
        return None if self.scale == "none" else largest(logits.tolist())

    def beside(self, returned: Returned) -> torch.Tensor:
        """Return the logits among which it stands, in float64: those alone, as there may be a vocabulary to a token."""
        return plain(returned[self.tensor][self.index[:-1]])


def chosen(
    what: What,
    row: int,
    tensor: str,
    place: Index,
    logits: Sequence[float],
    shares: Sequence[float] | None,
    names: Sequence[str],
    wanted: Wanted,
    *,
    token: int | None = None,
    named: Callable[[str], int] | None = None,
    scale: Scale = "softmax",
) -> Quantity:
    """Return the quantity of one of several logits at a place of a tensor: the largest, or that which was named."""
    find = named or (lambda name: _class(name, names[: len(logits)]))
    index = largest(logits) if wanted.target is None else find(wanted.target)
    against = None if wanted.against is None else find(wanted.against)
    if against == index:
        raise UsageError(f"{wanted.against} cannot be held against itself", "name another class, or another `target`")

    def logit(at: int) -> Logit:
        share = None if shares is None else strict(shares[at])
        label = names[at] if at < len(names) else f"LABEL_{at}"
        return Logit(index=at, label=label, logit=strict(logits[at]), probability=share)

    target = Target(
        what=what,
        of=logit(index),
        against=None if against is None else logit(against),
        token=token,
        log_odds=against is not None and len(logits) == 2 and scale == "softmax",
    )
    other = None if against is None else (*place, against)
    return Quantity(
        row=row, tensor=tensor, index=(*place, index), against=other, target=target, names=names, scale=scale
    )


def _class(name: str, names: Sequence[str]) -> int:
    """Return the index of a class by its name or its number.

    Raises:
        UsageError: the model has no such class.
    """
    index = int(class_index(name, names))
    if not 0 <= index < len(names):
        there = f"classes 0 to {len(names) - 1}" if len(names) > 1 else "one, class 0"
        raise UsageError(f"there is no class {index}: the model has {there}", "name one that it has")
    return index


def named_place(batch: Input, row: int, wanted: Wanted) -> int | None:
    """Return the place of the token that was named, None where none was.

    Raises:
        UsageError: the sentence has no such token, or it is padding.
    """
    if wanted.token is None:
        return None
    focus = Focus(token=wanted.token)
    focus.check(batch, heads=None)
    place = focus.place(batch, row)
    if place is None or place not in real_places(batch, row):
        raise UsageError(
            f"sentence {row + 1} has no token {wanted.token!r}", "name one that every sentence has, or its place"
        )
    return place
