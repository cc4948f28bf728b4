"""What is said of RoBERTa and its kin, held against arithmetic done by hand."""

from typing import Any

import pytest
import torch
from families.rebuilt import attention_by_hand, heads_by_hand, labelled, recorded
from families.tiny import as_loaded, batch, tiny
from helpers import PAIRS, TEXTS, find, values_of
from msgspec import structs

from bert_inspect import api
from bert_inspect.analysis.attention import attentions
from bert_inspect.analysis.doctor.examine import examine
from bert_inspect.capture.encode import Sentences, token_limit
from bert_inspect.capture.forward import run_forward
from bert_inspect.capture.keep import Keep
from bert_inspect.families import BERT, CAMEMBERT, ROBERTA, XLM_ROBERTA, Family
from bert_inspect.families.heads import MASKED_LM, NO_HEAD, SEQUENCE_CLASSIFICATION
from bert_inspect.traces.record import Trace
from bert_inspect.traces.vocabulary import labels, roles

KIN = pytest.mark.parametrize("family", [ROBERTA, XLM_ROBERTA, CAMEMBERT], ids=lambda family: family.model_type)
SIDES = pytest.mark.parametrize("padding", ["right", "left"])
LENGTHS = (9, 6)
VALUES = Keep(values="full")


def expected_positions(padding: str, pad: int) -> torch.Tensor:
    """Tokens are counted from pad + 1 on, and padding stays at pad."""
    rows = []
    for length in LENGTHS:
        row, hidden = list(range(pad + 1, pad + 1 + length)), [pad] * (LENGTHS[0] - length)
        rows.append(row + hidden if padding == "right" else hidden + row)
    return torch.tensor(rows)


@pytest.mark.slow
@KIN
@SIDES
@pytest.mark.parametrize("pad", [0, 1, 5])
def test_positions_are_counted_over_the_tokens_on_whichever_side_padding_stands(
    family: Family, padding: str, pad: int
) -> None:
    model = tiny(family, NO_HEAD, pad_token_id=pad)
    given = batch(family, padding=padding)
    given = structs.replace(
        given,
        input_ids=[
            [id_ if seen else pad for id_, seen in zip(row, mask, strict=True)]
            for row, mask in zip(given.input_ids, given.attention_mask, strict=True)
        ],
    )
    trace = run_forward(as_loaded(model), given, keep=VALUES)[0]
    ids, seen = expected_positions(padding, pad), torch.tensor(given.attention_mask)
    assert torch.equal(labelled(trace, "position ids"), ids)
    for step in trace.steps:
        if step.label == labels.NOT_PADDING:
            assert torch.equal(values_of(step).long(), seen)
        if step.label == labels.COUNT_OF_TOKENS:
            assert torch.equal(values_of(step), seen.cumsum(1))
        if step.label == labels.COUNT_WITHOUT_PADDING:
            assert torch.equal(values_of(step), ids - pad)
    assert torch.equal(labelled(trace, "position embeddings"), model.embeddings.position_embeddings.weight[ids])
    assert family.first_position({"pad_token_id": pad}) == ids.min() + 1


@KIN
@SIDES
def test_embeddings_are_the_sum_of_three_with_token_type_0(family: Family, padding: str) -> None:
    model, given, trace = recorded(family, NO_HEAD, padding=padding)
    embeddings = model.embeddings
    words = embeddings.word_embeddings.weight[torch.tensor(given.input_ids)]
    types = embeddings.token_type_embeddings.weight[0].expand_as(words)
    positions = embeddings.position_embeddings.weight[expected_positions(padding, 1)]
    assert torch.equal(labelled(trace, "token type embeddings"), types)
    for step in trace.steps:
        if step.label in (labels.TOKEN_TYPE_IDS, labels.TOKEN_TYPES_OF_POSITIONS):
            assert not values_of(step).any()
            last = "tokens" if step.label == labels.TOKEN_TYPE_IDS else "positions"
            assert step.outputs[0].axes == ["batch", last] and step.outputs[0].shape[1] == (
                9 if last == "tokens" else 40
            )
    assert torch.equal(labelled(trace, "word + token type embeddings"), words + types)
    assert torch.equal(labelled(trace, "sum of embeddings"), words + types + positions)
    norm = torch.nn.functional.layer_norm(
        words + types + positions, (32,), embeddings.LayerNorm.weight, embeddings.LayerNorm.bias, 1e-12
    )
    assert torch.equal(labelled(trace, "embeddings"), norm)


@KIN
@SIDES
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_attention_follows_from_its_heads(family: Family, attention: str, padding: str) -> None:
    model, given, trace = recorded(family, NO_HEAD, attention=attention, padding=padding)
    for layer in range(2):
        for name, made in heads_by_hand(model, trace, layer, f"encoder.layer.{layer}.attention.self").items():
            assert torch.allclose(labelled(trace, f"{name} heads", layer=layer), made, atol=1e-6)
        scores, probabilities, context = attention_by_hand(trace, given, layer)
        if attention == "eager":
            assert torch.allclose(labelled(trace, "scaled attention scores", layer=layer).double(), scores, atol=1e-6)
            found = labelled(trace, "attention probabilities", layer=layer).double()
            assert torch.allclose(found, probabilities, atol=1e-6)
        made = labelled(trace, "context" if attention == "eager" else "fused attention", layer=layer).double()
        assert torch.allclose(made, context, atol=1e-6)
        certified = attentions(trace)[layer]
        assert certified.blind == [] and (certified.rebuilt is None) == (attention == "eager")
        assert torch.allclose(torch.from_numpy(certified.probabilities), probabilities, atol=1e-6)


