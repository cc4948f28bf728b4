"""DeBERTa's labels hold: what they name, computed by hand from its definition, is what was recorded."""

import math
from typing import Any

import pytest
import torch
from families.test_modernbert import get
from families.tiny import as_loaded, batch, tiny
from helpers import values_of
from torch.nn import functional

from bert_inspect.analysis.attention import attentions
from bert_inspect.api import trace as api_trace
from bert_inspect.capture.attention_spec import attention_spec
from bert_inspect.capture.forward import run_for_traces, run_forward
from bert_inspect.capture.keep import Keep
from bert_inspect.errors import UsageError
from bert_inspect.families.deberta_v2 import DEBERTA_V2
from bert_inspect.families.heads import MASKED_LM, NO_HEAD, SEQUENCE_CLASSIFICATION, Head
from bert_inspect.traces.record import Trace

V2 = {"share_att_key": False, "position_buckets": -1, "norm_rel_ebd": "none", "conv_kernel_size": 3, "conv_act": "gelu"}
TYPES: list[dict[str, Any]] = [{}, {"pos_att_type": "c2p"}, {"pos_att_type": "p2c"}, V2, {"position_buckets": 8}]


def run(side: str = "right", head: Head = SEQUENCE_CLASSIFICATION, **changes: Any) -> tuple[Any, Trace]:
    model = tiny(DEBERTA_V2, head, **changes)
    return model, run_forward(as_loaded(model), batch(DEBERTA_V2, padding=side), keep=Keep(values="full"))[0]


def bucket(distance: int, buckets: int, most: int) -> int:
    """Near distances as they are, far ones on a logarithmic scale: 4.1 of the paper on DeBERTaV3's predecessor."""
    middle = buckets // 2
    if buckets <= 0 or abs(distance) <= middle:
        return distance
    scaled = math.log(abs(distance) / middle) / math.log((most - 1) / middle) * (middle - 1)
    return int(math.copysign(math.ceil(scaled) + middle, distance))


def folded(tensor: torch.Tensor) -> torch.Tensor:
    """(batch, tokens, hidden) as (batch x heads, tokens, head_dim)."""
    return tensor.reshape(*tensor.shape[:2], 4, 8).transpose(1, 2).reshape(-1, tensor.shape[1], 8)


@pytest.mark.slow
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("changes", TYPES, ids=["v3", "c2p", "p2c", "v2", "eight buckets"])
@pytest.mark.parametrize("layer", [0, 1])
def test_attention_follows_from_what_the_labels_name(layer: int, changes: dict[str, Any], side: str) -> None:
    model, trace = run(side, **changes)
    kinds = model.config.pos_att_type
    own = model.deberta.encoder.layer[layer].attention.self
    received = next(
        values_of(step)
        for step in trace.steps
        if f"hidden_states[{layer}]" in step.known_as and len(step.outputs) == 1  # the encoder returns them all
    )
    query, key, value = (folded(getattr(own, f"{name}_proj")(received)) for name in ("query", "key", "value"))
    for name, tensor in (("query", query), ("key", key), ("value", value)):
        torch.testing.assert_close(get(trace, f"{name} heads folded into the batch", layer), tensor)
    scale = math.sqrt(8 * (1 + len(kinds)))
    content = query @ key.transpose(1, 2) / scale
    torch.testing.assert_close(get(trace, "content-to-content scores", layer), content)
    buckets, most = model.config.position_buckets, model.config.max_position_embeddings
    span = buckets if buckets > 0 else most
    relative = torch.tensor([[bucket(q - k, buckets, most) for k in range(9)] for q in range(9)])
    label = "relative position buckets" if buckets > 0 else "relative positions"
    assert torch.equal(get(trace, label).squeeze().long(), relative)
    embeddings = model.deberta.encoder.rel_embeddings.weight
    if model.config.norm_rel_ebd == "layer_norm":
        embeddings = model.deberta.encoder.LayerNorm(embeddings)
    shared = model.config.share_att_key
    scores = content
    rows = torch.arange(9)
    if "c2p" in kinds:
        project = own.key_proj if shared else own.pos_key_proj
        keys = folded(project(embeddings)[None]).repeat(2, 1, 1)
        products = query @ keys.transpose(1, 2)
        places = (relative + span).clamp(0, 2 * span - 1)
        found = products[:, rows[:, None], places]
        torch.testing.assert_close(get(trace, "content-to-position scores", layer), found)
        scores = scores + found / scale
    if "p2c" in kinds:
        project = own.query_proj if shared else own.pos_query_proj
        queries = folded(project(embeddings)[None]).repeat(2, 1, 1)
        products = key @ queries.transpose(1, 2)  # (batch x heads, key tokens, distances)
        # As transformers has it: a key's row holds at a query's place the score at -(key - query).
        places = (span - relative).clamp(0, 2 * span - 1)
        found = products[:, rows[:, None], places].transpose(1, 2)
        torch.testing.assert_close(get(trace, "position-to-content scores", layer), found)
        scores = scores + found / scale
    scores = scores.reshape(2, 4, 9, 9)
    torch.testing.assert_close(get(trace, "scaled attention scores", layer), scores)
    real = torch.tensor(trace.input.attention_mask, dtype=torch.bool)
    pairs = real[:, None, :, None] & real[:, None, None, :]
    assert torch.equal(get(trace, "attention mask", layer), pairs)
    probabilities = scores.masked_fill(~pairs, torch.finfo(scores.dtype).min).softmax(dim=-1)
    torch.testing.assert_close(get(trace, "attention probabilities", layer), probabilities)
    assert torch.equal(get(trace, "attention probabilities", layer), get(trace, "attention dropout", layer))
    context = probabilities @ value.reshape(2, 4, 9, 8)
    torch.testing.assert_close(get(trace, "context", layer), context)
    torch.testing.assert_close(get(trace, "context reshaped", layer), context.transpose(1, 2).reshape(2, 9, 32))


