"""Random cells over all steps of tiny models of every family reproduce what was recorded."""

import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from families.tiny import VARIANTS, as_loaded, batch, tiny
from msgspec import structs

from bert_inspect.analysis.cell import Runs
from bert_inspect.cells.build import Builder
from bert_inspect.cells.names import Names
from bert_inspect.cells.record import Cell
from bert_inspect.cells.run_numbers import Numbers
from bert_inspect.cells.where import Where
from bert_inspect.families import FAMILIES, Family
from bert_inspect.families.heads import MULTIPLE_CHOICE, NEXT_SENTENCE, SEQUENCE_CLASSIFICATION, Head
from bert_inspect.traces.record import Step
from bert_inspect.traces.values import strict

CELLS = 10_000
RUNS: list[tuple[str, Head, str, dict[str, Any]]] = [
    *((family.model_type, head, "eager", {}) for family in FAMILIES.values() for head in family.heads),
    *(
        (family.model_type, SEQUENCE_CLASSIFICATION, "sdpa", {})
        for family in FAMILIES.values()
        if "sdpa" in family.attentions
    ),
    *((name, head, "eager", changes) for name, head, changes in VARIANTS),
]
LABELLED = (SEQUENCE_CLASSIFICATION, NEXT_SENTENCE, MULTIPLE_CHOICE)
ACTIVATIONS = ("relu", "silu", "gelu_new", "gelu_pytorch_tanh")


def held(name: str, head: Head, attention: str, changes: dict[str, Any]) -> Numbers:
    """A run of a tiny model with all its numbers, and a loss where its head gives one."""
    family: Family = FAMILIES[name]
    given = batch(family, padding="left" if attention == "sdpa" else "right")
    if head in LABELLED:
        given = structs.replace(given, labels=[1] if head is MULTIPLE_CHOICE else [1, 0])
    runs = Runs(as_loaded(tiny(family, head, attention=attention, **changes)), given)
    return runs.numbers({step.id for step in runs.trace.steps})


def random_cells(numbers: Numbers, count: int, draw: random.Random) -> Iterator[tuple[Step, int, Cell]]:
    builder = Builder(numbers=numbers, names=Names(numbers.trace))
    made = [
        (step, place)
        for step in numbers.trace.steps
        for place, output in enumerate(step.outputs)
        if 0 not in output.shape
    ]
    draw.shuffle(made)
    for number in range(count):
        step, place = made[number % len(made)]
        index = tuple(draw.randrange(size) for size in step.outputs[place].shape)
        yield step, place, builder.cell(step, place, Where(index=index, row=0))


@cache
def seen() -> set[str]:
    return set()


@pytest.mark.parametrize("run", RUNS, ids=[f"{name}-{head.task}-{attention}" for name, head, attention, _ in RUNS])
def test_random_cells_reproduce_what_was_recorded(run: tuple[str, Head, str, dict[str, Any]]) -> None:
    numbers, draw = held(*run), random.Random(str(run))
    for step, place, cell in random_cells(numbers, -(-CELLS // len(RUNS)), draw):
        index = tuple(each.index for each in cell.place)
        assert cell.value == strict(float(numbers.output(step, place)(index)))
        assert cell.reproduces, (cell.name, cell.type, cell.arguments, cell.value, cell.computed, cell.rounding)
        assert cell.words and cell.symbols and "{" not in cell.words
        assert cell.moved is not None or cell.terms, cell.type
