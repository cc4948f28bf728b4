"""The backward form agrees with a forward propagation that is written here: one vector a token, layer by layer."""

import math

import pytest
import torch
from analysis.explain.pairs import Case, batch, both, model_of
from families.tiny import arguments

from bert_inspect.analysis.explain.quantity import Wanted
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import SEQUENCE_CLASSIFICATION

CASE: Case = (FAMILIES["bert"], SEQUENCE_CLASSIFICATION, {})


def normed(parts: torch.Tensor, whole: torch.Tensor, norm: torch.nn.LayerNorm) -> torch.Tensor:
    """Parts (sources, tokens, hidden) of a vector through a layer norm whose deviation is that of the whole."""
    deviation = (whole.var(dim=-1, unbiased=False, keepdim=True) + norm.eps).sqrt()
    centred = parts - parts.mean(dim=-1, keepdim=True)
    return centred / deviation * norm.weight


def gelu_ratio(x: torch.Tensor) -> torch.Tensor:
    return 0.5 * (1 + torch.erf(x / math.sqrt(2)))


def propagated(model: torch.nn.Module, given: dict[str, torch.Tensor], row: int) -> tuple[torch.Tensor, torch.Tensor]:
    """What each token contributes to each class (tokens, labels), and the logits (labels) of that row."""
    bert = model.bert  # type: ignore[attr-defined]
    ids, types, mask = (given[name][row] for name in ("input_ids", "token_type_ids", "attention_mask"))
    count, embeddings = len(ids), bert.embeddings
    rows = embeddings.word_embeddings.weight[ids] + embeddings.token_type_embeddings.weight[types]
    rows = rows + embeddings.position_embeddings.weight[:count]
    whole = torch.nn.functional.layer_norm(rows, rows.shape[-1:], *norm_of(embeddings.LayerNorm))
    parts = torch.zeros(count, count, rows.shape[-1], dtype=rows.dtype)
    parts[range(count), range(count)] = rows  # a source's vector stands at its own place
    parts = normed(parts, rows, embeddings.LayerNorm)
    for layer in bert.encoder.layer:
        attention = layer.attention.self
        query, key, value = (
            projection(whole).reshape(count, 4, 8).transpose(0, 1)
            for projection in (attention.query, attention.key, attention.value)
        )
        scores = query @ key.transpose(1, 2) / math.sqrt(8) + (1 - mask) * -1e30
        probabilities = scores.softmax(dim=-1)  # (heads, query tokens, key tokens)
        moved = (parts @ attention.value.weight.T).reshape(count, count, 4, 8)
        context = torch.einsum("hqk,skhd->sqhd", probabilities, moved).reshape(count, count, 32)
        context_whole = (probabilities @ value).transpose(0, 1).reshape(count, 32)
        output = layer.attention.output
        parts = parts + context @ output.dense.weight.T
        whole = whole + output.dense(context_whole)
        parts = normed(parts, whole, output.LayerNorm)
        whole = output.LayerNorm(whole)
        inner = layer.intermediate.dense(whole)
        ratio = gelu_ratio(inner)
        parts = parts + (parts @ layer.intermediate.dense.weight.T * ratio) @ layer.output.dense.weight.T
        whole = whole + layer.output.dense(inner * ratio)
        parts = normed(parts, whole, layer.output.LayerNorm)
        whole = layer.output.LayerNorm(whole)
    pooled = bert.pooler.dense(whole[0])
    parts = parts[:, 0] @ bert.pooler.dense.weight.T * (pooled.tanh() / pooled)
    return parts @ model.classifier.weight.T, model.classifier(pooled.tanh())  # type: ignore[attr-defined,union-attr]


def norm_of(norm: torch.nn.LayerNorm) -> tuple[torch.Tensor, torch.Tensor, float]:
    return norm.weight, norm.bias, norm.eps


