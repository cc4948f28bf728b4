"""A cell: one number of one step and its arithmetic, as plain frozen data that needs neither torch nor numpy."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from ..traces.base import Record
from ..traces.codec import encode_line
from ..traces.codec import schema as schema_of
from ..traces.record import Environment, Input, Kind, Model, Source
from ..traces.values import Number

FORMAT: Final = "bert-inspect-cell"
VERSION: Final = 1


class Place(Record, frozen=True, kw_only=True):
    """Where a number stands along one axis: the axis, the index from 0, and what stands there in words. ``chosen`` says
    that nobody named it: of what was left it is the place of the largest number.
    """

    axis: str
    index: int
    name: str
    chosen: bool = False


class Factor(Record, frozen=True, kw_only=True):
    """A number that goes into a term, by its own name: the entry of a tensor (``step`` and ``output`` say which step
    returned it, ``parameter`` and ``argument`` what it is otherwise), or something worked out on the way.
    """

    name: str
    value: Number
    index: list[int] = []
    step: int | None = None
    output: int = 0
    parameter: str | None = None
    argument: str | None = None


class Term(Record, frozen=True, kw_only=True):
    """What is added up: of each term its name, the factors that it is made of, and its value."""

    name: str
    factors: list[Factor]
    value: Number


class Others(Record, frozen=True, kw_only=True):
    """The terms that are not listed: how many, and their sum."""

    count: int
    value: Number


class Quantity(Record, frozen=True, kw_only=True):
    """A number on the way to the result: a mean, a largest score."""

    name: str
    value: Number


class Follow(Record, frozen=True, kw_only=True):
    """What a later step makes of the number. ``words`` say what stands beside it there."""

    label: str
    value: Number
    step: int | None = None
    words: str = ""


class Cell(Record, frozen=True, kw_only=True):
    """One number of one step.

    ``value`` is what was recorded (None where nothing was), ``computed`` what the arithmetic gives in float64 from the
    recorded operands, ``difference`` how far they are apart, ``rounding`` how far rounding may take them apart,
    ``reproduces`` whether it explains the difference. The ``terms`` are the largest ones; with the ``others`` they add
    up to ``sum``. ``moved`` is the number that it was before, where the step only moves numbers. ``becomes`` says what
    later steps make of it, ``operands`` are cells of the largest operands, where those were asked for. ``note`` says by
    what its place was chosen.
    """

    name: str
    step: int | None
    output: str
    label: str
    path: str
    call: int
    kind: Kind
    type: str
    arguments: str
    layer: int | None
    place: list[Place]
    dtype: str
    value: Number | None
    words: str
    symbols: str
    quantities: list[Quantity] = []
    terms: list[Term] = []
    others: Others | None = None
    sum: Number | None = None
    moved: Factor | None = None
    computed: Number
    difference: Number | None
    rounding: Number
    reproduces: bool
    note: str = ""
    becomes: list[Follow] = []
    operands: list["Cell"] = []
    source: Source | None = None

    @property
    def all_reproduce(self) -> bool:
        """Whether it, and every cell below it, reproduces what was recorded."""
        return self.reproduces and all(inner.all_reproduce for inner in self.operands)


Opened = Mapping[tuple[int, int], Sequence[tuple[tuple[int, ...], Cell]]]
"""Many cells, by step and output, each with its index."""


class CellReport(Record, frozen=True, kw_only=True):
    """A cell with the run that it is of."""

    format: Literal["bert-inspect-cell"] = "bert-inspect-cell"
    version: int = VERSION
    environment: Environment
    model: Model
    input: Input
    cell: Cell

    def json(self) -> bytes:
        """Return it as a line of strict JSON."""
        head = {"format": self.format, "version": self.version}
        return encode_line({**head, **{name: getattr(self, name) for name in _REST}})


_REST: Final = ("environment", "model", "input", "cell")


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a cell."""
    made = schema_of(CellReport)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": FORMAT, **made}
