"""The SVG: a document of its own that says in words what it shows."""

import re
import subprocess
import sys
from typing import Any
from xml.etree import ElementTree

import pytest
from msgspec import structs

from bert_inspect import Trace
from bert_inspect.dataflow import Dataflow, Node, dataflow
from bert_inspect.render.diagram.svg import svg
from bert_inspect.render.diagram.words import caption, label_of, operation, shape_text
from bert_inspect.traces.lookup import first_call
from bert_inspect.traces.vocabulary.labels import SCALED_ATTENTION_SCORES

SVG = "{http://www.w3.org/2000/svg}"


def leaves(flow: Dataflow) -> list[Node]:
    return [node for node in flow.walk() if not node.children]


@pytest.mark.slow
@pytest.mark.parametrize("upwards", [True, False])
def test_the_svg_is_a_whole_document_that_says_what_it_shows(flows: list[Dataflow], upwards: bool) -> None:
    for flow in flows:
        text = svg(flow, upwards=upwards, caption="of a <run>")
        root = ElementTree.fromstring(text)
        assert root.tag == f"{SVG}svg" and root.find(f"{SVG}title") is not None
        named = root.attrib["aria-labelledby"].split()
        assert [element.attrib["id"] for element in (root[0], root[1])] == named
        description = root.findtext(f"{SVG}desc") or ""
        assert all(
            label_of(node) in description
            for node in flow.walk()
            if label_of(node) and any(a.target == node.id for a in flow.arrows)
        )
        pills = [each for each in root.iter(f"{SVG}rect") if each.get("class") == "shape op" and each.get("rx") == "12"]
        small = [node for node in leaves(flow) if node.kind == "op" and len(into(flow, node)) <= 3]
        assert len(pills) == len(small)
        shown = [element.text for element in root.iter(f"{SVG}text")]
        assert all(label_of(node) in shown for node in flow.walk() if node.label)
        assert all(shape_text(arrow.shape) in shown for arrow in flow.arrows if arrow.shape is not None)
        assert "prefers-color-scheme:dark" in text and not re.search(r"(?:href|src|url\(|@import)", text)


def into(flow: Dataflow, node: Node) -> set[tuple[str, Any]]:
    return {(arrow.source, arrow.shape) for arrow in flow.arrows if arrow.target == node.id}


def test_the_direction_decides_where_the_sentences_stand(flows: list[Dataflow]) -> None:
    for upwards in (True, False):
        text = svg(flows[1], upwards=upwards)
        first, last = text.index(">I love cats!<"), text.index(">logits<")
        heights = [float(re.findall(r'y="([\d.]+)"', text[:at])[-1]) for at in (first, last)]
        assert (heights[0] > heights[1]) == upwards


def test_hostile_sentences_are_text(flows: list[Dataflow]) -> None:
    for flow in flows[-4:-1]:
        text = svg(flow)
        assert not {"\x1b", "\u202e"} & set(text) and "<script" not in text
    assert "&lt;script&gt;" in svg(flows[-3])


def test_every_op_is_named_by_what_it_does(flows: list[Dataflow]) -> None:
    for flow in flows:
        shown = [element.text for element in ElementTree.fromstring(svg(flow)).iter(f"{SVG}text")]
        assert all(operation(node) in shown for node in leaves(flow) if node.kind == "op")
    shown = [element.text for element in ElementTree.fromstring(svg(flows[5])).iter(f"{SVG}text")]
    assert {"matmul", "/ sqrt(8)", "+", "softmax", "transpose"} <= set(shown)


def test_a_factor_is_a_root_only_where_it_is_that_of_the_head_size(traced: Trace) -> None:
    scaled = next(step for step in traced.steps if step.label == SCALED_ATTENTION_SCORES)
    assert float(scaled.arguments) == 8**-0.5
    for arguments, wanted in (("0.5", "× 0.5"), ("0.35", "× 0.35"), (scaled.arguments, "/ sqrt(8)")):
        steps = list(traced.steps)
        steps[scaled.id] = structs.replace(scaled, arguments=arguments)
        changed = structs.replace(traced, steps=steps)
        flow = dataflow(changed, first_call(changed, "bert.encoder.layer.0.attention.self"))
        (node,) = (node for node in flow.walk() if node.label == SCALED_ATTENTION_SCORES)
        assert operation(node) == wanted


def test_the_caption_tells_of_which_run_it_is(traced: Trace) -> None:
    flow = dataflow(traced, first_call(traced, "bert.pooler"))
    assert caption(flow, traced).endswith("bert.pooler: one run of 2 sentences padded to 9 tokens, eager attention")


def test_the_same_run_gives_the_same_bytes(traced: Trace) -> None:
    code = (
        "import sys; from bert_inspect import Trace; from bert_inspect.dataflow import dataflow;"
        "from bert_inspect.render.diagram.svg import svg; t = Trace.from_json(sys.stdin.buffer.read());"
        "print(svg(dataflow(t, t.steps[0])))"
    )
    text = b"".join(traced.json())
    runs = [
        subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, check=True).stdout for _ in "ab"
    ]
    assert runs[0] == runs[1] and len(runs[0]) > 10_000
