"""DistilBERT's labels are true: what bears them is what their words say, computed by hand."""

import pytest
import torch
from families.by_hand import check_attention, linear, normed, scores_of, steps, traced, value
from families.tiny import tiny

from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import MASKED_LM, MULTIPLE_CHOICE, SEQUENCE_CLASSIFICATION

DISTILBERT = FAMILIES["distilbert"]


@pytest.mark.parametrize("padding", ["right", "left"])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_attention_follows_from_queries_keys_and_values(attention: str, padding: str) -> None:
    trace = traced("distilbert", SEQUENCE_CLASSIFICATION, attention=attention, padding=padding)
    for layer in range(2):
        check_attention(trace, layer, scores_of(trace, layer))


def test_embeddings_are_the_sum_of_words_and_places() -> None:
    trace, model = traced("distilbert", SEQUENCE_CLASSIFICATION), tiny(DISTILBERT, SEQUENCE_CLASSIFICATION)
    inside = model.distilbert.embeddings
    ids = torch.tensor(trace.input.input_ids)
    assert value(trace, "position ids").tolist() == [list(range(9))]
    summed = inside.word_embeddings.weight[ids] + inside.position_embeddings.weight[:9]
    torch.testing.assert_close(value(trace, "sum of embeddings"), summed)
    torch.testing.assert_close(value(trace, "layer norm", place=0), normed(inside.LayerNorm, summed))


def test_a_layer_adds_what_it_received_and_what_its_attention_returned() -> None:
    trace, model = traced("distilbert", SEQUENCE_CLASSIFICATION), tiny(DISTILBERT, SEQUENCE_CLASSIFICATION)
    hidden = value(trace, "layer norm", place=0)
    for layer in range(2):
        path, block = f"distilbert.transformer.layer.{layer}", model.distilbert.transformer.layer[layer]
        attended, fed = steps(trace, "residual sum", layer)
        assert (attended.kind, attended.path, attended.part, fed.part) == ("op", path, "attention", "feed-forward")
        summed = hidden + value(trace, "attention output projection", layer)
        torch.testing.assert_close(value(trace, "residual sum", layer, place=0), summed)
        middle = normed(block.sa_layer_norm, summed)
        torch.testing.assert_close(value(trace, "layer norm", layer, place=0), middle)
        wide = torch.nn.functional.gelu(linear(model, f"{path}.ffn.lin1", middle))
        torch.testing.assert_close(value(trace, "gelu activation", layer), wide)
        summed = middle + linear(model, f"{path}.ffn.lin2", wide)
        torch.testing.assert_close(value(trace, "residual sum", layer, place=1), summed)
        hidden = normed(block.output_layer_norm, summed)
        torch.testing.assert_close(value(trace, "layer norm", layer, place=1), hidden)


@pytest.mark.parametrize("head", [SEQUENCE_CLASSIFICATION, MULTIPLE_CHOICE], ids=lambda head: head.task)
def test_an_activation_that_the_forward_makes_on_the_fly_is_a_step(head: object) -> None:
    trace, model = traced("distilbert", head), tiny(DISTILBERT, head)  # type: ignore[arg-type]
    (relu,) = steps(trace, "relu activation")
    assert (relu.kind, relu.type, relu.path, relu.part) == ("op", "relu", "", "head")
    first = value(trace, "layer norm", 1)[:, 0]
    torch.testing.assert_close(value(trace, "first token [CLS]"), first)
    positive = linear(model, "pre_classifier", first).clamp(min=0)
    torch.testing.assert_close(value(trace, "relu activation"), positive)
    torch.testing.assert_close(value(trace, "logits"), linear(model, "classifier", positive))
    assert trace.steps[relu.inputs[0].from_ or 0].label == "classifier projection"


def test_the_head_for_masks_projects_activates_norms_and_decodes_with_the_word_embeddings() -> None:
    trace, model = traced("distilbert", MASKED_LM), tiny(DISTILBERT, MASKED_LM)
    last = value(trace, "layer norm", 1)
    activated = torch.nn.functional.gelu(linear(model, "vocab_transform", last))
    torch.testing.assert_close(value(trace, "gelu activation"), activated)
    words = model.distilbert.embeddings.word_embeddings.weight
    logits = normed(model.vocab_layer_norm, activated) @ words.T + model.vocab_projector.bias
    torch.testing.assert_close(value(trace, "token logits"), logits)
