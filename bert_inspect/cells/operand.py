"""What a step works on: a tensor under its name, of which single numbers are read; and what fits where."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = tuple[int, ...]
Read = Callable[[Any], Any]
"""From an index, or one with slices in it, to the numbers there."""


@dataclass(frozen=True, kw_only=True)
class Operand:
    """A tensor that a step received, or a parameter that it holds.

    ``step`` and ``place`` say which output of which step it is, ``parameter`` and ``argument`` what it is where it came
    from no step. ``whole`` reads it, ``layer`` is the encoder layer in which it was made. Where it is ``turned`` it is
    called by what it was before its last two axes changed places.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    whole: Read
    axes: Sequence[str] | None = None
    step: int | None = None
    place: int = 0
    parameter: str | None = None
    argument: str | None = None
    layer: int | None = None
    turned: bool = False

    def at(self, index: Sequence[int]) -> float:
        """Return one number."""
        return float(self.whole(tuple(index)))

    def read(self, index: Sequence[Any]) -> Array:
        """Return the numbers along the axes at which the index has slices, flat and in float64."""
        return np.asarray(self.whole(tuple(index)), dtype=np.float64).reshape(-1)

    def fitting(self, index: Sequence[int]) -> Index:
        """Return the index of this tensor at an index of a tensor that it is broadcast to."""
        own = index[len(index) - len(self.shape) :] if self.shape else ()
        return tuple(0 if size == 1 else place for place, size in zip(own, self.shape, strict=True))


@dataclass(frozen=True, kw_only=True)
class Call:
    """A step as its rule sees it: what it is, what it was given by position and by name (operands in the places of
    tensors), the parameters that it holds, what it was built with, and what it returned.
    """

    type: str
    given: Sequence[Any]
    options: dict[str, Any]
    shape: tuple[int, ...]
    dtype: str
    axes: Sequence[str] | None = None
    place: int = 0
    parameters: dict[str, Operand]
    returned: Read

    def argument(self, place: int, name: str, default: Any = None) -> Any:
        """Return an argument that may be given by position or by name."""
        given = self.given[place] if place < len(self.given) else None
        return given if given is not None else self.options.get(name, default)

    @property
    def operands(self) -> list[Operand]:
        """Everything that it received that is a tensor."""
        return [value for value in _flat([*self.given, *self.options.values()]) if isinstance(value, Operand)]

    @property
    def counts(self) -> bool:
        """Whether it returns integers or truth values."""
        return not self.dtype.startswith(("float", "bfloat"))


def _flat(values: Sequence[Any]) -> list[Any]:
    return [inner for value in values for inner in (_flat(value) if isinstance(value, list | tuple) else [value])]
