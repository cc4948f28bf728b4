"""The layout: boxes in their boxes, nothing over anything else, and every arrow from its node to its node."""

from itertools import combinations
from typing import Any

import pytest
from helpers import TEXTS, tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.dataflow import Arrow, Dataflow, Node, dataflow, folded
from bert_inspect.layout import Body, Box, Drawing, Measures, Wire, arrange
from bert_inspect.render.diagram.bodies import Looks
from bert_inspect.traces.lookup import first_call

Rectangle = tuple[float, float, float, float]
CLOSE = 0.6


def body(node: Node) -> Body:
    """Return some size that depends on the node."""
    number = sum(map(ord, node.id))
    if node.kind == "op":
        return Body(width=26, height=26, note=(20 + number % 90, 30), round=True)
    return Body(width=50 + number % 80, height=28, note=(60, 15) if number % 2 else (0, 0))


MEASURES = Measures(body, lambda node: (40 + sum(map(ord, node.id)) % 150, 30))


@st.composite
def flows(draw: st.DrawFn) -> Dataflow:
    """Random nested graphs whose arrows go from earlier to later nodes."""
    counter = iter(range(1000))

    def nodes(depth: int) -> list[Node]:
        found = []
        for _ in range(draw(st.integers(2, 4))):
            id_ = f"n{next(counter)}"
            inside = tuple(nodes(depth - 1)) if depth and draw(st.booleans()) else ()
            kind = "module" if inside else draw(st.sampled_from(["op", "layer"]))
            found.append(Node(id=id_, kind=kind, label=id_, children=inside))
        return found

    top = tuple(nodes(2))
    leaves = [node.id for root in top for node in root.walk() if not node.children]
    pairs = draw(st.sets(st.tuples(st.sampled_from(leaves), st.sampled_from(leaves)), min_size=3, max_size=25))
    order = {id_: place for place, id_ in enumerate(leaves)}
    ways = {(min(pair, key=order.__getitem__), max(pair, key=order.__getitem__)) for pair in pairs}
    into: dict[str, int] = {}
    arrows = []
    for source, target in sorted(ways):
        into[target] = into.get(target, 0) + 1
        if source != target and into[target] <= 3:
            arrows.append(Arrow(source, target, (1,)))
    return Dataflow(title="random", nodes=top, arrows=tuple(arrows))


def rectangle(box: Box) -> Rectangle:
    return box.x, box.y, box.x + box.width, box.y + box.height


def overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] - CLOSE and b[0] < a[2] - CLOSE and a[1] < b[3] - CLOSE and b[1] < a[3] - CLOSE


def inside(a: Rectangle, b: Rectangle) -> bool:
    return b[0] - CLOSE <= a[0] and b[1] - CLOSE <= a[1] and a[2] <= b[2] + CLOSE and a[3] <= b[3] + CLOSE


def check(flow: Dataflow, drawing: Drawing, measures: Measures) -> None:
    boxes = {box.node.id: box for box in drawing.boxes}
    assert set(boxes) == {node.id for node in flow.walk()}
    whole = (0.0, 0.0, drawing.width, drawing.height)
    assert all(inside(rectangle(box), whole) for box in drawing.boxes)
    check_nesting(flow.nodes, boxes)
    check_texts(drawing, measures)
    check_wires(flow, drawing, boxes)


def check_nesting(nodes: tuple[Node, ...], boxes: dict[str, Box]) -> None:
    for a, b in combinations(nodes, 2):
        assert not overlap(rectangle(boxes[a.id]), rectangle(boxes[b.id])), (a.id, b.id)
    for node in nodes:
        for child in node.children:
            assert inside(rectangle(boxes[child.id]), rectangle(boxes[node.id]))
        check_nesting(node.children, boxes)


def check_texts(drawing: Drawing, measures: Measures) -> None:
    """No text lies over a node, over another text, or over a wire."""
    texts: list[Rectangle] = []
    for box in drawing.boxes:
        if box.note is not None:
            wide, high = measures.body(box.node).note
            texts.append((*box.note, box.note[0] + wide, box.note[1] + high))
        if box.title is not None:
            wide, high = measures.title(box.node)
            texts.append((*box.title, box.title[0] + wide, box.title[1] + high))
    leaves = [rectangle(box) for box in drawing.boxes if not box.node.children]
    assert not any(overlap(a, b) for a, b in combinations(texts, 2))
    assert not any(overlap(text, leaf) for text in texts for leaf in leaves)
    assert not any(overlap(text, thin(piece)) for text in texts for piece in pieces(drawing.wires))


def pieces(wires: tuple[Wire, ...]) -> list[Rectangle]:
    return [(*a, *b) for wire in wires for a, b in zip(wire.points, wire.points[1:], strict=False)]


def thin(piece: Rectangle) -> Rectangle:
    """Return a straight piece of wire as a rectangle with some width."""
    (x1, y1), (x2, y2) = sorted([piece[:2], piece[2:]])
    return min(x1, x2) - CLOSE, min(y1, y2) - CLOSE, max(x1, x2) + CLOSE, max(y1, y2) + CLOSE


