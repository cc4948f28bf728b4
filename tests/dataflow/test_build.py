"""The dataflow graph: every arrow is a `from` of the trace, and the arrows are those that the model's code makes."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from families import by_hand
from helpers import TEXTS, find, tiny_model

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.dataflow import Arrow, Dataflow, Node, dataflow, folded, unfolded
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import SEQUENCE_CLASSIFICATION
from bert_inspect.traces.lookup import first_call
from bert_inspect.traces.record import Step

LAYER = "bert.encoder.layer.0"
COMPONENTS = {
    "bert.embeddings": ["input_ids", "token_type_ids"],
    f"{LAYER}.attention.self": ["hidden_states", "attention_mask"],
    f"{LAYER}.attention.output": ["hidden_states", "input_tensor"],
    f"{LAYER}.attention": ["hidden_states", "attention_mask"],
    f"{LAYER}.intermediate": ["hidden_states"],
    f"{LAYER}.output": ["hidden_states", "input_tensor"],
    LAYER: ["hidden_states", "attention_mask"],
    "bert.encoder": ["hidden_states", "attention_mask"],
    "bert.pooler": ["hidden_states"],
    "bert": ["input_ids", "attention_mask", "token_type_ids"],
    "": ["input_ids", "token_type_ids", "attention_mask", "labels"],
}
"""The tutorial's components, and what goes into each."""

KINDS: dict[str, dict[str, Any]] = {
    "eager": {},
    "sdpa": {"attention": "sdpa"},
    "gelu_new": {"hidden_act": "gelu_new"},
    "chunked": {"chunk_size_feed_forward": 3},
    "deep": {"num_hidden_layers": 5},
    "regression": {"num_labels": 1},
}


@pytest.fixture(scope="module", params=KINDS)
def ran(request: pytest.FixtureRequest, tokenizer: Any) -> Trace:
    labels = [0.5, 1.5] if request.param == "regression" else [1, 0]
    return trace(tiny_model(**KINDS[request.param]), tokenizer, TEXTS, labels=labels)


def flow_of(traced: Trace, path: str = "", **how: Any) -> Dataflow:
    return dataflow(traced, first_call(traced, path), **how)


def steps_between(flow: Dataflow, arrows: Iterable[Arrow]) -> set[tuple[int, int]]:
    """Return the arrows from step to step, as numbers."""
    ends = ((arrow.source, arrow.target) for arrow in arrows)
    return {(int(a[1:]), int(b[1:])) for a, b in ends if a[0] == "s" == b[0]}


def stands_for(traced: Trace, shown: set[int]) -> Callable[[int], int]:
    """Return which shown step stands for a step: what it copies, or else the module around it."""

    def of(number: int) -> int:
        step = traced.steps[number]
        if number in shown:
            return number
        if step.kind == "op" and step.parent in shown and len(step.inputs) == 1 and step.inputs[0].from_ is not None:
            source = traced.steps[step.inputs[0].from_]
            if source.label == step.label and source.parent == step.parent:
                return of(source.id)
        assert step.parent is not None
        return of(step.parent)

    return of


def expected(traced: Trace, shown: set[int]) -> set[tuple[int, int]]:
    """Return the arrows by a computation of its own: every `from` of a step without others in it."""
    of = stands_for(traced, shown)
    around = {step.parent for step in traced.steps}
    pairs = {
        (of(tensor.from_), of(step.id))
        for step in traced.steps
        if step.id not in around
        for tensor in step.inputs
        if tensor.from_ is not None and traced.steps[tensor.from_].label != "labels"  # it stands for an input
    }
    return {(source, target) for source, target in pairs if source != target}


def shown_in(flow: Dataflow) -> set[int]:
    return {int(node.id[1:]) for node in flow.walk() if node.id[0] == "s"}


@pytest.mark.parametrize("depth", [None, 1, 3, 5])
def test_the_arrows_are_the_origins_of_the_trace(ran: Trace, depth: int | None) -> None:
    flow = flow_of(ran, depth=depth)
    assert steps_between(flow, flow.arrows) == expected(ran, shown_in(flow))


def test_nothing_is_hidden_but_copies_and_the_inside_of_an_activation(ran: Trace) -> None:
    hidden = {step.id for step in ran.steps} - shown_in(flow_of(ran))
    for step in (ran.steps[number] for number in hidden):
        alone = sum(other.parent == step.parent for other in ran.steps) == 1
        copied = step.type in ("contiguous", "view", "reshape") and len(step.inputs) == 1
        assert step.kind == "op" and (copied or (alone and step.label.endswith("activation")))


