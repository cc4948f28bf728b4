"""Builds cells: the arithmetic of a number with every name written out, and those of its operands below it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..traces.record import Step
from ..traces.values import strict
from ..traces.vocabulary.axes import FOLDED
from . import rounding
from .arithmetic import Arithmetic, Column, Group, Reference
from .calls import check_unedited, worked_out
from .names import Names, label_of
from .operand import Index, Operand
from .record import Cell, Factor, Others, Place, Quantity, Term
from .run_numbers import Made, Missing, Numbers
from .where import Where

Maker = tuple[Step, int]
"""A step and which of its outputs."""
_CLEAR = ("batch", "heads", FOLDED)
"""Axes along which an operand stands where its result does: said once, in the name of the cell."""
FOLLOWED = 2
"""How many operands of a cell are followed, the largest ones."""


@dataclass(frozen=True, kw_only=True)
class Builder:
    """Builds cells out of a run's numbers; ``most`` terms are listed of each."""

    numbers: Numbers
    names: Names
    most: int = 6

    @np.errstate(all="ignore")
    def cell(self, step: Step, place: int, where: Where) -> Cell:
        """Return the cell of a number that a step returned.

        Raises:
            Missing: numbers that it needs are not at hand.
            Untold: the arithmetic of the step is not known.
        """
        step, place = self.maker(step, place)
        return self.told(step, place, where, worked_out(self.numbers, step, place, where.index))

    def maker(self, step: Step, place: int) -> Maker:
        """Return the step that made a number: of a module that contains steps the one inside it that made its output.

        Raises:
            Missing: that is not known.
            Untold: what the module returned was edited.
        """
        check_unedited(step)
        inside = {each.parent for each in self.numbers.trace.steps}
        if step.id not in inside:
            return step, place
        if (step.id, place) in self.numbers.made:
            made, at = self.numbers.made[step.id, place]
            return self.numbers.trace.steps[made], at
        for made, at in alike_inside(self.numbers.trace.steps, step, place):
            if self._same(step, place, made, at):
                return self.numbers.trace.steps[made], at
        raise Missing(f"which step inside made what {label_of(step, place)} returned is not known", "name that step")

    def _same(self, step: Step, place: int, made: int, at: int) -> bool:
        """Whether a step inside returned the very numbers of the module, as far as they are at hand."""
        inner = self.numbers.trace.steps[made]
        if not (self.numbers.has(step, place) and self.numbers.has(inner, at)):
            return False
        whole = tuple(slice(None) for _ in step.outputs[place].shape)
        one, other = (
            np.asarray(read(whole)) for read in (self.numbers.output(step, place), self.numbers.output(inner, at))
        )
        return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))

    def told(self, step: Step, place: int, where: Where, found: Arithmetic) -> Cell:
        """Return an arithmetic as a cell."""
        output, index = step.outputs[place], where.index
        axes = list(output.axes) if output.axes is not None else [f"axis {at}" for at in range(len(output.shape))]
        row = self.names.row_of(axes, index, where.row, shape=output.shape)
        places = [
            Place(axis=axis, index=at, name=self.names.place(axis, at, row, size=size), chosen=number in where.chosen)
            for number, (axis, at, size) in enumerate(zip(axes, index, output.shape, strict=True))
        ]
        recorded = float(self.numbers.output(step, place)(index)) if self.numbers.has(step, place) else None
        computed = rounding.held(output.dtype, found.result)
        allowed = 0.0
        if not found.counts:
            allowed = rounding.allowed(output.dtype, computed, found.size, stored=found.stored)
        difference = None if recorded is None else rounding.apart(recorded, computed)
        clear = frozenset((axis, at) for axis, at in zip(axes, index, strict=True) if axis in _CLEAR)
        writer = _Writer(self.names, row, clear, step.layer)
        terms, others = self._terms(found, writer)
        label = label_of(step, place)
        return Cell(
            name=self.names.title(label, step.layer, [(each.axis, each.name) for each in places]),
            step=step.id,
            output=output.name,
            label=label,
            path=step.path,
            call=step.call,
            kind=step.kind,
            type=step.type,
            arguments=step.arguments,
            layer=step.layer,
            place=places,
            dtype=output.dtype,
            value=None if recorded is None else strict(recorded),
            words=found.words.format(*(writer.reference(each) for each in found.references)),
            symbols=found.symbols,
            quantities=[Quantity(name=each.name, value=strict(each.value)) for each in found.quantities],
            terms=terms,
            others=others,
            sum=None if found.total is None else strict(found.total),
            moved=None if found.moved is None else writer.entry(*found.moved),
            computed=strict(computed),
            difference=None if difference is None else strict(difference),
            rounding=strict(allowed),
            reproduces=difference is None or difference <= allowed,
            source=step.source,
        )

    def _terms(self, found: Arithmetic, writer: "_Writer") -> tuple[list[Term], Others | None]:
        """Return the largest terms, and what the others add up to."""
        sizes = [
            (-size if not math.isnan(size) else -math.inf, group, at)
            for group, each in enumerate(found.groups)
            for at, size in largest_terms(each, self.most)
        ]
        shown = sorted(sizes)[: self.most]
        if found.count == self.most + 1:  # one line for one term is no shorter
            shown = sorted(sizes)[: self.most + 1] if len(sizes) > self.most else shown
        terms = [writer.term(found.groups[group], at) for _, group, at in shown]
        left = found.count - len(terms)
        if not left:
            return terms, None
        with np.errstate(all="ignore"):
            total = sum(float(group.values.sum()) for group in found.groups)
            rest = total - sum(float(found.groups[group].values[at]) for _, group, at in shown)
        return terms, Others(count=left, value=strict(rest))