@pytest.mark.parametrize("row", [0, 1])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_each_token_has_the_share_that_its_vector_carries_to_the_logit(row: int, attention: str) -> None:
    loaded, given = model_of(CASE, attention=attention, dtype=torch.float64), batch(CASE[0])
    with torch.no_grad():
        by_hand, logits = propagated(loaded.model, arguments(CASE[0], CASE[1], given), row)
        plain = loaded.model(**arguments(CASE[0], CASE[1], given)).logits[row]
    assert torch.allclose(logits, plain, atol=1e-12, rtol=0)  # the propagation is that of the model
    for label in range(2):
        answer = both(loaded, given, Wanted(target=str(label)))[1][row]
        shares = [float(token.share) for token in answer.tokens]
        assert shares == pytest.approx(by_hand[:, label].tolist(), abs=1e-10)


def test_the_cut_at_each_layer_has_the_vectors_of_that_layer_and_one_corrupted_tensor_breaks_the_cuts_below() -> None:
    loaded, given = model_of(CASE), batch(CASE[0])
    middle = loaded.model.bert.encoder.layer[1].attention.output.LayerNorm

    def corrupt(module: torch.nn.Module, received: object, returned: torch.Tensor) -> None:
        returned.data[0, 0, 5] += 0.25  # which autograd does not see

    handle = middle.register_forward_hook(corrupt)
    try:
        answers = both(loaded, given, Wanted())[1]
    finally:
        handle.remove()
    assert [cut.total.adds_up for cut in answers[0].cuts] == [False, False, True]  # it lies in the second layer
    assert not answers[0].adds_up and answers[0].total is not None and not answers[0].total.adds_up
    assert answers[1].adds_up and all(cut.total.adds_up for cut in answers[1].cuts)  # the other sentence is not touched


def test_a_head_whose_output_weights_are_zero_contributes_exactly_nothing() -> None:
    loaded, given = model_of(CASE), batch(CASE[0])
    with torch.no_grad():
        loaded.model.bert.encoder.layer[1].attention.output.dense.weight[:, 8:16] = 0.0
    for answer in both(loaded, given, Wanted())[2]:
        assert answer.components is not None
        assert answer.components.heads[1][1] == 0.0 and all(answer.components.heads[1][head] for head in (0, 2, 3))


def test_with_the_encoders_projections_at_zero_the_rows_are_the_embeddings_through_the_norms() -> None:
    loaded, given = model_of(CASE, dtype=torch.float64), batch(CASE[0])
    model = loaded.model
    with torch.no_grad():
        for layer in model.bert.encoder.layer:
            for dense in (layer.attention.output.dense, layer.output.dense):
                dense.weight.zero_()
        embeddings, ids = model.bert.embeddings, torch.tensor(given.input_ids[0])
        rows = {
            "word": embeddings.word_embeddings.weight[ids[0]],
            "position": embeddings.position_embeddings.weight[0],
            "token_type": embeddings.token_type_embeddings.weight[0],
        }
        whole = sum(rows.values())
        norms = [embeddings.LayerNorm]
        for layer in model.bert.encoder.layer:
            norms += [layer.attention.output.LayerNorm, layer.output.LayerNorm]
        biases = [
            torch.zeros(32),
            *(d.bias for layer in model.bert.encoder.layer for d in (layer.attention.output.dense, layer.output.dense)),
        ]
        for norm, bias in zip(norms, biases, strict=True):
            whole = whole + bias
            rows = {kind: normed(part[None, None], whole, norm)[0, 0] for kind, part in rows.items()}
            whole = norm(whole)
        pooled = model.bert.pooler.dense(whole)
        by_hand = {
            kind: float((model.bert.pooler.dense.weight @ part * (pooled.tanh() / pooled)) @ model.classifier.weight[1])
            for kind, part in rows.items()
        }
    answer = both(loaded, given, Wanted(target="1"))[1][0]
    first, *others = answer.tokens
    assert [first.word, first.position, first.token_type] == pytest.approx([*by_hand.values()], abs=1e-12)
    assert all(token.share == 0.0 for token in others)  # nothing reaches [CLS] from anywhere else
