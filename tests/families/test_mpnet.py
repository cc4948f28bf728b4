"""MPNet's labels are true: positions counted from padding, and a bias by relative positions on every score."""

import math

import pytest
import torch
from families.by_hand import check_attention, linear, normed, scores_of, steps, traced, value
from families.tiny import as_loaded, batch, tiny
from msgspec import structs

from bert_inspect.analysis.attention import attentions
from bert_inspect.capture.attention_spec import attention_spec
from bert_inspect.capture.forward import run_for_traces, run_forward
from bert_inspect.capture.keep import Keep
from bert_inspect.capture.undisturbed import attending
from bert_inspect.errors import UsageError
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import MASKED_LM, SEQUENCE_CLASSIFICATION
from bert_inspect.traces.record import Input, Trace

MPNET = FAMILIES["mpnet"]


def bucket(query: int, key: int) -> int:
    """The bucket of a key seen from a query, of 32: 16 more where the key comes later; 8 for near distances, one each,
    8 for those up to 128, by the logarithm (Raffel et al., JMLR 2020, section 2.1).
    """
    distance = abs(key - query)
    near = distance if distance < 8 else min(15, 8 + int(math.log(distance / 8) / math.log(128 / 8) * 8))
    return (16 if key > query else 0) + near


def bias_of(trace: Trace, model: torch.nn.Module) -> torch.Tensor:
    """The bias on the scores: (1, heads, query tokens, key tokens)."""
    places = range(len(trace.input.tokens[0]))
    buckets = torch.tensor([[bucket(query, key) for key in places] for query in places])
    table: torch.Tensor = model.get_submodule("mpnet.encoder.relative_attention_bias").weight
    return table[buckets].permute(2, 0, 1)[None]


@pytest.mark.parametrize("padding", ["right", "left"])
def test_attention_follows_from_queries_keys_values_and_the_bias(padding: str) -> None:
    trace = traced("mpnet", SEQUENCE_CLASSIFICATION, padding=padding)
    bias = bias_of(trace, tiny(MPNET, SEQUENCE_CLASSIFICATION))
    torch.testing.assert_close(value(trace, "relative position bias by head"), bias.expand(2, -1, -1, -1))
    for layer in range(2):
        scores = scores_of(trace, layer) + bias
        torch.testing.assert_close(value(trace, "attention scores + relative position bias", layer), scores)
        check_attention(trace, layer, scores)


def long_batch() -> Input:
    """One sentence of 38 tokens, some of them farther apart than those that have a bucket of their own."""
    ids = [2, *range(10, 46), 3]
    count = len(ids)
    return structs.replace(
        batch(MPNET, pairs=False),
        texts=["long"],
        tokens=[[f"t{id_}" for id_ in ids]],
        offsets=[[(0, 0)] * count],
        special=[[1, *[0] * (count - 2), 1]],
        words=[[None, *range(count - 2), None]],
        input_ids=[ids],
        token_type_ids=[[0] * count],
        attention_mask=[[1] * count],
        truncated=[0],
    )


def test_every_step_from_positions_to_buckets_is_what_its_label_says() -> None:
    model = tiny(MPNET, SEQUENCE_CLASSIFICATION)
    trace = run_forward(as_loaded(model), long_batch(), keep=Keep(values="full"))[0]
    places = torch.arange(38)
    relative = places[None] - places[:, None]  # (query tokens, key tokens)
    apart = relative.abs()
    far = 8 + (apart.clamp(min=1) / 8).log().div(math.log(16)).mul(8).clamp(min=0).long()
    expected = {
        "relative positions": relative,
        "relative positions negated": -relative,
        "key after query": relative > 0,
        "buckets of the direction": 16 * (relative > 0),
        "distances": apart,
        "near enough for a bucket each": apart < 8,
        "last bucket": torch.full((38, 38), 15),
        "buckets of distances": torch.where(apart < 8, apart, far.clamp(max=15)),
        "relative position buckets": torch.tensor([[bucket(query, key) for key in range(38)] for query in range(38)]),
    }
    for label, wanted in expected.items():
        assert torch.equal(value(trace, label, place=0).to(wanted.dtype), wanted), label
        (axes,) = {tuple(step.outputs[0].axes or ()) for step in steps(trace, label)[-1:]}
        assert axes == ("query tokens", "key tokens"), label
    beyond = apart >= 8
    for label, numbers in (
        ("scaled distances", apart / 8),
        ("logarithms of distances", (apart / 8).log()),
        ("logarithmic buckets", far),
    ):
        found = value(trace, label, place=0).to(numbers.dtype)
        torch.testing.assert_close(found[beyond], numbers[beyond])
    assert value(trace, "relative position buckets").unique().tolist() == [*range(13), *range(17, 29)]


