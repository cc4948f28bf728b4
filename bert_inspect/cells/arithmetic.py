"""The arithmetic of one number, as a rule tells it: what is added up, out of which factors, and what comes of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import UsageError
from .operand import Array, Index, Operand


class Untold(UsageError):
    """The arithmetic of a step is not known, or cannot be worked out from what there is."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One factor of each term: its ``values``, and of which entry of an operand each is (None: of none, then ``name``
    says what it is).
    """

    values: Array
    operand: Operand | None = None
    index: Callable[[int], Index] | None = None
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Terms of one kind: the product of their columns, or what a function makes of them. ``axis`` is what they go
    along, whose places name them; else ``names`` does.
    """

    values: Array
    columns: Sequence[Column]
    axis: str | None = None
    names: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Reference:
    """An operand in a formula's words: with its index, but for the axes that the sum goes along."""

    operand: Operand
    index: Sequence[int | None]


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """Something that was worked out on the way: a mean, a largest score."""

    name: str
    value: float


@dataclass(frozen=True, kw_only=True)
class Arithmetic:
    """How one number came about.

    ``words`` are the formula, with ``{0}`` in the place of each of the ``references``. ``size`` is by how much errors
    of rounding are multiplied: the sum of the sizes of the terms. Where ``moved`` is given the number is that very one.
    ``counts`` says that no rounding took place, ``stored`` is the size of what was stored on the way in the type of the
    result.
    """

    words: str
    symbols: str
    result: float
    size: float = 0.0
    groups: Sequence[Group] = ()
    references: Sequence[Reference] = ()
    quantities: Sequence[Quantity] = ()
    moved: tuple[Operand, Index] | None = None
    total: float | None = None
    counts: bool = False
    stored: float = 0.0

    @property
    def count(self) -> int:
        """How many terms there are."""
        return sum(len(group.values) for group in self.groups)


@dataclass(frozen=True)
class Terms:
    """Builds the groups of a sum one by one."""

    groups: list[Group] = field(default_factory=list)

    def add(self, name: str, value: float, *columns: Column) -> "Terms":
        """Add a single term."""
        self.groups.append(Group(values=np.array([value]), columns=columns, names=(name,)))
        return self

    @property
    def total(self) -> float:
        """The sum."""
        return float(sum(float(group.values.sum()) for group in self.groups))

    @property
    def size(self) -> float:
        """The sum of the sizes."""
        with np.errstate(all="ignore"):
            return float(sum(float(np.abs(group.values).sum()) for group in self.groups))


def entry(operand: Operand, index: Index) -> Column:
    """Return one entry of an operand as a factor."""
    return Column(values=np.array([operand.at(index)]), operand=operand, index=lambda _: index)


def constant(value: float, name: str = "") -> Column:
    """Return a plain number as a factor."""
    return Column(values=np.array([value]), name=name)


def along(operand: Operand, index: Sequence[int], axis: int) -> Column:
    """Return the entries of an operand along one axis, at an index of the others, as factors."""
    axis %= len(operand.shape)
    before, after = tuple(index[:axis]), tuple(index[axis + 1 :])
    return Column(
        values=operand.read((*before, slice(None), *after)),
        operand=operand,
        index=lambda place: (*before, place, *after),
    )


def without(operand: Operand, index: Sequence[int], *axes: int) -> Reference:
    """Return a reference that leaves out the axes that the sum goes along."""
    left_out = {axis % len(operand.shape) for axis in axes}
    return Reference(operand=operand, index=[None if at in left_out else place for at, place in enumerate(index)])


def axis_name(operand: Operand, axis: int) -> str:
    """Return what an axis of an operand is called."""
    axis %= len(operand.shape)
    return operand.axes[axis] if operand.axes is not None else f"axis {axis}"
