"""From a step that is meant and a place in it to the cell, with what becomes of it and, where asked for, the cells of
its largest operands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from msgspec import structs

from ..traces.values import strict
from . import rounding
from .answer import answer_logits, probability, recorded
from .becomes import becomes
from .build import Builder
from .find import PROBABILITIES, Found
from .follow import Node, Source, deepen, needed_for
from .names import Names, label_of
from .record import Cell
from .where import Tensor, Where, place_of


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
    numbers = source.numbers(needed_for(source, [(found.step.id, found.place)]))
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
        deepen(source, builder, [answer], asked.depth)
        return answer.finished()
    root = Node(*builder.maker(found.step, found.place), where)
    root.tell(builder)
    root.chosen(tensor)
    deepen(source, builder, [root], asked.depth)
    after = becomes(numbers, names, (root.step.id, root.place), where.index, where.row)
    return structs.replace(root.finished(), becomes=after)


_ANSWERS = frozenset(("labels", "vocabulary", "choices"))
"""Axes along which the answers of a model stand."""


def _probability(builder: Builder, found: Found, where: Where, names: Names) -> Node:
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
    return Node(found.step, found.place, where, told, arithmetic)