@pytest.mark.parametrize("padding", ["right", "left"])
def test_positions_are_counted_over_what_is_no_padding(padding: str) -> None:
    trace, model = traced("mpnet", SEQUENCE_CLASSIFICATION, padding=padding), tiny(MPNET, SEQUENCE_CLASSIFICATION)
    counted = [2, 3, 4, 5, 6, 7]
    padded = [*counted, 1, 1, 1] if padding == "right" else [1, 1, 1, *counted]
    ids = value(trace, "position ids")
    assert ids.tolist() == [list(range(2, 11)), padded]
    inside = model.mpnet.embeddings
    words = inside.word_embeddings.weight[torch.tensor(trace.input.input_ids)]
    summed = words + inside.position_embeddings.weight[ids]
    torch.testing.assert_close(value(trace, "sum of embeddings"), summed)
    torch.testing.assert_close(value(trace, "layer norm", place=0), normed(inside.LayerNorm, summed))


def test_two_rows_of_the_positions_serve_no_token() -> None:
    assert MPNET.most_tokens({"max_position_embeddings": 514}) == 512
    assert MPNET.most_tokens({"max_position_embeddings": 514, "pad_token_id": 0}) == 512  # the code counts from 1


def test_a_layer_adds_what_it_received_and_what_it_computed() -> None:
    trace, model = traced("mpnet", SEQUENCE_CLASSIFICATION), tiny(MPNET, SEQUENCE_CLASSIFICATION)
    hidden = value(trace, "layer norm", place=0)
    for layer in range(2):
        block = model.mpnet.encoder.layer[layer]
        attended, fed = steps(trace, "residual sum", layer)
        assert (attended.part, fed.part) == ("attention", "feed-forward")
        summed = hidden + value(trace, "attention output projection", layer)
        torch.testing.assert_close(value(trace, "residual sum", layer, place=0), summed)
        middle = normed(block.attention.LayerNorm, summed)
        summed = middle + value(trace, "output projection", layer)
        torch.testing.assert_close(value(trace, "residual sum", layer, place=1), summed)
        hidden = normed(block.output.LayerNorm, summed)
        torch.testing.assert_close(value(trace, "layer norm", layer, place=1), hidden)


def test_a_sentence_is_classified_by_its_first_token() -> None:
    trace, model = traced("mpnet", SEQUENCE_CLASSIFICATION), tiny(MPNET, SEQUENCE_CLASSIFICATION)
    activated = linear(model, "classifier.dense", value(trace, "layer norm", 1)[:, 0]).tanh()
    torch.testing.assert_close(value(trace, "tanh activation"), activated)
    torch.testing.assert_close(value(trace, "logits"), linear(model, "classifier.out_proj", activated))


def test_the_head_for_masks() -> None:
    trace, model = traced("mpnet", MASKED_LM), tiny(MPNET, MASKED_LM)
    activated = torch.nn.functional.gelu(linear(model, "lm_head.dense", value(trace, "layer norm", 1)))
    torch.testing.assert_close(value(trace, "gelu activation"), activated)
    words = model.mpnet.embeddings.word_embeddings.weight
    logits = normed(model.lm_head.layer_norm, activated) @ words.T + model.lm_head.bias
    torch.testing.assert_close(value(trace, "token logits"), logits)


def test_attention_is_found_though_no_module_returns_it() -> None:
    loaded = as_loaded(tiny(MPNET, SEQUENCE_CLASSIFICATION))
    ((trace, _),) = run_for_traces(loaded, batch(MPNET), [attention_spec(loaded, [1])], verify=False)
    (found,) = attentions(trace)
    expected = value(traced("mpnet", SEQUENCE_CLASSIFICATION), "attention probabilities", 1)
    assert found.layer == 1 and torch.equal(torch.tensor(found.probabilities).float(), expected)


def test_an_implementation_that_transformers_has_not_is_refused() -> None:
    model = tiny(MPNET, SEQUENCE_CLASSIFICATION)
    with pytest.raises(UsageError, match="no sdpa attention for MPNet"), attending(model, "sdpa"):
        pass
    assert model.config._attn_implementation == "eager"