@pytest.mark.parametrize("side", ["right", "left"])
def test_padding_attends_to_all_alike_and_that_is_said(side: str) -> None:
    _, trace = run(side)
    hidden = [place for place, seen in enumerate(trace.input.attention_mask[1]) if not seen]
    for layer in attentions(trace):
        assert layer.blind == [(1, place) for place in hidden] and layer.rebuilt is None
        assert (layer.probabilities[1, :, hidden] == layer.probabilities[1, 0, hidden[0], 0]).all()
        real = [place for place in range(9) if place not in hidden]
        assert (layer.probabilities[1][:, real][:, :, hidden] == 0).all()


@pytest.mark.slow
@pytest.mark.parametrize(("positions", "types", "size"), [(False, 0, 32), (True, 0, 32), (True, 2, 16), (False, 2, 16)])
@pytest.mark.parametrize("side", ["right", "left"])
def test_embeddings_are_summed_projected_normed_and_padding_zeroed(
    side: str, positions: bool, types: int, size: int
) -> None:
    model, trace = run(side, position_biased_input=positions, type_vocab_size=types, embedding_size=size)
    inside, given = model.deberta.embeddings, trace.input
    total = inside.word_embeddings.weight[torch.tensor(given.input_ids)]
    assert torch.equal(get(trace, "word embeddings"), total)
    assert get(trace, "position ids").tolist() == [[*range(9)]]
    if positions:
        total = total + inside.position_embeddings.weight[:9]
    if types:
        total = total + inside.token_type_embeddings.weight[torch.tensor(given.token_type_ids)]
    words = ["word", *(["position"] if positions else []), *(["token type"] if types else [])]
    label = "sum of embeddings" if len(words) == 3 else f"{' + '.join(words)} embeddings"
    torch.testing.assert_close(get(trace, label), total)
    if size != 32:
        total = total @ inside.embed_proj.weight.T
        torch.testing.assert_close(get(trace, "embedding projection"), total)
    real = torch.tensor(given.attention_mask)[..., None]
    torch.testing.assert_close(get(trace, "embeddings"), inside.LayerNorm(total) * real)
    assert torch.equal(get(trace, "padding zeroed"), get(trace, "embeddings"))


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_convolution_makes_the_first_hidden_state(side: str) -> None:
    model, trace = run(side, **V2)
    conv = model.deberta.encoder.conv
    before, after = get(trace, "embeddings"), get(trace, "layer 0", 0)
    real = torch.tensor(trace.input.attention_mask)[..., None]
    moved = conv.conv(before.transpose(1, 2)).transpose(1, 2) * real
    wanted = conv.LayerNorm(after + functional.gelu(moved)) * real
    torch.testing.assert_close(get(trace, "convolution layer"), wanted)
    known = [step.label for step in trace.steps if "hidden_states[1]" in step.known_as]
    assert "convolution layer" in known and "layer 0" not in known


@pytest.mark.parametrize("activation", ["gelu", "tanh"])
@pytest.mark.parametrize("side", ["right", "left"])
def test_the_pooler_is_in_the_head(side: str, activation: str) -> None:
    model, trace = run(side, pooler_hidden_act=activation)
    first = get(trace, "encoder")[:, 0]
    assert torch.equal(get(trace, "first token [CLS]" if side == "right" else "first token"), first)
    made = getattr(torch, activation, functional.gelu)(model.pooler.dense(first))
    torch.testing.assert_close(get(trace, f"{activation} activation"), made)
    torch.testing.assert_close(get(trace, "logits"), model.classifier(made))
    assert {step.part for step in trace.steps if step.path.startswith("pooler")} == {"head"}


@pytest.mark.parametrize("legacy", [True, False])
def test_both_heads_for_masks(legacy: bool) -> None:
    model, trace = run(head=MASKED_LM, legacy=legacy)
    head = model.cls.predictions if legacy else model.lm_predictions.lm_head
    transform = head.transform if legacy else head
    made = transform.LayerNorm(functional.gelu(transform.dense(get(trace, "encoder"))))
    logits = made @ model.deberta.embeddings.word_embeddings.weight.T
    if not legacy:
        torch.testing.assert_close(get(trace, "token logits without bias"), logits)
    torch.testing.assert_close(get(trace, "token logits"), logits + head.bias)


def test_without_relative_positions_attention_is_plain() -> None:
    _, trace = run(head=NO_HEAD, relative_attention=False, position_biased_input=True, pos_att_type=None)
    assert not [step for step in trace.steps if "relative" in step.label]
    scores = get(trace, "content-to-content scores", 0).reshape(2, 4, 9, 9)
    assert torch.equal(get(trace, "scaled attention scores", 0), scores)


def test_fused_attention_is_refused_in_a_line(tokenizer: Any) -> None:
    with pytest.raises(UsageError, match="transformers has no sdpa attention for DeBERTa-v2") as raised:
        api_trace(tiny(DEBERTA_V2, NO_HEAD, vocab_size=28996), tokenizer, "I love cats!", attention="sdpa")
    assert "eager" in raised.value.hint


def test_what_the_attention_command_keeps_is_enough() -> None:
    loaded, given = as_loaded(tiny(DEBERTA_V2, SEQUENCE_CLASSIFICATION)), batch(DEBERTA_V2)
    kept = run_for_traces(loaded, given, [attention_spec(loaded)])[0].trace
    whole = run_forward(loaded, given, keep=Keep(values="full"))[0]
    for one, other in zip(attentions(kept), attentions(whole), strict=True):
        assert (one.layer, one.blind) == (other.layer, other.blind)
        assert (one.probabilities == other.probabilities).all()
