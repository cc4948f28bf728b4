"""The neighbours of a step are the links of the trace, seen from one step."""

import pytest

from bert_inspect import Trace
from bert_inspect.dataflow.neighbours import neighbours
from bert_inspect.traces.tree import relaid_from
from bert_inspect.traces.vocabulary import labels


def labels_of(trace: Trace, ids: list[int | None]) -> list[str]:
    return [trace.steps[id_].label for id_ in ids if id_ is not None]


@pytest.mark.parametrize(
    ("label", "received", "used"),
    [
        (labels.ATTENTION_PROBABILITIES, [labels.MASKED_ATTENTION_SCORES], [labels.ATTENTION_DROPOUT]),
        (labels.CONTEXT, [labels.ATTENTION_DROPOUT, labels.VALUE_HEADS], [labels.CONTEXT_PERMUTED]),
        (labels.CONTEXT_PERMUTED, [labels.CONTEXT], [labels.CONTEXT_RESHAPED]),
    ],
)
def test_an_op_has_the_neighbours_that_its_formula_says(
    traced: Trace, label: str, received: list[str], used: list[str]
) -> None:
    step = next(step for step in traced.steps if step.label == label)
    found = neighbours(traced, step)
    assert labels_of(traced, [each.step for each in found.received]) == received
    assert labels_of(traced, [each.step for each in found.used]) == used


def test_a_layer_goes_to_what_uses_it_in_the_next_one(traced: Trace) -> None:
    first = next(step for step in traced.steps if step.label == labels.layer(0))
    found = neighbours(traced, first)
    projections = [labels.QUERY_PROJECTION, labels.KEY_PROJECTION, labels.VALUE_PROJECTION]
    assert labels_of(traced, [each.step for each in found.used]) == [*projections, labels.RESIDUAL_SUM]
    assert all(traced.steps[each.step].layer == 1 for each in found.used)


def test_every_link_of_the_trace_is_seen_from_both_of_its_ends(traced: Trace) -> None:
    steps, relaid = traced.steps, relaid_from(traced.steps)
    parents = {step.parent for step in steps}
    leaves = [step for step in steps if step.id not in parents and step.id not in relaid]
    for step in leaves:
        for each in neighbours(traced, step).received:
            if each.step is not None:
                assert step.id in [use.step for use in neighbours(traced, steps[each.step]).used], (step, each)
