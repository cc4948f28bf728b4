"""Graphviz's text: read back, it is the graph."""

import re

from bert_inspect.dataflow import Dataflow, Node
from bert_inspect.render.diagram.dot import dot

# Graphviz's grammar, as far as we use it: one statement a line, texts in quotes with \\ before what ends them.
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_SETTING = rf"[a-z]+=(?:{_QUOTED}|[\w.]+)"
_SETTINGS = rf"\[(?:{_SETTING}(?:, {_SETTING})*)?\]"
_CLUSTER = re.compile(r"^ *subgraph cluster_([a-z]\d+) \{$")
_VERTEX = re.compile(rf"^ *([a-z]+\d*) {_SETTINGS};$")
_EDGE = re.compile(rf"^  ([a-z]\d+) -> ([a-z]\d+) ({_SETTINGS});$")
_OTHER = re.compile(
    rf"^(?:digraph {_QUOTED} \{{| *{_SETTING}(?:; {_SETTING})*;|  (?:(?:graph|node|edge) {_SETTINGS};? ?)+)$"
)


def test_graphviz_text_is_the_graph(flows: list[Dataflow]) -> None:
    for flow in flows:
        drawn, open_, holds = [], [], {}
        for line in dot(flow, caption='of "a" run\\').splitlines():
            if found := _EDGE.match(line):
                ends = [re.search(rf"{end}=cluster_(\w+)", found[3]) for end in ("ltail", "lhead")]
                drawn.append(tuple(end[1] if end else plain for end, plain in zip(ends, found.groups(), strict=False)))
            elif found := _CLUSTER.match(line):
                open_.append(found[1])
            elif line.strip() == "}":
                open_ = open_[:-1]
            elif found := _OTHER.match(line):
                continue
            elif (found := _VERTEX.match(line)) and found[1] != "legend":
                holds[found[1]] = tuple(open_)
            else:
                assert found, line
        assert sorted(drawn) == sorted((arrow.source, arrow.target) for arrow in flow.arrows)
        assert holds == {node.id: around for node, around in nested(flow.nodes, ()) if not node.children}


def nested(nodes: tuple[Node, ...], around: tuple[str, ...]) -> list[tuple[Node, tuple[str, ...]]]:
    found = []
    for node in nodes:
        found += [(node, around), *nested(node.children, (*around, node.id))]
    return found


def test_hostile_sentences_are_text(flows: list[Dataflow]) -> None:
    for flow in flows[-4:-1]:
        assert not {"\x1b", "\u202e"} & set(dot(flow))
