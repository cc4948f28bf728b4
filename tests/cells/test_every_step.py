"""Random cells over all steps of tiny models of every family reproduce what was recorded."""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
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
from bert_inspect.traces.vocabulary import labels

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


def held(name: str, head: Head, attention: str, changes: dict[str, Any], dtype: torch.dtype = torch.float32) -> Numbers:
    """A run of a tiny model with all its numbers, and a loss where its head gives one."""
    family: Family = FAMILIES[name]
    given = batch(family, padding="left" if attention == "sdpa" else "right")
    if head in LABELLED:
        given = structs.replace(given, labels=[1] if head is MULTIPLE_CHOICE else [1, 0])
    runs = Runs(as_loaded(tiny(family, head, attention=attention, **changes).to(dtype)), given)
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


@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS, ids=[f"{name}-{head.task}-{attention}" for name, head, attention, _ in RUNS])
def test_random_cells_reproduce_what_was_recorded(run: tuple[str, Head, str, dict[str, Any]]) -> None:
    numbers, draw = held(*run), random.Random(str(run))
    for step, place, cell in random_cells(numbers, -(-CELLS // len(RUNS)), draw):
        index = tuple(each.index for each in cell.place)
        assert cell.value == strict(float(numbers.output(step, place)(index)))
        assert cell.reproduces, (cell.name, cell.type, cell.arguments, cell.value, cell.computed, cell.rounding)
        assert cell.words and cell.symbols and "{" not in cell.words
        assert cell.moved is not None or cell.terms, cell.type


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_cells_of_other_precisions_reproduce_what_was_recorded(dtype: torch.dtype) -> None:
    for name, attention in (("bert", "eager"), ("modernbert", "sdpa")):
        numbers = held(name, SEQUENCE_CLASSIFICATION, attention, {}, dtype)
        for _, _, cell in random_cells(numbers, 150, random.Random(name)):
            assert cell.reproduces, (cell.name, cell.type, cell.value, cell.computed, cell.rounding)


def test_a_number_that_is_not_what_its_step_makes_is_told() -> None:
    """Every number of a run is moved by a thousandth, in turn with its step: none of the arithmetic finds it."""
    runs = Runs(as_loaded(tiny(FAMILIES["bert"], SEQUENCE_CLASSIFICATION)), batch(FAMILIES["bert"]))
    true, draw, told = runs.numbers({step.id for step in runs.trace.steps}), random.Random(3), 0
    for step in true.trace.steps:
        if step.label == labels.ATTENTION_MASK or not step.outputs[0].dtype.startswith("float"):
            continue

        def outputs(other: Step, place: int, wrong: Step = step) -> Any:
            read = true.output(other, place)
            return (lambda at: read(at) * 1.001 + 1e-3) if other.id == wrong.id else read

        numbers = replace(true, outputs=outputs)
        maker, place = Builder(numbers=true, names=Names(true.trace)).maker(step, 0)
        if maker.id != step.id:
            continue
        index = tuple(draw.randrange(size) for size in step.outputs[0].shape)
        cell = Builder(numbers=numbers, names=Names(true.trace)).cell(step, place, Where(index=index, row=0))
        below_rounding = isinstance(cell.value, float) and abs(cell.value) > 1e30  # a masked score: 1e-3 is lost in it
        assert not cell.reproduces or below_rounding, (cell.name, cell.type, cell.value, cell.computed)
        told += 1
    assert told > 60
