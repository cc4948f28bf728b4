"""From a step that is meant and a place in it to the cell, with what becomes of it and, where asked for, the cells of
its largest operands.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from msgspec import structs

from ..traces.record import Step, Trace
from ..traces.values import strict
from . import rounding
from .answer import answer_logits, probability, recorded
from .arithmetic import Arithmetic, Group, Untold
from .becomes import becomes, followers
from .build import FOLLOWED, Builder, _largest, alike_inside
from .calls import worked_out
from .find import PROBABILITIES, Found
from .names import Names, label_of
from .operand import Index, Operand
from .record import Cell
from .run_numbers import Made, Numbers
from .where import Tensor, Where, place_of


class Source(Protocol):
    """Where the numbers of a run come from."""

    @property
    def trace(self) -> Trace:
        """The trace of the run."""

    @property
    def links(self) -> Numbers:
        """What is known of the run without any numbers: its links."""

    def numbers(self, steps: Set[int]) -> Numbers:
        """Return the numbers of what these steps returned."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of a step: where, how many terms are listed, how deep the largest operands are followed."""

    at: Mapping[str, str] = field(default_factory=dict)
    sentence: int | None = None
    terms: int = 6
    depth: int = 0


@np.errstate(all="ignore")
def cell_of(source: Source, found: Found, asked: Asked) -> Cell:
    """Return the cell that is asked for.

    Raises:
        UsageError: there is no such place, or the arithmetic of the step is not known.
        Missing: numbers that it needs are not at hand.
    """
    names = Names(source.trace)
    numbers = source.numbers(_needed(source, [(found.step.id, found.place)]))
    output = found.step.outputs[found.place]
    label = PROBABILITIES if found.probabilities else label_of(found.step, found.place)
    step, place = found.step, found.place
    if not numbers.has(step, place) and (step.id, place) in numbers.made:
        made, place = numbers.made[step.id, place]
        step = source.trace.steps[made]
    ranked = found.probabilities or not _ANSWERS.isdisjoint(output.axes or ())
    whole = numbers.output(step, place)
    if found.probabilities:
        whole = answer_logits(source.trace, numbers.of_output(step.id, place)).whole
    tensor = Tensor(label=label, output=output, whole=whole, ranked=ranked)
    where = place_of(tensor, names, asked.at, sentence=asked.sentence)
    builder = Builder(numbers=numbers, names=names, most=asked.terms)
    if found.probabilities:
        answer = _probability(builder, found, where, names)
        answer.chosen(tensor)
        _deepen(source, builder, [answer], asked.depth)
        return answer.finished()
    root = _Node(*builder.maker(found.step, found.place, where.index), where)
    root.tell(builder)
    root.chosen(tensor)
    _deepen(source, builder, [root], asked.depth)
    after = becomes(numbers, names, (root.step.id, root.place), where.index, where.row)
    return structs.replace(root.finished(), becomes=after)


_ANSWERS = frozenset(("labels", "vocabulary", "choices"))
"""Axes along which the answers of a model stand."""


def _probability(builder: Builder, found: Found, where: Where, names: Names) -> "_Node":
    """Return the cell of a probability of the answer."""
    index = where.index
    logits = replace(builder.numbers.of_output(found.step.id, found.place), name="logits")
    logits = answer_logits(builder.numbers.trace, logits)
    arithmetic = probability(builder.numbers, logits, index)
    cell = builder.told(found.step, found.place, where, arithmetic)
    name = found.step.outputs[found.place].name
    value = recorded(builder.numbers.trace, name if name != "output" else "logits", index)
    apart = None if value is None else rounding.apart(value, arithmetic.result)
    allowed = rounding.allowed("float64", arithmetic.result, arithmetic.size)
    places = [(each.axis, each.name) for each in cell.place]
    told = structs.replace(
        cell,
        name=names.title("probability", None, places),
        label="probability",
        step=None,
        path="",
        type="softmax" if "sigmoid" not in arithmetic.words else "sigmoid",
        kind="op",
        arguments="",
        layer=None,
        dtype="float64",
        value=None if value is None else strict(value),
        computed=strict(arithmetic.result),
        difference=None if apart is None else strict(apart),
        rounding=strict(allowed),
        reproduces=apart is None or apart <= allowed,
        source=None,
    )
    return _Node(found.step, found.place, where, told, arithmetic)


