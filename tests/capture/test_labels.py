"""The contract's table of labels, over attentions, batch sizes, activations and chunking."""

from typing import Any

import pytest
from helpers import TEXTS, find, tiny_model

from bert_inspect import Trace
from bert_inspect.api import trace

HEADS = [f"{role} {what}" for role in ("query", "key", "value") for what in ("projection", "split into heads", "heads")]
SCORES = ["key transposed", "attention scores", "scaled attention scores"]
CONTEXT = ["context permuted", "context reshaped"]
CONTRACT = {
    "bert.embeddings": [
        "position ids",
        "word embeddings",
        "token type embeddings",
        "word + token type embeddings",
        "position embeddings",
        "sum of embeddings",
        "layer norm",
        "dropout",
    ],
    "attention.self": [
        *HEADS,
        *SCORES,
        "masked attention scores",
        "attention probabilities",
        "attention dropout",
        "context",
        *CONTEXT,
    ],
    "attention.output": ["attention output projection", "dropout", "residual sum", "layer norm"],
    "intermediate": ["intermediate projection", "gelu activation"],
    "output": ["output projection", "dropout", "residual sum", "layer norm"],
    "bert.pooler": ["first token [CLS]", "pooler projection", "tanh activation"],
}


def labels_inside(traced: Trace, path: str) -> list[str]:
    module = find(traced, path=path, kind="module")
    return list(dict.fromkeys(step.label for step in traced.steps if step.parent == module.id))


@pytest.mark.parametrize("where", CONTRACT)
def test_the_labels_stand_in_the_order_of_the_contract(traced: Trace, where: str) -> None:
    paths = [where] if where.startswith("bert") else [f"bert.encoder.layer.{i}.{where}" for i in range(2)]
    for path in paths:
        assert labels_inside(traced, path) == CONTRACT[where]


def test_without_padding_nothing_is_masked(model: Any, tokenizer: Any) -> None:
    traced = trace(model, tokenizer, TEXTS[0])
    labels = labels_inside(traced, "bert.encoder.layer.0.attention.self")
    assert labels == [label for label in CONTRACT["attention.self"] if label != "masked attention scores"]
    mask = find(traced, label="attention mask")
    assert mask.outputs == [] and [tensor.name for tensor in mask.inputs] == ["attention_mask"]


def test_the_mask_is_one_step_that_feeds_every_layer(traced: Trace) -> None:
    masks = [step for step in traced.steps if step.label == "attention mask"]
    assert len(masks) == 1
    assert masks[0].path == "bert" and masks[0].type == "create_bidirectional_mask"
    assert masks[0].outputs[0].shape == [2, 1, 9, 9]
    added = [step for step in traced.steps if step.label == "masked attention scores"]
    assert len(added) == 2 and all(step.inputs[1].from_ == masks[0].id for step in added)


@pytest.mark.parametrize("texts", [TEXTS, TEXTS[0]], ids=["padded", "alone"])
def test_sdpa_is_one_fused_step(tokenizer: Any, texts: Any) -> None:
    traced = trace(tiny_model(attention="sdpa"), tokenizer, texts)
    assert labels_inside(traced, "bert.encoder.layer.1.attention.self") == [*HEADS, "fused attention", *CONTEXT]
    fused = find(traced, type="scaled_dot_product_attention")
    assert [tensor.name for tensor in fused.inputs][:3] == ["query", "key", "value"]
    sources = [traced.steps[tensor.from_].label for tensor in fused.inputs if tensor.from_ is not None]
    assert sources == ["query heads", "key heads", "value heads", *(["attention mask"] if texts is TEXTS else [])]
    assert fused.flops > 0


@pytest.mark.parametrize("activation", ["relu", "gelu_new", "silu", "gelu_pytorch_tanh", "quick_gelu"])
def test_the_activation_bears_its_own_name(tokenizer: Any, activation: str) -> None:
    traced = trace(tiny_model(hidden_act=activation), tokenizer, TEXTS[0])
    name = f"{activation} activation"
    assert find(traced, path="bert.encoder.layer.0.intermediate.intermediate_act_fn").label == name
    assert labels_inside(traced, "bert.encoder.layer.0.intermediate") == ["intermediate projection", name]


def test_the_root_has_the_loss_only_with_labels(traced: Trace, model: Any, tokenizer: Any) -> None:
    assert labels_inside(traced, "") == ["BERT", "dropout", "logits", "labels", "loss"]
    assert labels_inside(trace(model, tokenizer, TEXTS), "") == ["BERT", "dropout", "logits"]


def test_where_all_sizes_are_equal_labels_still_tell_queries_from_keys(tokenizer: Any) -> None:
    # 4 sentences of 4 tokens, 4 heads of size 4: no shape tells an axis from another.
    model = tiny_model(hidden_size=16, num_attention_heads=4, intermediate_size=16)
    traced = trace(model, tokenizer, ["I love", "He hates", "cats !", "pizza ."])
    inside = labels_inside(traced, "bert.encoder.layer.0.attention.self")
    assert inside == [label for label in CONTRACT["attention.self"] if label != "masked attention scores"]
    assert find(traced, label="key transposed").outputs[0].axes == ["batch", "heads", "head_dim", "tokens"]
    assert find(traced, label="attention scores").outputs[0].axes == ["batch", "heads", "query tokens", "key tokens"]


def test_axes_name_every_dimension(traced: Trace) -> None:
    for step in traced.steps:
        for tensor in [*step.inputs, *step.outputs]:
            if not getattr(tensor, "parameter", None):
                assert tensor.axes is not None and len(tensor.axes) == len(tensor.shape), (step.label, tensor)
    sizes = {"batch": 2, "hidden": 32, "heads": 4, "head_dim": 8, "intermediate": 64, "labels": 2}
    for step in traced.steps:
        for output in step.outputs:
            for axis, size in zip(output.axes or [], output.shape, strict=True):
                assert size in (sizes.get(axis, size), 1), (step.label, output)


def test_chunked_feed_forward_calls_its_modules_once_a_chunk(tokenizer: Any) -> None:
    whole, chunked = tiny_model(), tiny_model(chunk_size_feed_forward=3)
    texts = ["I love cats, he hates."]  # 9 tokens, 3 chunks
    traced = trace(chunked, tokenizer, texts)
    tokens = len(traced.input.tokens[0])
    assert tokens == 9
    dense = [step for step in traced.steps if step.path == "bert.encoder.layer.1.intermediate.dense"]
    assert [step.call for step in dense] == [0, 1, 2]
    assert [step.label for step in dense] == ["intermediate projection"] * 3
    assert [step.parameters > 0 for step in dense] == [True, False, False]
    joined = find(traced, layer=1, label="chunks joined")
    assert [traced.steps[tensor.from_ or 0].label for tensor in joined.inputs] == ["layer norm"] * 3
    plain, total = trace(whole, tokenizer, texts), sum(step.parameters for step in traced.steps)
    assert total == traced.model.parameters
    assert sum(step.flops for step in traced.steps) == sum(step.flops for step in plain.steps)
    assert "hidden_states[2]" in joined.known_as
