"""The rounding tolerance against real rounding, and against what torch says of its types."""

import math
from typing import Any

import pytest
import torch
from helpers import TEXTS, find

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.diff.noise import CONFIDENCE, is_exact, relative_floor, unit_roundoff, variances


@pytest.mark.parametrize("name", ["float64", "float32", "float16", "bfloat16"])
def test_the_unit_roundoff_is_half_of_what_torch_calls_eps(name: str) -> None:
    assert unit_roundoff(name) == torch.finfo(getattr(torch, name)).eps / 2
    # What it means: half way to the next number above 1 still rounds to 1.
    dtype = getattr(torch, name)
    if name != "float64":
        assert torch.tensor(1 + unit_roundoff(name), dtype=torch.float64).to(dtype) == 1
        assert torch.tensor(1 + 1.01 * unit_roundoff(name), dtype=torch.float64).to(dtype) > 1


@pytest.mark.parametrize("name", ["int64", "bool", "uint8"])
def test_integers_are_exact(name: str) -> None:
    assert unit_roundoff(name) == 0 and relative_floor(0.0, 0.0) == 0


@pytest.mark.parametrize("inner", [16, 768, 3072])
def test_a_matrix_product_stays_below_its_floor_and_not_by_far(inner: int) -> None:
    generator = torch.Generator().manual_seed(inner)
    left = torch.randn(64, inner, generator=generator)
    right = torch.randn(inner, 256, generator=generator)
    exact = left.double() @ right.double()
    size = exact.square().mean().sqrt()
    error = ((left @ right).double() - exact).abs() / (size + exact.abs())
    u = unit_roundoff("float32")
    floor = relative_floor((inner + 1) * u * u, u)
    assert floor == pytest.approx(CONFIDENCE * math.sqrt(inner + 1) * u)
    assert 0.001 < error.max() / floor < 0.5


def test_sums_count_their_length_and_views_nothing(traced: Trace) -> None:
    u = unit_roundoff("float32")
    found = variances(traced, lambda step: u, mixed=False, identical=(), parted=())

    def at(label: str, layer: int | None = 0) -> float:
        return found[find(traced, label=label, layer=layer).id] / u / u

    words = at("word embeddings", None)
    assert words == 0 and at("word + token type embeddings", None) == 1
    query = find(traced, label="query projection", layer=0)
    received = found[traced.steps[query.inputs[0].from_ or 0].id] / u / u
    assert at("query projection") == received + 32 + 1
    assert at("query heads") == at("query split into heads") == at("query projection")
    # (batch, heads, tokens, head_dim) of head_dim 8, 9 key tokens
    assert at("attention scores") == max(at("query heads"), at("key heads")) + 8 + 1
    assert at("attention probabilities") == at("masked attention scores") + math.log2(10) + 1
    assert at("context") == at("attention probabilities") + 9 + 1


def test_agreement_to_the_bit_starts_the_count_anew(traced: Trace) -> None:
    u = unit_roundoff("float32")
    norm = find(traced, path="bert.encoder.layer.0.output.LayerNorm")
    found = variances(traced, lambda step: u, mixed=False, identical={norm.id}, parted=())
    query = find(traced, path="bert.encoder.layer.1.attention.self.query")
    assert found[norm.id] == 0 and found[query.id] == pytest.approx(33 * u * u)


def test_the_fused_kernel_counts_both_of_its_sums(model: Any, tokenizer: Any) -> None:
    u = unit_roundoff("float32")
    fused = trace(model, tokenizer, TEXTS, attention="sdpa")
    heads = {step.id for step in fused.steps if step.label.endswith(" heads") or step.label == "attention mask"}
    found = variances(fused, lambda step: u, mixed=False, identical=heads, parted=())
    step = find(fused, label="fused attention")
    assert found[step.id] / u / u == pytest.approx(9 + 8 + math.log2(10) + 1)


def test_what_moves_numbers_is_exact(traced: Trace) -> None:
    exact = {step.label for step in traced.steps if is_exact(step)}
    assert {"query heads", "word embeddings", "first token [CLS]", "dropout", "context reshaped"} <= exact
    assert not exact & {"query projection", "residual sum", "layer norm", "attention probabilities", "gelu activation"}