def _needed(source: Source, wanted: Iterable[Made]) -> set[int]:
    """Return the steps whose numbers the cells of these outputs need: their own, what flowed into them, and what later
    steps make of them.
    """
    trace, links = source.trace, source.links
    found: set[int] = set()
    for id_, place in wanted:
        step = trace.steps[id_]
        makers = [links.made[id_, place]] if (id_, place) in links.made else []
        if not makers and any(each.parent == id_ for each in trace.steps[id_ + 1 : id_ + 2]):
            makers = alike_inside(trace.steps, step, place)
        for made, at in [(id_, place), *makers]:
            maker = trace.steps[made]
            found.add(made)
            found.update(tensor.from_ for tensor in maker.inputs if tensor.from_ is not None)
            found.update(each.id for each in followers(trace, links, (made, at)))
    return found


@dataclass(eq=False)
class _Node:
    """A cell that is being built, and those below it."""

    step: Step
    place: int
    where: Where
    cell: Cell | None = None
    arithmetic: Arithmetic | None = None
    below: list["_Node"] = field(default_factory=list)

    def tell(self, builder: Builder) -> None:
        """Work the cell out."""
        self.arithmetic = worked_out(builder.numbers, self.step, self.place, self.where.index)
        self.cell = builder.told(self.step, self.place, self.where, self.arithmetic)

    def chosen(self, tensor: Tensor) -> None:
        """Say by what its place was chosen."""
        axes = [tensor.axes[at] for at in sorted(self.where.chosen)]
        if axes and self.cell is not None:
            along = axes[0] if len(axes) == 1 else f"{', '.join(axes[:-1])} and {axes[-1]}"
            size = "" if tensor.ranked or self.cell.label.endswith("probabilities") else " in absolute value"
            self.cell = structs.replace(self.cell, note=f"the largest number{size} along {along}; --at names others")

    def finished(self) -> Cell:
        """Return the cell with those below it."""
        assert self.cell is not None, "told before"
        return structs.replace(self.cell, operands=[node.finished() for node in self.below])


def _deepen(source: Source, builder: Builder, nodes: list[_Node], depth: int) -> None:
    """Add the cells of the largest operands below these cells, and so on."""
    for _ in range(depth):
        wanted = [(node, entry) for node in nodes for entry in _operands(node)]
        if not wanted:
            return
        nodes = []
        while wanted:
            needed = _needed(source, [(operand.step or 0, operand.place) for _, (operand, _) in wanted])
            now = replace(builder, numbers=source.numbers(needed))
            again = []
            for node, (operand, index) in wanted:
                child = _Node(
                    *now.maker(source.trace.steps[operand.step or 0], operand.place, index),
                    Where(index=index, row=node.where.row),
                )
                try:
                    child.tell(now)
                except Untold:
                    continue
                moved = None if child.arithmetic is None else child.arithmetic.moved
                if moved is not None and moved[0].step is not None and child.cell is not None and child.cell.reproduces:
                    again.append((node, moved))
                else:
                    node.below.append(child)
                    nodes.append(child)
            wanted = again


def _operands(node: _Node) -> list[tuple[Operand, Index]]:
    """Return the entries that steps made of a cell's largest terms."""
    arithmetic = node.arithmetic
    if arithmetic is None:
        return []
    if arithmetic.moved is not None:
        entries = [arithmetic.moved]
    else:
        order = sorted(
            (-size, number, at)
            for number, group in enumerate(arithmetic.groups)
            for at, size in _largest(group, FOLLOWED)
        )
        entries = [entry for _, number, at in order for entry in _entries(arithmetic.groups[number], at)]
        entries += [
            (each.operand, tuple(at for at in each.index if at is not None))
            for each in arithmetic.references
            if None not in each.index
        ]
    kept: dict[tuple[int, int, Index], tuple[Operand, Index]] = {}
    for operand, index in entries:
        if operand.step is not None:
            kept.setdefault((operand.step, operand.place, index), (operand, index))
    return list(kept.values())[:FOLLOWED]


def _entries(group: Group, at: int) -> list[tuple[Operand, Index]]:
    found: list[tuple[Operand, Index]] = []
    for column in group.columns:
        index: Callable[[int], Index] | None = column.index
        if column.operand is not None and index is not None:
            found.append((column.operand, index(at)))
    return found
