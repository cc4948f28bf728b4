"""ALBERT's labels are true, and its layers are the calls of the modules that it calls again and again."""

import math
from typing import Any

import pytest
import torch
from families.by_hand import check_attention, linear, normed, scores_of, steps, traced, value
from families.tiny import arguments, as_loaded, batch, tiny
from helpers import values_of

from bert_inspect.analysis.attention import attentions
from bert_inspect.capture.attention_spec import attention_spec
from bert_inspect.capture.forward import run_for_traces, run_forward
from bert_inspect.capture.keep import Keep
from bert_inspect.dataflow import dataflow, folded, unfolded
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import NO_HEAD, SENTENCE_ORDER, SEQUENCE_CLASSIFICATION
from bert_inspect.traces.record import Trace
from bert_inspect.traces.selection import Selection
from bert_inspect.traces.tree import outline

ALBERT = FAMILIES["albert"]
GROUPS: list[dict[str, int]] = [
    {"num_hidden_layers": 5},
    {"num_hidden_layers": 4, "num_hidden_groups": 2},
    {"num_hidden_layers": 2, "inner_group_num": 2},
    {"num_hidden_layers": 5, "num_hidden_groups": 3, "inner_group_num": 2},
]
"""One layer for all, two groups of one, one group of two, and three groups of two that are not called equally often."""


@pytest.mark.parametrize("padding", ["right", "left"])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_attention_follows_from_queries_keys_and_values(attention: str, padding: str) -> None:
    trace = traced("albert", SEQUENCE_CLASSIFICATION, attention=attention, padding=padding)
    for layer in range(3):
        check_attention(trace, layer, scores_of(trace, layer))


def test_embeddings_are_narrow_until_they_are_projected() -> None:
    trace, model = traced("albert", SEQUENCE_CLASSIFICATION), tiny(ALBERT, SEQUENCE_CLASSIFICATION)
    inside, given = model.albert.embeddings, trace.input
    summed = (
        inside.word_embeddings.weight[torch.tensor(given.input_ids)]
        + inside.token_type_embeddings.weight[torch.tensor(given.token_type_ids)]
        + inside.position_embeddings.weight[:9]
    )
    torch.testing.assert_close(value(trace, "sum of embeddings"), summed)
    (step,) = steps(trace, "sum of embeddings")
    assert step.outputs[0].axes == ["batch", "tokens", "embedding"] and step.outputs[0].shape == [2, 9, 16]
    wide = linear(model, "albert.encoder.embedding_hidden_mapping_in", normed(inside.LayerNorm, summed))
    torch.testing.assert_close(value(trace, "embedding projection"), wide)
    (step,) = steps(trace, "embedding projection")
    assert step.outputs[0].axes == ["batch", "tokens", "hidden"] and step.known_as == ["hidden_states[0]"]


def gelu_new(x: torch.Tensor) -> torch.Tensor:
    """The approximation of GELU by tanh (Hendrycks and Gimpel, 2016)."""
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def test_every_call_of_the_layer_is_computed_by_the_same_weights() -> None:
    trace, model = traced("albert", SEQUENCE_CLASSIFICATION), tiny(ALBERT, SEQUENCE_CLASSIFICATION)
    path = "albert.encoder.albert_layer_groups.0.albert_layers.0"
    block, hidden = model.get_submodule(path), value(trace, "embedding projection")
    for layer in range(3):
        attended, fed = steps(trace, "residual sum", layer)
        assert (attended.part, fed.part, fed.path, fed.call) == ("attention", "feed-forward", path, layer)
        summed = hidden + value(trace, "attention output projection", layer)
        torch.testing.assert_close(value(trace, "residual sum", layer, place=0), summed)
        middle = normed(block.attention.LayerNorm, summed)
        wide = gelu_new(linear(model, f"{path}.ffn", middle))
        torch.testing.assert_close(value(trace, "gelu_new activation", layer), wide)
        hidden = normed(block.full_layer_layer_norm, middle + linear(model, f"{path}.ffn_output", wide))
        torch.testing.assert_close(value(trace, "layer norm", layer), hidden)


def test_the_heads_of_pre_training() -> None:
    trace, model = traced("albert", SENTENCE_ORDER), tiny(ALBERT, SENTENCE_ORDER)
    last = value(trace, "layer norm", 2)
    pooled = linear(model, "albert.pooler", last[:, 0]).tanh()
    torch.testing.assert_close(value(trace, "tanh activation"), pooled)
    torch.testing.assert_close(
        value(trace, "sentence order logits"), linear(model, "sop_classifier.classifier", pooled)
    )
    narrow = normed(model.predictions.LayerNorm, gelu_new(linear(model, "predictions.dense", last)))
    words = model.albert.embeddings.word_embeddings.weight
    torch.testing.assert_close(value(trace, "token logits"), narrow @ words.T + model.predictions.bias)
    assert steps(trace, "transform projection")[0].outputs[0].axes == ["batch", "tokens", "embedding"]
    parts = {step.path: step.part for step in trace.steps if step.kind == "module"}
    assert parts["albert.pooler"] == parts["albert.pooler_activation"] == "pooler"
    assert parts["predictions.dense"] == parts["sop_classifier.classifier"] == "head"


