"""ModernBERT's labels hold: what they name, computed by hand from its definition, is what was recorded."""

from typing import Any

import pytest
import torch
from families.tiny import SIZES, as_loaded, batch, tiny
from helpers import values_of
from msgspec import structs
from torch.nn import functional

from bert_inspect.capture.forward import run_forward
from bert_inspect.capture.keep import Keep
from bert_inspect.diff.align import align_steps
from bert_inspect.diff.places import Places
from bert_inspect.families.heads import MULTIPLE_CHOICE, SEQUENCE_CLASSIFICATION, Head
from bert_inspect.families.modernbert import MODERNBERT
from bert_inspect.traces.record import Trace

BOTH = [(attention, side) for attention in ("eager", "sdpa") for side in ("right", "left")]
WINDOW = SIZES["modernbert"]["local_attention"] // 2
"""How far a token of a local layer sees, to either side."""


def run(
    attention: str = "eager", side: str = "right", head: Head = SEQUENCE_CLASSIFICATION, **changes: Any
) -> tuple[Any, Trace]:
    model = tiny(MODERNBERT, head, attention=attention, **changes)
    return model, run_forward(as_loaded(model), batch(MODERNBERT, padding=side), keep=Keep(values="full"))[0]


def get(trace: Trace, label: str, layer: int | None = None, *, last: bool = True) -> torch.Tensor:
    """The tensor of a label in a layer, the last of them (or the first)."""
    found = [
        values_of(step, place)
        for step in trace.steps
        for place, output in enumerate(step.outputs)
        if (output.label or step.label) == label and step.layer == layer
    ]
    return found[-1 if last else 0]


def is_local(layer: int) -> bool:
    return layer % SIZES["modernbert"]["global_attn_every_n_layers"] != 0


def rotated(heads: torch.Tensor, theta: float) -> torch.Tensor:
    """Each pair (i, i + half) of a head turned by position x theta^(-2i / size)."""
    size, tokens = heads.shape[-1], heads.shape[-2]
    angles = torch.arange(tokens)[:, None] * theta ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
    cos, sin = angles.cos(), angles.sin()
    one, other = heads.double().chunk(2, dim=-1)
    return torch.cat((one * cos - other * sin, other * cos + one * sin), dim=-1)


def seen(trace: Trace, layer: int) -> torch.Tensor:
    """Which keys each query may see: (batch, 1, query tokens, key tokens)."""
    real = torch.tensor(trace.input.attention_mask, dtype=torch.bool)[:, None, None, :]
    places = torch.arange(real.shape[-1])
    near = (places[:, None] - places[None, :]).abs() <= WINDOW
    return (real & near) if is_local(layer) else real.expand(-1, 1, real.shape[-1], -1)