@KIN
def test_sentences_are_classified_without_a_pooler(family: Family) -> None:
    model, _, trace = recorded(family, SEQUENCE_CLASSIFICATION)
    head = model.classifier
    hidden = values_of(find(trace, label="encoder"))[:, 0]
    assert torch.equal(labelled(trace, "first token [CLS]"), hidden)
    projected = hidden @ head.dense.weight.T + head.dense.bias
    assert torch.allclose(labelled(trace, "classifier projection"), projected, atol=1e-6)
    assert torch.allclose(labelled(trace, "tanh activation"), projected.tanh(), atol=1e-6)
    logits = projected.tanh() @ head.out_proj.weight.T + head.out_proj.bias
    step = find(trace, label="logits")
    assert torch.allclose(values_of(step), logits, atol=1e-6) and step.path == "classifier.out_proj"
    assert find(trace, path="classifier", kind="module").label == "classification head"
    assert {step.part for step in trace.steps if step.path.startswith("classifier")} == {roles.HEAD}
    assert not any(step.role == roles.POOLER for step in trace.steps)


@pytest.mark.parametrize(("padding", "label"), [("right", "first token <s>"), ("left", "first token")])
def test_the_token_that_is_taken_bears_its_name(padding: str, label: str) -> None:
    model, given, _ = recorded(ROBERTA, SEQUENCE_CLASSIFICATION, padding=padding)
    names = {0: "<pad>", 1: "<pad>", 2: "<s>", 3: "</s>"}
    tokens = [[names.get(id_, f"t{id_}") for id_ in row] for row in given.input_ids]
    trace = run_forward(as_loaded(model), structs.replace(given, tokens=tokens), keep=VALUES)[0]
    step = next(step for step in trace.steps if step.label == label)
    assert step.path == "classifier" and step.outputs[0].axes == ["batch", "hidden"]
    assert torch.equal(values_of(step), values_of(find(trace, label="encoder"))[:, 0])


def test_tokens_are_predicted_by_a_transform_and_the_word_embeddings() -> None:
    model, _, trace = recorded(ROBERTA, MASKED_LM)
    head, hidden = model.lm_head, values_of(find(trace, label="encoder"))
    projected = hidden @ head.dense.weight.T + head.dense.bias
    assert torch.allclose(labelled(trace, "transform projection"), projected, atol=1e-6)
    activated = torch.nn.functional.gelu(projected)
    assert torch.allclose(labelled(trace, "gelu activation", part=roles.HEAD), activated, atol=1e-6)
    normed = torch.nn.functional.layer_norm(activated, (32,), head.layer_norm.weight, head.layer_norm.bias, 1e-12)
    logits = normed @ model.roberta.embeddings.word_embeddings.weight.T + head.bias
    step = find(trace, label="token logits")
    assert torch.allclose(values_of(step), logits, atol=1e-5)
    assert step.outputs[0].axes == ["batch", "tokens", "vocabulary"] and "logits" in step.known_as


def test_the_activation_of_the_head_is_its_own_whatever_the_configuration_says() -> None:
    _, _, trace = recorded(ROBERTA, MASKED_LM, hidden_act="relu")
    activations = {(step.part, step.label) for step in trace.steps if labels.is_activation(step.label)}
    assert activations == {(roles.FEED_FORWARD, "relu activation"), (roles.HEAD, "gelu activation")}


def test_514_rows_serve_512_tokens(tokenizer: Any) -> None:
    assert ROBERTA.most_tokens({"max_position_embeddings": 514, "pad_token_id": 1}) == 512
    assert ROBERTA.most_tokens({"max_position_embeddings": 514}) == 512  # transformers takes 1 where none is said
    assert ROBERTA.most_tokens({"max_position_embeddings": 514, "pad_token_id": 0}) == 513
    assert BERT.most_tokens({"max_position_embeddings": 512, "pad_token_id": 0}) == 512
    assert BERT.most_tokens({}) is None
    loaded = as_loaded(tiny(ROBERTA, NO_HEAD))
    assert loaded.most_tokens == 38 and loaded.sizes["positions"] == 40
    assert token_limit(tokenizer, loaded.most_tokens, None) == 38


@pytest.mark.parametrize("length", [38, 39])
def test_a_sentence_may_have_as_many_tokens_as_that(length: int) -> None:
    model, given, _ = recorded(ROBERTA, NO_HEAD)
    row = [2, *[7] * (length - 2), 3]
    alone = structs.replace(
        given,
        texts=["long"],
        pairs=None,
        tokens=[[f"t{id_}" for id_ in row]],
        offsets=[[(0, 0)] * length],
        special=[[0] * length],
        words=[[None] * length],
        input_ids=[row],
        token_type_ids=[[0] * length],
        attention_mask=[[1] * length],
        truncated=[0],
    )
    trace: Trace = run_forward(as_loaded(model), alone)[0]
    assert (trace.failure is None) == (length == 38)
    if trace.failure is not None:
        assert trace.failure.cause == "there are 39 positions, the embedding has 40 rows, of which 38 serve tokens"


def test_segments_that_the_model_is_not_given_are_not_told(tokenizer: Any) -> None:
    model = tiny(ROBERTA, SEQUENCE_CLASSIFICATION, vocab_size=28996)
    made = api.trace(model, tokenizer, TEXTS, pairs=PAIRS, values=True)  # this tokenizer tells segments
    assert not any(map(any, made.input.token_type_ids))
    assert {side for row in (0, 1) for side in made.input.sides(row)} == {0, 1}
    assert not labelled(made, "token type ids").any()
    findings = examine(
        as_loaded(model), tokenizer, Sentences(texts=TEXTS, pairs=PAIRS), questions=["segments"], limit=38
    ).findings
    assert (findings[0].verdict, findings[0].evidence) == (
        "pass",
        "does not arise: RoBERTa is given no segments",
    )
