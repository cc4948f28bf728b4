"""The tour of every family with every head: what stands at its stations is what another run of the model holds."""

from typing import Any

import numpy as np
import pytest
import torch
from families.tiny import VARIANTS, arguments, as_loaded, batch, tiny

from bert_inspect.analysis.cell import Runs
from bert_inspect.capture.forward import run_forward
from bert_inspect.capture.keep import Keep
from bert_inspect.families import FAMILIES, Family
from bert_inspect.families.heads import SEQUENCE_CLASSIFICATION, Head
from bert_inspect.source_view.sourcefile import find_file
from bert_inspect.stations.names import NAMES
from bert_inspect.stations.walk import Walk, walk
from bert_inspect.traces.record import Trace

pytestmark = pytest.mark.slow

CASES = [(family, head, {}, "eager") for family in FAMILIES.values() for head in family.heads]
CASES += [(family, SEQUENCE_CLASSIFICATION, {}, "sdpa") for family in FAMILIES.values() if "sdpa" in family.attentions]
CASES += [(FAMILIES[name], head, changes, "eager") for name, head, changes in VARIANTS]


def toured(family: Family, head: Head, changes: dict[str, Any], attention: str, *, row: int = 0) -> tuple[Walk, Any]:
    model = tiny(family, head, attention=attention, **changes)
    return walk(Runs(as_loaded(model), batch(family)), row=row), model


@pytest.mark.parametrize(
    ("family", "head", "changes", "attention"),
    CASES,
    ids=lambda each: getattr(each, "model_type", getattr(each, "task", str(each))),
)
def test_all_that_a_station_shows_is_in_a_run_of_its_own(
    family: Family, head: Head, changes: dict[str, Any], attention: str
) -> None:
    tour, model = toured(family, head, changes, attention, row=1)
    ran = run_forward(as_loaded(model), batch(family), keep=Keep(values="full")).trace
    names = [stop.station.name for stop in tour.stops]
    assert len(names) == len(set(names)) and set(names) <= set(NAMES) and len(names) >= 23
    hidden = {name for name in names if name in ("attention-scores", "attention-probabilities", "context")}
    assert hidden == (set() if attention == "sdpa" else {"attention-scores", "attention-probabilities", "context"})
    for stop in tour.stops:
        assert stop.station.question.endswith("?") and 2 <= len(stop.station.text) <= 4
        assert all(sentence.endswith(".") for sentence in stop.station.text)
        for shown in stop.excerpts:
            check_numbers(ran, tour, shown)
        for statement in stop.code:
            check_lines(ran, statement)
        asked = stop.station.told is not None or stop.station.probability
        assert (stop.cell is not None) == asked, (stop.station.name, stop.no_cell)
        assert stop.cell is None or stop.cell.reproduces


def check_numbers(ran: Trace, tour: Walk, shown: Any) -> None:
    """Whether every number of a matrix is among those of the step, and the marked one where it says."""
    step = ran.steps[shown.step]
    output = next(each for each in step.outputs if (each.label or step.label) == shown.label)
    assert output.values is not None and tuple(output.shape) == shown.shape
    held = np.array(output.values.flat, dtype=np.float64)
    assert shown.numbers is not None and len(shown.numbers) == len(shown.rows)
    numbers = np.array(shown.numbers, dtype=np.float64)
    assert numbers.shape == (len(shown.rows), len(shown.columns)) and np.isin(numbers, held).all()
    real = sum(tour.trace.input.attention_mask[tour.row])
    if shown.row_axis in ("token", "query token"):
        assert len(shown.rows) == real  # padding is not shown
    last = output.shape[-1]
    columns = real if shown.column_axis.endswith("token") and shown.hidden_below is None else last
    assert len(shown.columns) + shown.more_columns == columns


def check_lines(ran: Trace, statement: Any) -> None:
    """Whether a statement is in the file that ran, and holds a line that the trace recorded."""
    recorded = {
        step.source.line: step.source.code
        for step in ran.steps
        if step.source is not None and step.source.file == statement.file
    }
    file = find_file(statement.file, recorded)
    assert file is not None
    lines = [line.strip() for line in file.lines[statement.line - 1 : statement.line - 1 + len(statement.lines)]]
    assert lines == [line.strip() for line in statement.lines]
    assert set(lines) & {code for line, code in recorded.items() if 0 <= line - statement.line < len(lines)}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.model_type)
def test_how_far_layers_move_the_tokens_is_what_plain_transformers_says(family: Family) -> None:
    tour, model = toured(family, SEQUENCE_CLASSIFICATION, {}, "eager")
    given = batch(family)
    with torch.no_grad():
        states = model(**arguments(family, SEQUENCE_CLASSIFICATION, given), output_hidden_states=True).hidden_states
    (table,) = tour.stops[tour.place("all-layers")].station.tables
    real = [place for place, seen in enumerate(given.attention_mask[0]) if seen]
    assert len(table.rows) == len(states) - 1
    for (layer, mean, most), before, after in zip(table.rows, states, states[1:], strict=False):
        old, new = before[0, real].double(), after[0, real].double()
        moved = (new - old).norm(dim=1) / old.norm(dim=1)
        token, share = most.split()
        assert float(mean) == pytest.approx(float(moved.mean()), rel=0.05, abs=0.005), layer
        assert token == given.tokens[0][real[int(moved.argmax())]]
        assert float(share) == pytest.approx(float(moved.max()), rel=0.05, abs=0.005)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.model_type)
def test_a_mask_has_a_station_only_where_something_is_masked(family: Family) -> None:
    model = as_loaded(tiny(family, SEQUENCE_CLASSIFICATION))
    assert "mask" in stations_of(walk(Runs(model, batch(family))))
    whole = batch(family)
    full = type(whole)(
        **{
            name: [value[0]] if isinstance(value := getattr(whole, name), list) and value else value
            for name in whole.__struct_fields__
        }
    )
    assert not any(0 in seen for seen in full.attention_mask)
    assert "mask" not in stations_of(walk(Runs(model, full)))


def stations_of(tour: Walk) -> list[str]:
    return [stop.station.name for stop in tour.stops]
