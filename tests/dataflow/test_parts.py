"""A dataflow in two parts holds what the whole held: no arrow is lost, and none is new."""

from typing import Any

import pytest

from bert_inspect import Trace
from bert_inspect.dataflow import Arrow, Dataflow, dataflow, folded, parted
from bert_inspect.traces.lookup import first_call


@pytest.fixture(scope="module")
def flow(traced: Trace) -> Dataflow:
    return folded(dataflow(traced, first_call(traced, "")))


def modules(flow: Dataflow) -> list[str]:
    return [node.id for node in flow.walk() if node.children]


def ends(arrows: Any, outside: set[str]) -> list[tuple[str, str, Any]]:
    """Arrows as from where to where, with nothing said of what is outside."""
    return sorted(
        ("" if a.source in outside else a.source, "" if a.target in outside else a.target, a.shape) for a in arrows
    )


def test_every_arrow_is_in_one_of_the_parts(flow: Dataflow) -> None:
    for id_ in modules(flow):
        rest, alone = parted(flow, id_, told="elsewhere")
        module = next(node for node in flow.walk() if node.id == id_)
        inner = {node.id for node in module.walk()}
        outside = {node.id for node in flow.walk()} - inner
        own = {node.id for node in alone.nodes} - {id_}
        touching = {arrow for arrow in flow.arrows if {arrow.source, arrow.target} & inner}
        leaving = {(a.source, a.shape) for a in touching if a.target in outside}
        inward = [arrow for arrow in touching if arrow.target in inner]
        assert ends((a for a in alone.arrows if a.target not in own), own) == ends(inward, outside)
        assert {(a.source, a.shape) for a in alone.arrows if a.target in own} == leaving
        closed = {
            Arrow(*(id_ if end in inner else end for end in (a.source, a.target)), a.shape)
            for a in flow.arrows
            if not {a.source, a.target} <= inner
        }
        assert set(rest.arrows) == closed


def test_a_part_names_what_stands_around_it(flow: Dataflow) -> None:
    (layers,) = (node for node in flow.walk() if node.links)
    rest, alone = parted(flow, layers.id, told="elsewhere")
    given = {node.label: node.lines for node in alone.nodes if node.kind == "input"}
    assert given == {"embeddings": ("then the layer before",), "attention mask": ()}
    (result,) = (node for node in alone.nodes if node.kind == "output")
    assert (result.label, result.lines) == ("pooler", ("after the last layer",))
    (closed,) = (node for node in rest.walk() if node.id == layers.id)
    assert not closed.children and closed.lines == ("elsewhere",) and closed.links == layers.links
    attention = next(node for node in alone.walk() if node.label == "self-attention")
    again = parted(alone, attention.id, told="")[1]
    assert [node.lines for node in again.nodes if node.label == "embeddings"] == [("then the layer before",)]
