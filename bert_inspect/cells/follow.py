"""The cells below a cell: its largest operands, each told by the step that made it; and what such cells need."""

from collections.abc import Iterable, Set
from dataclasses import dataclass, field, replace
from typing import Protocol

from msgspec import structs

from ..traces.record import Step, Trace
from .arithmetic import Arithmetic, Group, Untold
from .becomes import followers
from .build import FOLLOWED, Builder, alike_inside, largest_terms
from .calls import worked_out
from .operand import Index, Operand
from .record import Cell
from .run_numbers import Made, Numbers
from .where import Tensor, Where


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


def needed_for(source: Source, wanted: Iterable[Made]) -> set[int]:
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
class Node:
    """A cell that is being built, and those below it."""

    step: Step
    place: int
    where: Where
    cell: Cell | None = None
    arithmetic: Arithmetic | None = None
    below: list["Node"] = field(default_factory=list)

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


def deepen(source: Source, builder: Builder, nodes: list[Node], depth: int) -> None:
    """Add the cells of the largest operands below these cells, and so on."""
    for _ in range(depth):
        wanted = [(node, entry) for node in nodes for entry in _operands(node)]
        if not wanted:
            return
        nodes = []
        while wanted:
            needed = needed_for(source, [(operand.step or 0, operand.place) for _, (operand, _) in wanted])
            now = replace(builder, numbers=source.numbers(needed))
            again = []
            for node, (operand, index) in wanted:
                child = Node(
                    *now.maker(source.trace.steps[operand.step or 0], operand.place),
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


def _operands(node: Node) -> list[tuple[Operand, Index]]:
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
            for at, size in largest_terms(group, FOLLOWED)
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
        if column.operand is not None and column.index is not None:
            found.append((column.operand, column.index(at)))
    return found