def largest_terms(group: Group, most: int) -> list[tuple[int, float]]:
    """Return the places of the largest terms of a group, with their sizes; one more than ``most``."""
    with np.errstate(all="ignore"):
        sizes = np.nan_to_num(np.abs(group.values), nan=np.inf)
    count = min(most + 1, len(sizes))
    places = np.argsort(-sizes, kind="stable")[:count]
    return [(int(at), float(sizes[at])) for at in places]


def alike_inside(steps: Sequence[Step], module: Step, place: int) -> list[Made]:
    """Return the outputs inside a module that may be what it returned, the last first; of steps that hand on what they
    received only after all others, and what the module itself received at the end.
    """
    around = {module.id}
    wanted, found = module.outputs[place], list[Made]()
    parents = {step.parent for step in steps}
    for step in steps[module.id + 1 :]:
        if step.parent not in around:
            break
        if step.id in parents:
            around.add(step.id)
            continue
        found += [
            (step.id, at)
            for at, output in enumerate(step.outputs)
            if output.shape == wanted.shape and output.dtype == wanted.dtype
        ]
    handed_on = [
        (tensor.from_, at)
        for tensor in module.inputs
        if tensor.from_ is not None and (tensor.shape, tensor.dtype) == (wanted.shape, wanted.dtype)
        for at, output in enumerate(steps[tensor.from_].outputs)
        if output.shape == wanted.shape and tensor.from_ not in parents
    ]
    found.reverse()
    return [*sorted(found, key=lambda each: steps[each[0]].no_op), *handed_on]


@dataclass(frozen=True)
class _Writer:
    """Writes names into one cell: the sentence that it is in, and the places that are clear there."""

    names: Names
    row: int
    clear: frozenset[tuple[str, int]]
    layer: int | None

    def reference(self, reference: Reference) -> str:
        """Return how a formula calls an operand."""
        return self._called(reference.operand, reference.index, short=True)

    def _called(self, operand: Operand, index: Sequence[int | None], *, short: bool = False) -> str:
        return self.names.inside(operand, index, self.row, without=self.clear, layer=self.layer, short=short)

    def entry(self, operand: Operand, index: Index) -> Factor:
        """Return an operand's entry as a factor."""
        return Factor(
            name=self._called(operand, index),
            value=strict(operand.at(index)),
            index=list(index),
            step=operand.step,
            output=operand.place,
            parameter=operand.parameter,
            argument=operand.argument,
        )

    def term(self, group: Group, at: int) -> Term:
        """Return one term of a group."""
        return Term(
            name=self._name(group, at),
            factors=[self._factor(column, at) for column in group.columns],
            value=strict(float(group.values[at])),
        )

    def _factor(self, column: Column, at: int) -> Factor:
        if column.operand is not None and column.index is not None:
            return self.entry(column.operand, column.index(at))
        return Factor(name=column.name or "number", value=strict(float(column.values[at])))

    def _name(self, group: Group, at: int) -> str:
        if group.axis is None:
            return group.names[at] if at < len(group.names) else str(at)
        axis = group.axis if group.axis != "broadcast" else "tokens"
        return self.names.place(axis, at, self.row) or (f"sentence {at + 1}" if axis == "batch" else str(at))
