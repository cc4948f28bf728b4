"""The matrix that is shown of a tensor: every step of every family, each number in its place and under its name."""

import math
import random
from array import array

import pytest
from families.tiny import as_loaded, batch, tiny

from bert_inspect import Trace
from bert_inspect.capture.forward import run_forward
from bert_inspect.capture.keep import Keep
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import MULTIPLE_CHOICE, SEQUENCE_CLASSIFICATION
from bert_inspect.traces.record import TensorOut
from bert_inspect.traces.values import Values, masked_below
from bert_inspect.traces.vocabulary import labels
from bert_inspect.tui.tabs.slices import HEADS, SENTENCES, Chosen, Slice

ALL = [*((name, SEQUENCE_CLASSIFICATION) for name in FAMILIES if name != "mpnet"), ("bert", MULTIPLE_CHOICE)]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "head"), ALL, ids=[f"{name}-{head.task}" for name, head in ALL])
def test_every_output_of_every_step(name: str, head: object) -> None:
    family = FAMILIES[name]
    trace = run_forward(as_loaded(tiny(family, head)), batch(family), keep=Keep(values="full"))[0]  # type: ignore[arg-type]
    draw = random.Random(3)
    for step in trace.steps:
        for output in step.outputs:
            chosen = Chosen(
                places={SENTENCES: draw.randrange(2), HEADS: draw.randrange(4)}, padding=draw.random() < 0.5
            )
            shown = Slice(trace, output, chosen)
            if 0 in output.shape:
                assert shown.empty
                continue
            numbers = [
                [shown.number(row, column) for column in range(len(shown.columns))] for row in range(len(shown.rows))
            ]
            for row, column in ((0, 0), (len(shown.rows) - 1, len(shown.columns) - 1)):
                index = shown.index(row, column)
                assert len(index) == len(output.shape)
                assert output.values is not None and numbers[row][column] == output.values.at(*index)
                assert shown.row_name(row) or len(output.shape) < 2
                assert shown.column_name(column) or not output.shape
            below = masked_below(step.label, output.dtype)
            seen = [abs(float(one)) for line in numbers for one in line if math.isfinite(one)]
            seen = [one for one in seen if below is None or one < -below]
            assert shown.largest(step.label) == max(seen, default=0.0)
            assert not seen or abs(shown.number(*shown.peak(step.label))) == max(seen)
            assert all(0 <= lead.at < lead.size and shown.lead_name(lead) for lead in shown.leads)


def test_sentences_and_heads_on_one_axis_are_chosen_apart() -> None:
    family = FAMILIES["deberta-v2"]
    trace = run_forward(as_loaded(tiny(family, SEQUENCE_CLASSIFICATION)), batch(family), keep=Keep(values="full"))[0]
    step = next(step for step in trace.steps if step.outputs and "batch and heads" in (step.outputs[0].axes or ()))
    shown = Slice(trace, step.outputs[0], Chosen(places={SENTENCES: 1, HEADS: 2}))
    assert [shown.lead_name(lead) for lead in shown.leads] == ["sentence 2 of 2", "head 2 of 4"]
    assert shown.index(0, 0)[0] == 4 + 2


def test_padding_is_left_out_and_counted_unless_it_is_asked_for(traced: Trace) -> None:
    step = next(step for step in traced.steps if step.label == labels.ATTENTION_PROBABILITIES)
    real, length = sum(traced.input.attention_mask[0]), len(traced.input.tokens[0])
    shown = Slice(traced, step.outputs[0], Chosen())
    assert len(shown.rows) == len(shown.columns) == real and shown.hidden == length - real
    assert shown.row_name(0) == "[CLS]"
    whole = Slice(traced, step.outputs[0], Chosen(padding=True))
    assert len(whole.rows) == length and whole.hidden == 0


def test_a_choice_goes_round(traced: Trace) -> None:
    step = next(step for step in traced.steps if step.label == labels.ATTENTION_PROBABILITIES)
    chosen = Chosen()
    for expected in (1, 2, 3, 0):
        lead = next(lead for lead in Slice(traced, step.outputs[0], chosen).leads if lead.axis == HEADS)
        chosen = chosen.moved(lead, 1)
        assert chosen.places[HEADS] == expected


def test_columns_of_several_sentences_bear_no_token_of_one_of_them(traced: Trace) -> None:
    output = TensorOut(
        name="output",
        shape=[2, 3],
        dtype="float32",
        axes=["batch", "tokens"],
        values=Values(memoryview(array("d", [1, 2, 3, 4, 5, 6])), [2, 3]),
    )
    shown = Slice(traced, output, Chosen())
    assert [shown.row_name(0), shown.row_name(1), shown.column_name(1)] == ["sentence 1", "sentence 2", "token 1"]
    assert (shown.number(1, 2), shown.peak("")) == (6, (1, 2))
