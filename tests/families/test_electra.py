"""What is said of ELECTRA, held against arithmetic done by hand."""

from typing import Any

import pytest
import torch
from families.rebuilt import attention_by_hand, heads_by_hand, labelled, recorded
from families.tiny import as_loaded, tiny
from helpers import find, values_of

from bert_inspect.analysis.attention import attentions
from bert_inspect.families import ELECTRA
from bert_inspect.families.heads import MASKED_LM, MULTIPLE_CHOICE, NO_HEAD, REPLACED_TOKENS, SEQUENCE_CLASSIFICATION
from bert_inspect.traces.vocabulary import labels, roles

SIDES = pytest.mark.parametrize("padding", ["right", "left"])


@SIDES
def test_embeddings_are_summed_in_their_own_size_and_then_projected(padding: str) -> None:
    model, given, trace = recorded(ELECTRA, NO_HEAD, padding=padding)
    embeddings = model.embeddings
    ids = torch.arange(9).unsqueeze(0)
    assert torch.equal(labelled(trace, "position ids"), ids)  # by place, whatever is padding
    words = embeddings.word_embeddings.weight[torch.tensor(given.input_ids)]
    types = embeddings.token_type_embeddings.weight[torch.tensor(given.token_type_ids)]
    summed = words + types + embeddings.position_embeddings.weight[ids]
    assert torch.equal(labelled(trace, "sum of embeddings"), summed)
    norm = torch.nn.functional.layer_norm(
        summed, (16,), embeddings.LayerNorm.weight, embeddings.LayerNorm.bias, embeddings.LayerNorm.eps
    )
    assert torch.equal(labelled(trace, "embeddings"), norm)
    projected = find(trace, label="embedding projection")
    made = norm @ model.embeddings_project.weight.T + model.embeddings_project.bias
    assert torch.allclose(values_of(projected), made, atol=1e-6)
    assert "hidden_states[0]" in projected.known_as and projected.part == roles.EMBEDDINGS
    sizes = {tuple(step.outputs[0].axes or ())[-1]: step.outputs[0].shape[-1] for step in trace.steps if step.path in (
        "embeddings", "embeddings.word_embeddings", "embeddings_project", "encoder"
    ) and step.kind == "module"}  # fmt: skip
    assert sizes == {"embedding": 16, "hidden": 32}


def test_nothing_is_projected_where_the_sizes_are_one() -> None:
    _, _, trace = recorded(ELECTRA, NO_HEAD, embedding_size=32)
    assert "hidden_states[0]" in find(trace, label="embeddings").known_as
    assert not any("embedding" in (output.axes or ()) for step in trace.steps for output in step.outputs)


@SIDES
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_attention_follows_from_its_heads(attention: str, padding: str) -> None:
    model, given, trace = recorded(ELECTRA, NO_HEAD, attention=attention, padding=padding)
    for layer in range(2):
        for name, made in heads_by_hand(model, trace, layer, f"encoder.layer.{layer}.attention.self").items():
            assert torch.allclose(labelled(trace, f"{name} heads", layer=layer), made, atol=1e-6)
        scores, probabilities, context = attention_by_hand(trace, given, layer)
        if attention == "eager":
            assert torch.allclose(labelled(trace, "scaled attention scores", layer=layer).double(), scores, atol=1e-6)
        made = labelled(trace, "context" if attention == "eager" else "fused attention", layer=layer).double()
        assert torch.allclose(made, context, atol=1e-6)
        assert torch.allclose(torch.from_numpy(attentions(trace)[layer].probabilities), probabilities, atol=1e-6)


@pytest.mark.parametrize("activation", ["gelu", "relu"])
def test_sentences_are_classified_with_a_gelu_whatever_the_layers_have(activation: str) -> None:
    model, _, trace = recorded(ELECTRA, SEQUENCE_CLASSIFICATION, hidden_act=activation)
    head, hidden = model.classifier, values_of(find(trace, label="encoder"))[:, 0]
    assert torch.equal(labelled(trace, "first token [CLS]"), hidden)
    projected = hidden @ head.dense.weight.T + head.dense.bias
    assert torch.allclose(labelled(trace, "classifier projection"), projected, atol=1e-6)
    activated = torch.nn.functional.gelu(projected)
    assert torch.allclose(labelled(trace, "gelu activation", part=roles.HEAD), activated, atol=1e-6)
    logits = activated @ head.out_proj.weight.T + head.out_proj.bias
    assert torch.allclose(labelled(trace, "logits"), logits, atol=1e-6)
    in_layers = {step.label for step in trace.steps if labels.is_activation(step.label) and step.layer is not None}
    assert in_layers == {f"{activation} activation"}


