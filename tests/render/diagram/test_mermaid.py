"""Mermaid's text: read back, it is the graph."""

import re

from bert_inspect.dataflow import Dataflow, Node
from bert_inspect.render.diagram.mermaid import mermaid

# Mermaid's grammar of flowcharts, as far as we use it: one statement a line, texts in quotes without quotes in them.
_TEXT = r'"[^"`<>|\\{}]*(?:<br/>[^"`<>|\\{}]*)*"'
_NODE = re.compile(rf"^ *([a-z]\d+)(?:\(\[{_TEXT}\]\)|\[{_TEXT}\]):::[a-z]+$")
_BOX = re.compile(rf"^ *subgraph ([a-z]\d+)\[{_TEXT}\]$")
_ARROW = re.compile(rf"^ *([a-z]\d+) (?:-- {_TEXT} )?--> ([a-z]\d+)$")
_REST = re.compile(
    r"^(?:%% .*|flowchart (?:BT|TB)|  classDef [a-z]+ [\w:#,]+(?:-width:\d)?[\w:#,]*|  class [a-z0-9,]+ [a-z]+)$"
)


def test_mermaid_text_is_the_graph(flows: list[Dataflow]) -> None:
    for flow in flows:
        drawn, open_, holds = [], [], {}
        for line in mermaid(flow, caption="of a run").splitlines():
            if found := _ARROW.match(line):
                drawn.append(found.groups())
            elif found := _BOX.match(line):
                open_.append(found[1])
            elif line.strip() == "end":
                open_.pop()
            elif found := _NODE.match(line):
                holds[found[1]] = tuple(open_)
            else:
                assert _REST.match(line), line
        assert not open_
        assert sorted(drawn) == sorted((arrow.source, arrow.target) for arrow in flow.arrows)
        assert holds == {node.id: around for node, around in nested(flow.nodes, ()) if not node.children}


def nested(nodes: tuple[Node, ...], around: tuple[str, ...]) -> list[tuple[Node, tuple[str, ...]]]:
    found = []
    for node in nodes:
        found += [(node, around), *nested(node.children, (*around, node.id))]
    return found


def test_hostile_sentences_are_text(flows: list[Dataflow]) -> None:
    for flow in flows[-4:-1]:
        assert not {"\x1b", "\u202e"} & set(mermaid(flow))
