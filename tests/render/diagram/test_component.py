"""The picture of a component in one call: as deep as leaves it easy to look at."""

import re
from xml.etree import ElementTree

import pytest

from bert_inspect import Trace
from bert_inspect.render.diagram.component import component_svg, useful_dataflow
from bert_inspect.traces.lookup import first_call
from bert_inspect.traces.vocabulary.labels import ATTENTION, ATTENTION_SCORES


@pytest.mark.parametrize("path", ["", "bert.encoder", "bert.encoder.layer.1", "bert.encoder.layer.0.attention.self"])
def test_a_component_is_drawn_in_one_call(path: str, traced: Trace) -> None:
    step = first_call(traced, path)
    picture = component_svg(traced, step, name="station-3")
    assert set(re.findall(r'id="([^"]+)"', picture)) == {"station-3-title", "station-3-text"}
    assert 'aria-labelledby="station-3-title station-3-text"' in picture
    root = ElementTree.fromstring(picture)
    assert root.tag.endswith("svg") and f'data-step="{step.id}"' in picture
    assert sum(1 for node in useful_dataflow(traced, step).walk() if not node.children) <= 24


def test_a_layer_is_opened_and_what_is_much_in_it_is_closed(traced: Trace) -> None:
    flow = useful_dataflow(traced, first_call(traced, "bert.encoder.layer.0"))
    closed = {node.label for node in flow.walk() if not node.children}
    assert {"self-attention", "intermediate projection", "layer norm"} <= closed
    assert "<svg" in component_svg(traced, first_call(traced, "bert.encoder.layer.0"), depth=0, upwards=False)


def test_steps_can_be_marked(traced: Trace) -> None:
    attention = first_call(traced, "bert.encoder.layer.0.attention.self")
    scores = next(step for step in traced.steps if step.label == ATTENTION_SCORES)
    picture = component_svg(traced, attention, marked={scores.id})
    (marked,) = re.findall(r'<g data-step="(\d+)"><title>[^<]*</title>\n<rect class="shape op marked"', picture)
    assert int(marked) == scores.id and "marked" not in re.sub(
        r"<style>.*</style>", "", component_svg(traced, attention)
    )
    later = next(step for step in reversed(traced.steps) if step.label == ATTENTION)
    whole = component_svg(traced, traced.steps[0], depth=4, marked={later.id})
    assert len(re.findall(r'class="[^"]*marked"', whole)) == 1  # the first of equal layers stands for the last