@pytest.mark.parametrize("depth", [None, 0, 3, 4])
@pytest.mark.parametrize("path", ["", "bert.encoder"])
def test_a_folded_picture_stands_for_the_unfolded_one(ran: Trace, path: str, depth: int | None) -> None:
    flow = flow_of(ran, path, depth=depth)
    small = folded(flow)
    assert unfolded(small) == set(flow.arrows)
    layers = [node for node in small.walk() if node.links]
    drawn = [node for node in flow.walk() if node.kind != "op" and node.path.rpartition(".")[0] == "bert.encoder.layer"]
    assert [len(layer.copies) for layer in layers] == ([len(drawn)] if drawn else [])
    assert sum(len(node.copies or (node.id,)) for node in small.walk()) == len(list(flow.walk()))


def test_every_end_of_an_arrow_is_drawn_once(ran: Trace, tokenizer: Any) -> None:
    filtered = trace(tiny_model(), tokenizer, TEXTS, layer=1)
    modules = trace(tiny_model(), tokenizer, TEXTS, level="module")
    for traced in (ran, filtered, modules):
        boxes = {step.parent for step in traced.steps}
        for path in {step.path for step in traced.steps if step.id in boxes and step.layer in (None, 1)}:
            for depth in (None, 0, 2):
                flow = folded(flow_of(traced, path, depth=depth))
                ids = [node.id for node in flow.walk()]
                assert len(set(ids)) == len(ids)
                assert {end for arrow in flow.arrows for end in (arrow.source, arrow.target)} <= set(ids)


def test_layers_that_differ_are_not_folded(tokenizer: Any) -> None:
    model = tiny_model(num_hidden_layers=4)
    model.bert.encoder.layer[1].attention.output.dropout.p = 0.3
    flow = flow_of(trace(model, tokenizer, TEXTS))
    small = folded(flow)
    assert unfolded(small) == set(flow.arrows)
    labels = [
        node.label for node in small.walk() if node.path.startswith("bert.encoder.layer.") and node.path.count(".") == 3
    ]
    assert labels == ["layer 0", "layer 1", "layers 2 to 3"]


def sources(traced: Trace, step: Step) -> list[str]:
    return [traced.steps[tensor.from_].label for tensor in step.inputs if tensor.from_ is not None]


def node_of(flow: Dataflow, label: str, path: str | None = None) -> Node:
    return next(node for node in flow.walk() if node.label == label and path in (None, node.path))


def into(flow: Dataflow, node: Node) -> set[str]:
    labels = {other.id: other.label for other in flow.walk()}
    return {labels[arrow.source] for arrow in flow.arrows if arrow.target == node.id}


def test_queries_and_keys_meet_in_the_scores(traced: Trace) -> None:
    flow = flow_of(traced, f"{LAYER}.attention.self")
    assert into(flow, node_of(flow, "attention scores")) == {"query heads", "key transposed"}
    assert into(flow, node_of(flow, "context")) == {"attention dropout", "value heads"}
    for projection in ("query projection", "key projection", "value projection"):
        assert into(flow, node_of(flow, projection)) == {"hidden_states"}
    assert into(flow, node_of(flow, "masked attention scores")) == {"scaled attention scores", "attention_mask"}


def test_residuals_run_around_both_blocks(traced: Trace) -> None:
    flow = flow_of(traced)
    start = {arrow.target: arrow.source for arrow in flow.arrows}
    attention = node_of(flow, "residual sum", f"{LAYER}.attention.output")
    feed_forward = node_of(flow, "residual sum", f"{LAYER}.output")
    goes = {(arrow.source, arrow.target) for arrow in flow.arrows}
    query = node_of(flow, "query projection", f"{LAYER}.attention.self.query")
    assert (start[query.id], attention.id) in goes and into(flow, attention) == {"dropout"}
    intermediate = node_of(flow, "intermediate projection", f"{LAYER}.intermediate.dense")
    assert (start[intermediate.id], feed_forward.id) in goes
    assert into(flow, feed_forward) == {"dropout", "layer norm"}