@pytest.mark.slow
@pytest.mark.parametrize(("attention", "side"), BOTH)
@pytest.mark.parametrize("layer", range(4))
def test_attention_follows_from_what_the_labels_name(layer: int, attention: str, side: str) -> None:
    model, trace = run(attention, side)
    theta = model.config.rope_parameters["sliding_attention" if is_local(layer) else "full_attention"]["rope_theta"]
    assert theta == (10_000.0 if is_local(layer) else 160_000.0)
    normed = get(trace, "layer norm", layer, last=False) if layer else get(trace, "embeddings")
    fused = normed @ getattr(model.model.layers, str(layer)).attn.Wqkv.weight.T
    torch.testing.assert_close(get(trace, "query, key and value projection", layer), fused)
    split = fused.reshape(2, 9, 3, 4, 8)
    for place, name in enumerate(("query", "key", "value")):
        heads = split[:, :, place].transpose(1, 2)
        torch.testing.assert_close(get(trace, f"{name} heads", layer), heads)
    query, key = rotated(split[:, :, 0].transpose(1, 2), theta), rotated(split[:, :, 1].transpose(1, 2), theta)
    torch.testing.assert_close(get(trace, "rotated query", layer).double(), query, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(get(trace, "rotated key", layer).double(), key, atol=1e-5, rtol=1e-5)
    visible = seen(trace, layer)
    mask = get(trace, "local attention mask" if is_local(layer) else "attention mask")
    assert torch.equal(mask if mask.dtype == torch.bool else mask == 0, visible.expand(mask.shape))
    scores = (query @ key.transpose(2, 3) * 8**-0.5).masked_fill(~visible, -torch.inf)
    sees = visible.any(dim=-1, keepdim=True)  # a padding token whose window holds padding alone sees nothing
    probabilities = scores.softmax(dim=-1)
    context = (probabilities @ split[:, :, 2].transpose(1, 2).double()).masked_fill(~sees, 0.0)
    if attention == "eager":
        found = get(trace, "attention probabilities", layer).double()
        torch.testing.assert_close(
            found.masked_fill(~sees, 0), probabilities.masked_fill(~sees, 0), atol=1e-6, rtol=1e-4
        )
    label = "context" if attention == "eager" else "fused attention"
    found = get(trace, label, layer).double().masked_fill(~sees, 0.0)
    torch.testing.assert_close(found, context, atol=1e-5, rtol=1e-4)
    assert torch.equal(
        get(trace, "context reshaped", layer), get(trace, label, layer).transpose(1, 2).reshape(2, 9, 32)
    )


def test_whichever_rotary_embedding_is_called_first_diff_compares_like_with_like() -> None:
    _, trace = run()  # transformers goes through a set of words: the order is another one in another process
    swapped = [
        structs.replace(step, call=1 - step.call) if step.path.endswith("rotary_emb") else step for step in trace.steps
    ]
    partners = align_steps(trace.steps, swapped, Places.of_models(trace.model, trace.model))
    assert partners == {step.id: step.id for step in trace.steps}
    assert {step.label for step in trace.steps} >= {"rotary embedding", "local rotary embedding"}


@pytest.mark.parametrize("layer", range(4))
def test_the_attentions_of_local_layers_are_banded(layer: int) -> None:
    _, trace = run()
    step = next(step for step in trace.steps if f"attentions[{layer}]" in step.known_as and step.kind == "op")
    places = torch.arange(9)
    far = (places[:, None] - places[None, :]).abs() > WINDOW
    first = values_of(step)[0]  # of the sentence without padding
    assert bool((first[:, far] == 0).all()) is is_local(layer)
    assert bool((first[:, ~far] > 0).all())


def test_where_no_window_is_shorter_than_the_sentence_no_mask_is_made_for_it() -> None:
    _, trace = run(local_attention=64)
    both = (get(trace, "attention mask"), get(trace, "local attention mask"))
    assert torch.equal(*both)


@pytest.mark.parametrize("side", ["right", "left"])
def test_embeddings_are_those_of_the_words_alone(side: str) -> None:
    model, trace = run(side=side)
    words = model.model.embeddings.tok_embeddings.weight[torch.tensor(trace.input.input_ids)]
    assert torch.equal(get(trace, "word embeddings"), words)
    normed = functional.layer_norm(words, (32,), model.model.embeddings.norm.weight, eps=1e-5)
    torch.testing.assert_close(get(trace, "embeddings"), normed)
    assert get(trace, "position ids").tolist() == [[*range(9)]]  # padding counts, on either side


@pytest.mark.parametrize("layer", range(4))
def test_sums_are_residual_and_units_are_gated(layer: int) -> None:
    model, trace = run()
    module = getattr(model.model.layers, str(layer))
    received = (
        next(
            values_of(step) for step in trace.steps if f"hidden_states[{layer}]" in step.known_as and step.kind == "op"
        )
        if layer
        else get(trace, "embeddings")
    )
    attended = received + get(trace, "attention output projection", layer)
    sums = {step.part: values_of(step) for step in trace.steps if step.label == "residual sum" and step.layer == layer}
    torch.testing.assert_close(sums["attention"], attended)
    normed = functional.layer_norm(attended, (32,), module.mlp_norm.weight, eps=1e-5)
    both = normed @ module.mlp.Wi.weight.T
    torch.testing.assert_close(get(trace, "activation input", layer), both[..., :24])
    torch.testing.assert_close(get(trace, "gate", layer), both[..., 24:])
    gated = functional.gelu(both[..., :24]) * both[..., 24:]
    torch.testing.assert_close(get(trace, "gated intermediate", layer), gated)
    torch.testing.assert_close(sums["feed-forward"], attended + gated @ module.mlp.Wo.weight.T)
    norms = [step for step in trace.steps if step.layer == layer and step.path.endswith("attn_norm")]
    assert [step.label for step in norms] == ["layer norm" if layer else "identity"]


@pytest.mark.slow
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("pooling", ["cls", "mean"])
@pytest.mark.parametrize("head", [SEQUENCE_CLASSIFICATION, MULTIPLE_CHOICE], ids=["classes", "choices"])
def test_the_head_pools_as_it_says(head: Head, pooling: str, side: str) -> None:
    model, trace = run(side=side, head=head, classifier_pooling=pooling)
    final = get(trace, "final norm")
    real = torch.tensor(trace.input.attention_mask)[..., None]
    if pooling == "mean":
        pooled = (final * real).sum(dim=1) / real.sum(dim=1)
        torch.testing.assert_close(get(trace, "mean over tokens"), pooled)
        assert torch.equal(get(trace, "number of tokens"), real.sum(dim=1))
    else:
        # The class for sentences takes the first place, be it padding; the one for choices the first real token.
        starts = real[..., 0].argmax(dim=1) if head is MULTIPLE_CHOICE else torch.zeros(2, dtype=torch.long)
        pooled = final[torch.arange(2), starts]
        is_cls = side == "right" or head is MULTIPLE_CHOICE
        assert torch.equal(get(trace, "first token [CLS]" if is_cls else "first token"), pooled)
    transformed = functional.layer_norm(
        functional.gelu(pooled @ model.head.dense.weight.T), (32,), model.head.norm.weight, eps=1e-5
    )
    torch.testing.assert_close(get(trace, "transform"), transformed)
    logits = transformed @ model.classifier.weight.T + model.classifier.bias
    torch.testing.assert_close(get(trace, "logits"), logits)
