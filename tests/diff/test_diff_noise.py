"""The rounding tolerance against real rounding, and against what torch says of its types."""

import math
from collections.abc import Collection
from typing import Any

import pytest
import torch
from helpers import TEXTS, find, values_of
from msgspec import structs

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.diff import Side
from bert_inspect.diff.noise import CONFIDENCE, is_exact, relative_floor, unit_roundoff
from bert_inspect.diff.running import Running
from bert_inspect.traces.record import Step
from bert_inspect.traces.tree import completion
from bert_inspect.traces.values import Values


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


def running(whole: Trace, *, identical: Collection[int] = ()) -> dict[int, float]:
    """The variance of each step in units of one rounding of float32."""
    u = unit_roundoff("float32")
    inside: dict[int, list[Step]] = {}
    for step in whole.steps:
        inside.setdefault(-1 if step.parent is None else step.parent, []).append(step)
    errors = Running(Side(whole), lambda step: u, mixed=False)
    found = {}
    for step in completion(whole.steps):
        found[step.id] = errors.variance(step, inside.get(step.id, ())) / u / u
        if step.id in identical:
            errors.compared(step, identical=True)
    return found


def test_sums_count_their_length_and_views_nothing(traced: Trace) -> None:
    found = running(traced)

    def at(label: str, layer: int | None = 0) -> float:
        return found[find(traced, label=label, layer=layer).id]

    words = at("word embeddings", None)
    assert words == 0 and at("word + token type embeddings", None) == 1
    query = find(traced, label="query projection", layer=0)
    received = found[query.inputs[0].from_ or 0]
    assert at("query projection") == pytest.approx(received + 32 + 1)
    assert at("query heads") == at("query split into heads") == at("query projection")
    # (batch, heads, tokens, head_dim) of head_dim 8
    assert at("attention scores") >= max(at("query heads"), at("key heads")) + 8 + 1
    assert at("attention probabilities") == pytest.approx(at("masked attention scores") + math.log2(10) + 1)


def test_agreement_to_the_bit_starts_the_count_anew(traced: Trace) -> None:
    norm = find(traced, path="bert.encoder.layer.0.output.LayerNorm")
    query = find(traced, path="bert.encoder.layer.1.attention.self.query")
    assert running(traced, identical={norm.id})[query.id] == pytest.approx(33)


def test_the_fused_kernel_counts_both_of_its_sums(model: Any, tokenizer: Any) -> None:
    fused = trace(model, tokenizer, TEXTS, attention="sdpa")
    heads = {step.id for step in fused.steps if step.label.endswith(" heads") or step.label == "attention mask"}
    step = find(fused, label="fused attention")
    assert running(fused, identical=heads)[step.id] == pytest.approx(9 + 8 + math.log2(10) + 1)


def test_a_norm_divides_what_came_by_the_deviation(traced: Trace) -> None:
    """What the norm received stands as far from 0 as 50 deviations: so much larger is its relative error."""
    total = find(traced, label="sum of embeddings", layer=None)
    values = values_of(total).double()
    shifted = values + 50 * values.std()
    output = structs.replace(total.outputs[0], stats=None, values=Values(shifted.flatten().tolist(), shifted.shape))
    steps = list(traced.steps)
    steps[total.id] = structs.replace(total, outputs=[output])
    found = running(structs.replace(traced, steps=steps))
    norm = find(traced, path="bert.embeddings.LayerNorm")
    condition = (shifted.square().mean() / shifted.var()).item()
    own = math.log2(1 + 32) + 1
    assert condition > 2000
    assert found[norm.id] == pytest.approx((found[total.id] + own) * condition, rel=0.01)


def test_what_moves_numbers_is_exact(traced: Trace) -> None:
    exact = {step.label for step in traced.steps if is_exact(step)}
    assert {"query heads", "word embeddings", "first token [CLS]", "dropout", "context reshaped"} <= exact
    assert not exact & {"query projection", "residual sum", "layer norm", "attention probabilities", "gelu activation"}