def grouped(**changes: int) -> tuple[Any, Trace]:
    model = tiny(ALBERT, NO_HEAD, **changes)
    return model, run_forward(as_loaded(model), batch(ALBERT), keep=Keep(values="full"))[0]


@pytest.mark.parametrize("changes", GROUPS, ids=str)
def test_layers_are_counted_as_transformers_returns_them(changes: dict[str, int]) -> None:
    model, trace = grouped(**changes)
    given = arguments(ALBERT, NO_HEAD, batch(ALBERT))
    with torch.inference_mode():
        plain = model(**given, output_hidden_states=True, output_attentions=True)
    count = len(plain.attentions)
    assert trace.model.sizes.layers == count == len(plain.hidden_states) - 1
    layers = [step for step in trace.steps if step.label == f"layer {step.layer}"]
    assert [step.layer for step in layers] == list(range(count))
    for step in layers:
        assert f"hidden_states[{(step.layer or 0) + 1}]" in step.known_as
        assert torch.equal(values_of(step), plain.hidden_states[(step.layer or 0) + 1])
        probabilities = value(trace, "attention probabilities", step.layer)
        assert torch.equal(probabilities, plain.attentions[step.layer])
    # Which module a layer is follows from the configuration: groups in turn, in each group its layers in turn.
    config = model.config
    places = [
        (int(turn / (config.num_hidden_layers / config.num_hidden_groups)), inner)
        for turn in range(config.num_hidden_layers)
        for inner in range(config.inner_group_num)
    ]
    assert [step.path for step in layers] == [
        f"encoder.albert_layer_groups.{group}.albert_layers.{inner}" for group, inner in places
    ]


def test_no_path_names_a_layer() -> None:
    path = "albert.encoder.albert_layer_groups.0.albert_layers.0.ffn"
    assert ALBERT.layer_in_path(path) is None and ALBERT.layers_of(path, 12) == list(range(12))
    assert ALBERT.layers_of("albert.pooler", 12) == [None]


@pytest.mark.parametrize("changes", GROUPS, ids=str)
def test_a_layer_is_selected_by_its_number(changes: dict[str, int]) -> None:
    model = tiny(ALBERT, NO_HEAD, **changes)
    trace = run_forward(
        as_loaded(model), batch(ALBERT), selection=Selection.parse(layer="3"), keep=Keep(values="full")
    )[0]
    kept = [step for step in trace.steps if step.outputs and step.outputs[0].values is not None]
    assert kept and {step.layer for step in kept} == {3}


@pytest.mark.slow
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("changes", GROUPS, ids=str)
def test_attention_of_one_layer_is_kept_alone(changes: dict[str, int], attention: str) -> None:
    loaded = as_loaded(tiny(ALBERT, NO_HEAD, attention=attention, **changes))
    ((trace, _),) = run_for_traces(loaded, batch(ALBERT), [attention_spec(loaded, [2])], verify=False)
    (found,) = attentions(trace)
    assert found.layer == 2
    expected = value(traced("albert", NO_HEAD, **changes), "attention probabilities", 2)
    torch.testing.assert_close(torch.tensor(found.probabilities).float(), expected)


@pytest.mark.parametrize("changes", GROUPS, ids=str)
def test_the_tree_and_the_diagram_fold_its_layers_whatever_groups_they_are_in(changes: dict[str, int]) -> None:
    trace = grouped(**changes)[1]
    count = trace.model.sizes.layers
    (model,) = outline(trace.steps, fold=True)
    encoder = next(node for node in model.walk() if node.step.label == "encoder")
    (layers,) = [node for node in encoder.children if node.step.layer is not None]
    assert [node.step.layer for node in layers.folded] == list(range(count or 0))
    # Unfolded, every step has its row.
    assert sum(1 + len(node.relaid) for root in outline(trace.steps) for node in root.walk()) == len(trace.steps)
    flow = dataflow(trace, trace.steps[0])
    drawn = folded(flow)
    assert unfolded(drawn) == set(flow.arrows)
    assert [node.label for node in drawn.walk() if node.layer is not None] == [f"layers 0 to {(count or 0) - 1}"]