def touches(point: tuple[float, float], box: Rectangle) -> bool:
    x, y = point
    on_side = min(abs(x - box[0]), abs(x - box[2])) < CLOSE and box[1] - CLOSE <= y <= box[3] + CLOSE
    on_end = min(abs(y - box[1]), abs(y - box[3])) < CLOSE and box[0] - CLOSE <= x <= box[2] + CLOSE
    return on_side or on_end


def check_wires(flow: Dataflow, drawing: Drawing, boxes: dict[str, Box]) -> None:
    """Each tensor's wires hang together, begin at its node, end at each of its targets, and run through no node."""
    wanted: dict[tuple[str, Any], set[str]] = {}
    for arrow in flow.arrows:
        wanted.setdefault((arrow.source, arrow.shape), set()).add(arrow.target)
    drawn: dict[tuple[str, Any], list[Wire]] = {}
    for wire in drawing.wires:
        drawn.setdefault((wire.net.source, wire.net.shape), []).append(wire)
    assert {key: {wire.target for wire in wires} for key, wires in drawn.items()} == wanted
    for (source, _), wires in drawn.items():
        assert any(touches(wire.points[0], rectangle(boxes[source])) for wire in wires)
        for wire in wires:
            assert wire.target is not None and touches(wire.points[-1], rectangle(boxes[wire.target]))
        reached, waiting = [wires[0]], wires[1:]
        while waiting:
            next_ = next(w for w in waiting if any(meet(w.points[0], other) for other in reached))
            waiting.remove(next_)
            reached.append(next_)
    for box in drawing.boxes:
        if not box.node.children:
            x1, y1, x2, y2 = rectangle(box)
            core = (x1 + 2, y1 + 2, x2 - 2, y2 - 2)
            assert not any(overlap(thin(piece), core) for piece in pieces(drawing.wires)), box.node.id


def meet(point: tuple[float, float], wire: Wire) -> bool:
    return any(inside((*point, *point), thin(piece)) for piece in pieces((wire,)))


@pytest.mark.slow
@given(flow=flows(), upwards=st.booleans())
@settings(max_examples=100, deadline=None)
def test_any_graph_is_drawn_without_overlaps(flow: Dataflow, upwards: bool) -> None:
    check(flow, arrange(flow, MEASURES, upwards=upwards), MEASURES)


@pytest.fixture(scope="module")
def traces(tokenizer: Any) -> list[Trace]:
    kinds: list[dict[str, Any]] = [
        {},
        {"attention": "sdpa"},
        {"hidden_act": "gelu_new"},
        {"chunk_size_feed_forward": 3},
    ]
    return [trace(tiny_model(**dict[str, Any](kind)), tokenizer, TEXTS, labels=[1, 0]) for kind in kinds]


@pytest.mark.slow
@pytest.mark.parametrize(("upwards", "fold"), [(True, True), (False, False)])
@pytest.mark.parametrize("depth", [None, 4])
def test_real_graphs_are_drawn_without_overlaps(
    traces: list[Trace], upwards: bool, fold: bool, depth: int | None
) -> None:
    for traced in traces:
        for path in ("", "bert.encoder.layer.0", "bert.encoder.layer.1.attention.self"):
            flow = dataflow(traced, first_call(traced, path), depth=depth)
            flow = folded(flow) if fold else flow
            looks = Looks(flow)
            measures = Measures(looks.body, looks.title)
            check(flow, arrange(flow, measures, upwards=upwards), measures)


def crossings(drawing: Drawing) -> int:
    """Return how often wires of different tensors cross."""
    ways = [(wire.net, piece) for wire in drawing.wires for piece in pieces((wire,))]
    return sum(a is not b and overlap(thin(one), thin(other)) for (a, one), (b, other) in combinations(ways, 2))


@pytest.mark.parametrize("upwards", [True, False])
def test_a_bert_is_drawn_without_a_crossing(traces: list[Trace], upwards: bool) -> None:
    for path in ("bert.embeddings", "bert.encoder.layer.0", "bert", ""):
        flow = folded(dataflow(traces[0], first_call(traces[0], path)))
        looks = Looks(flow)
        assert crossings(arrange(flow, Measures(looks.body, looks.title), upwards=upwards)) == 0


def test_the_way_through_the_model_is_one_straight_line(traces: list[Trace]) -> None:
    flow = folded(dataflow(traces[0], first_call(traces[0], "bert.encoder")))
    looks = Looks(flow)
    boxes = arrange(flow, Measures(looks.body, looks.title), upwards=True).boxes
    line = {"hidden_states", "key projection", "attention scores", "context", "attention output projection"}
    line |= {"residual sum", "layer norm", "intermediate projection", "gelu activation", "output projection"}
    assert len({round(box.axis) for box in boxes if box.node.label in line}) == 1
