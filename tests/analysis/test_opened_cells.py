"""The cells that a page can open: numbers of the run that the page shows, each with the arithmetic that gives it."""

from typing import Any

import pytest
import torch
from families.tiny import as_loaded, batch, tiny
from helpers import values_of

from bert_inspect.analysis import opened_cells as module
from bert_inspect.analysis.opened_cells import MOST, opened_cells
from bert_inspect.capture.forward import run_forward
from bert_inspect.capture.keep import Ends, Keep
from bert_inspect.errors import UsageError
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import SEQUENCE_CLASSIFICATION


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bert", "modernbert", "deberta-v2"])
def test_each_is_a_number_that_is_shown_and_is_reproduced(name: str) -> None:
    family = FAMILIES[name]
    loaded, given = as_loaded(tiny(family, SEQUENCE_CLASSIFICATION)), batch(family)
    trace = run_forward(loaded, given, keep=Keep(values="full")).trace
    found = opened_cells(loaded, given, trace, ends=4, sentences=2)
    ends = Ends(entries=4, sentences=2)
    assert len(found) > 0.8 * sum(len(step.outputs) for step in trace.steps)
    assert sum(map(len, found.values())) <= MOST
    for (step, place), cells in found.items():
        recorded, kept = values_of(trace.steps[step], place), ends.kept(trace.steps[step].outputs[place].shape)
        assert len({index for index, _ in cells}) == len(cells)
        for index, cell in cells:
            assert all(at in axis for at, axis in list(zip(index, kept, strict=True))[-2:])
            value = float(recorded[index])
            assert cell.reproduces and (cell.value is None or float(cell.value) == pytest.approx(value, abs=1e-12))


@pytest.mark.slow
def test_of_each_token_it_is_the_largest_number_that_is_shown_and_of_no_padding() -> None:
    family = FAMILIES["bert"]
    loaded, given = as_loaded(tiny(family, SEQUENCE_CLASSIFICATION)), batch(family)
    trace = run_forward(loaded, given, keep=Keep(values="full")).trace
    found = opened_cells(loaded, given, trace, ends=4, sentences=2)
    step = next(step for step in trace.steps if step.label == "query projection")
    recorded = values_of(step)
    opened = {index for index, _ in found[step.id, 0]}
    shown = torch.tensor([0, 1, 2, 3, 28, 29, 30, 31])
    for row, real in enumerate((9, 6)):
        for token in [at for at in range(real) if at < 4 or at >= 5]:
            largest = int(shown[recorded[row, token, shown].abs().argmax()])
            assert (row, token, largest) in opened
        assert not [index for index in opened if index[0] == row and index[1] >= real]


def test_a_run_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    family: Any = FAMILIES["bert"]
    loaded, given = as_loaded(tiny(family, SEQUENCE_CLASSIFICATION)), batch(family)
    monkeypatch.setattr(module, "VALUES_LIMIT", 1000)
    with pytest.raises(UsageError, match="too many numbers"):
        opened_cells(loaded, given, run_forward(loaded, given).trace, ends=4, sentences=2)