@pytest.mark.parametrize("activation", ["gelu", "relu"])
def test_each_token_is_told_to_be_replaced_or_not(activation: str) -> None:
    model, _, trace = recorded(ELECTRA, REPLACED_TOKENS, hidden_act=activation)
    head, hidden = model.discriminator_predictions, values_of(find(trace, label="encoder"))
    projected = hidden @ head.dense.weight.T + head.dense.bias
    activated = getattr(torch.nn.functional, activation)(projected)
    assert torch.allclose(labelled(trace, f"{activation} activation", part=roles.HEAD), activated, atol=1e-6)
    logits = activated @ head.dense_prediction.weight.T + head.dense_prediction.bias
    linear, squeezed = (step for step in trace.steps if step.label == "replaced token logits")
    assert torch.allclose(values_of(linear), logits, atol=1e-6) and linear.role == roles.REPLACED_TOKEN_CLASSIFIER
    assert torch.allclose(values_of(squeezed), logits[..., 0], atol=1e-6)
    assert squeezed.outputs[0].axes == ["batch", "tokens"] and "logits" in squeezed.known_as
    assert find(trace, path="discriminator_predictions", kind="module").label == "replaced token head"


def test_tokens_are_predicted_in_the_size_of_the_embeddings() -> None:
    model, _, trace = recorded(ELECTRA, MASKED_LM)
    head, hidden = model.generator_predictions, values_of(find(trace, label="encoder"))
    projected = hidden @ head.dense.weight.T + head.dense.bias
    step = find(trace, label="transform projection")
    assert torch.allclose(values_of(step), projected, atol=1e-6)
    assert step.outputs[0].axes == ["batch", "tokens", "embedding"]
    normed = torch.nn.functional.layer_norm(
        torch.nn.functional.gelu(projected), (16,), head.LayerNorm.weight, head.LayerNorm.bias, head.LayerNorm.eps
    )
    assert torch.allclose(labelled(trace, "transform"), normed, atol=1e-6)
    logits = normed @ model.electra.embeddings.word_embeddings.weight.T + model.generator_lm_head.bias
    assert torch.allclose(labelled(trace, "token logits"), logits, atol=1e-5)


@pytest.mark.parametrize(
    ("summary", "padding", "label"),
    [
        *[("first", "right", "first token [CLS]"), ("first", "left", "first token")],
        *[("last", "right", "last token"), ("mean", "left", "mean of all tokens")],
    ],
)
def test_choices_are_summed_up_as_the_configuration_says(summary: str, padding: str, label: str) -> None:
    model, _, trace = recorded(ELECTRA, MULTIPLE_CHOICE, padding=padding, summary_type=summary)
    hidden = values_of(find(trace, label="encoder"))
    taken = {"first": hidden[:, 0], "last": hidden[:, -1], "mean": hidden.mean(1)}[summary]
    step = find(trace, label=label)
    assert torch.allclose(values_of(step), taken, atol=1e-6) and step.outputs[0].axes == ["batch", "hidden"]
    projected = taken @ model.sequence_summary.summary.weight.T + model.sequence_summary.summary.bias
    assert torch.allclose(labelled(trace, "pooler projection"), projected, atol=1e-6)
    pooled = torch.nn.functional.gelu(projected)
    assert torch.allclose(labelled(trace, "pooler"), pooled, atol=1e-6)
    logits = pooled @ model.classifier.weight.T + model.classifier.bias
    assert torch.allclose(labelled(trace, "logits of the choices"), logits.T, atol=1e-6)


def test_the_classifier_is_what_gives_the_logits() -> None:
    for head, path in ((SEQUENCE_CLASSIFICATION, "classifier.out_proj"), (MULTIPLE_CHOICE, "classifier")):
        loaded: Any = as_loaded(tiny(ELECTRA, head))
        assert loaded.path(roles.CLASSIFIER) == path and loaded.module(roles.CLASSIFIER).weight.shape[1] == 32