def test_three_embeddings_meet_in_one_sum_and_dropout_comes_before_the_classifier(traced: Trace) -> None:
    flow = flow_of(traced)
    first = into(flow, node_of(flow, "word + token type embeddings"))
    assert first == {"word embeddings", "token type embeddings"}
    assert into(flow, node_of(flow, "sum of embeddings")) == {"word + token type embeddings", "position embeddings"}
    assert into(flow, node_of(flow, "layer norm", "bert.embeddings.LayerNorm")) == {"sum of embeddings"}
    assert into(flow, node_of(flow, "logits", "classifier")) == {"dropout"}
    assert into(flow, node_of(flow, "dropout", "dropout")) == {"tanh activation"}
    assert into(flow, node_of(flow, "first token [CLS]")) == {"layer norm"}


@pytest.mark.parametrize("path", COMPONENTS)
def test_a_component_gets_what_its_forward_got(traced: Trace, path: str) -> None:
    flow = flow_of(traced, path)
    inputs = [node for node in flow.nodes if node.kind == "input"]
    assert [node.label for node in inputs] == COMPONENTS[path]
    outputs = [node for node in flow.nodes if node.kind == "output"]
    step = first_call(traced, path)
    shapes = {arrow.shape for arrow in flow.arrows for node in outputs if arrow.target == node.id}
    assert shapes and shapes <= {tuple(tensor.shape) for tensor in step.outputs}
    drawn = {(arrow.source, arrow.target) for arrow in flow.arrows}
    assert all(any(source == node.id for source, _ in drawn) for node in inputs)
    assert not {(a, b) for a, b in drawn if a == b}
    for node in flow.walk():
        if node.kind in ("layer", "op"):
            assert node.no_op == find(traced, id=int(node.id[1:])).no_op


def test_the_tokenizer_stands_before_the_whole(traced: Trace) -> None:
    flow = flow_of(traced)
    text, tokenizer = flow.nodes[:2]
    assert text.lines == tuple(TEXTS) and "[CLS]" in tokenizer.lines[0]
    made = {arrow.target for arrow in flow.arrows if arrow.source == tokenizer.id}
    assert {node.label for node in flow.nodes if node.id in made} == {"input_ids", "token_type_ids", "attention_mask"}


def test_older_traces_without_arguments_are_drawn_too(traced: Trace) -> None:
    text = b"".join(traced.json())
    for name in (b"input_ids", b"token_type_ids", b"attention_mask", b"labels"):
        text = text.replace(b',"argument":"' + name + b'"', b"")
    flow = flow_of(Trace.from_json(text), "bert.embeddings")
    received = [node.label for node in flow.walk() if node.kind in ("input", "parameter")]
    assert sorted(received) == ["not recorded", "not recorded", "position_ids"]  # two inputs of one shape: none guessed


def test_a_mask_that_is_not_needed_makes_nothing(tokenizer: Any) -> None:
    flow = flow_of(trace(tiny_model(), tokenizer, "I love cats!"), "bert")
    mask = node_of(flow, "attention mask")
    assert mask.lines == ("none",) and mask.id not in {arrow.source for arrow in flow.arrows}
    assert into(flow, mask) == {"attention_mask"}


def test_what_comes_in_is_told_by_the_component_that_made_it(ran: Trace) -> None:
    told = {
        "bert.encoder.layer.0.attention.self": {"embeddings"},
        "bert.encoder.layer.1": {"layer 0"},
        "bert.encoder.layer.0.output": {"attention", "intermediate"},
        "bert.pooler": {"encoder"},
    }
    if ran.model.config["chunk_size_feed_forward"]:
        told["bert.encoder.layer.0.output"] = {"split into chunks", "intermediate"}
    for path, wanted in told.items():
        given = {node.type for node in flow_of(ran, path).nodes if node.kind == "input"}
        assert given - {"attention mask"} == wanted


def test_a_closed_module_tells_how_many_layers_it_holds(ran: Trace) -> None:
    count = ran.model.config["num_hidden_layers"]
    for depth, label in ((1, "BERT"), (2, "encoder")):
        told = {node.label: node.lines for node in flow_of(ran, depth=depth).walk() if not node.children}
        assert told[label] == (f"{count} layers",)
    assert all(node.lines == () for node in flow_of(ran, LAYER).walk())


@pytest.mark.parametrize("name", FAMILIES)
def test_every_arrow_of_every_module_has_its_ends(name: str) -> None:
    family_trace = by_hand.traced(name, SEQUENCE_CLASSIFICATION)
    for step in {(step.role, step.type): step for step in family_trace.steps if step.kind == "module"}.values():
        for depth in (0, 1, None):
            flow = dataflow(family_trace, step, depth=depth)
            drawn = {node.id for node in flow.walk()}
            assert {end for arrow in flow.arrows for end in (arrow.source, arrow.target)} <= drawn, step.path
