"""A saved trace gives the cells that its model gives, though it does not say which of two outputs an input is."""

import random
from pathlib import Path

import pytest
from families.tiny import as_loaded, batch, tiny

from bert_inspect.analysis.cell import Runs, parameters_of
from bert_inspect.capture.forward import run_forward
from bert_inspect.capture.keep import Keep
from bert_inspect.cells.build import Builder
from bert_inspect.cells.names import Names
from bert_inspect.cells.run_numbers import Missing
from bert_inspect.cells.saved import Saved
from bert_inspect.cells.where import Where
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import NO_HEAD, QUESTION_ANSWERING, Head


@pytest.mark.parametrize(
    ("name", "head"), [("modernbert", QUESTION_ANSWERING), ("bert", QUESTION_ANSWERING), ("deberta-v2", NO_HEAD)]
)
def test_a_saved_trace_gives_the_same_cells(name: str, head: Head, tmp_path: Path) -> None:
    loaded, given = as_loaded(tiny(FAMILIES[name], head)), batch(FAMILIES[name])
    trace = run_forward(loaded, given, keep=Keep(values="full"))[0]
    saved = Saved(trace, str(tmp_path / "t.json"), parameters_of(loaded.model)).numbers(set())
    runs = Runs(loaded, given)
    live = runs.numbers({step.id for step in runs.trace.steps})
    draw = random.Random(5)
    for step in trace.steps:
        for place, output in enumerate(step.outputs):
            index = tuple(draw.randrange(size) for size in output.shape)
            one, other = (
                Builder(numbers=numbers, names=Names(trace)).cell(step, place, Where(index=index, row=0))
                for numbers in (saved, live)
            )
            assert one.reproduces and one.value == other.value and one.type == other.type, (step.label, place)
            assert one.terms == other.terms or one.step != other.step or step.label in _ALIKE, step.label


_ALIKE = ("gated intermediate", "contiguous")


def test_without_the_model_only_weights_are_missing(tmp_path: Path) -> None:
    loaded, given = as_loaded(tiny(FAMILIES["bert"], NO_HEAD)), batch(FAMILIES["bert"])
    trace = run_forward(loaded, given, keep=Keep(values="full"))[0]
    numbers = Saved(trace, str(tmp_path / "t.json")).numbers(set())
    missing = set()
    for step in trace.steps:
        where = Where(index=(0,) * len(step.outputs[0].shape), row=0)
        try:
            Builder(numbers=numbers, names=Names(trace)).cell(step, 0, where)
        except Missing as error:
            assert error.parameters
            missing.add(step.type)
    assert missing >= {"Linear", "LayerNorm", "Embedding"} and not missing & {"matmul", "softmax", "add", "gelu"}
