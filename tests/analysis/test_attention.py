"""Attention held against what transformers returns, against torch's softmax, and against the fused output."""

import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from helpers import TEXTS, tiny_model

from bert_inspect import Trace
from bert_inspect.analysis.attention import attentions, chosen, marks, summaries
from bert_inspect.api import trace
from bert_inspect.errors import UsageError

THREE = [*TEXTS, "So do I, and so does she."]


def of_transformers(model: Any, tokenizer: Any, texts: list[str]) -> list[torch.Tensor]:
    with torch.inference_mode():
        out = model(**tokenizer(texts, padding=True, return_tensors="pt"), output_attentions=True)
    return list(out.attentions)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("texts", [THREE, THREE[:1]], ids=["padding", "no padding"])
def test_probabilities_are_those_that_transformers_returns(tokenizer: Any, attention: Any, texts: list[str]) -> None:
    model = tiny_model()
    expected = of_transformers(model, tokenizer, texts)
    layers = attentions(trace(model, tokenizer, texts, attention=attention, values=True))
    assert [layer.layer for layer in layers] == [0, 1]
    for layer, tensor in zip(layers, expected, strict=True):
        assert np.abs(layer.probabilities - tensor.double().numpy()).max() < (1e-6 if attention == "sdpa" else 1e-12)
        assert np.allclose(layer.probabilities.sum(axis=-1), 1.0) and layer.blind == []
        assert (layer.rebuilt is None) == (attention == "eager")
        if layer.rebuilt is not None:
            assert 0 <= layer.rebuilt.difference < 1e-6 and layer.rebuilt.rounding > 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_rebuilding_is_as_good_as_the_precision(tokenizer: Any, dtype: torch.dtype) -> None:
    model = tiny_model(attention="sdpa").to(dtype)
    for layer in attentions(trace(model, tokenizer, TEXTS, values=True)):
        assert layer.rebuilt is not None and layer.rebuilt.difference <= 16 * layer.rebuilt.rounding


def test_a_saved_trace_is_enough(tokenizer: Any) -> None:
    for attention in ("eager", "sdpa"):
        traced = trace(tiny_model(attention=attention), tokenizer, TEXTS, values=True)
        again = Trace.from_json(b"".join(traced.json()))
        for one, other in zip(attentions(traced), attentions(again), strict=True):
            assert np.array_equal(one.probabilities, other.probabilities) and one.rebuilt == other.rebuilt


def test_a_wrong_scale_does_not_pass_as_certified(tokenizer: Any) -> None:
    traced = trace(tiny_model(attention="sdpa"), tokenizer, TEXTS, values=True)
    text, changed = re.subn(rb"scale=[.\d]+", b"scale=50.0", b"".join(traced.json()))
    assert changed == 2
    for true, wrong in zip(attentions(traced), attentions(Trace.from_json(text)), strict=True):
        assert true.rebuilt is not None and wrong.rebuilt is not None
        assert wrong.rebuilt.difference > 100 * true.rebuilt.difference


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_rows_in_which_nothing_is_visible_are_flagged(tokenizer: Any, attention: Any) -> None:
    class Blind:
        """A tokenizer that hides the whole first sentence."""

        def __getattr__(self, name: str) -> Any:
            return getattr(tokenizer, name)

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            encoded = tokenizer(*args, **kwargs)
            encoded["attention_mask"][0] = [0] * len(encoded["attention_mask"][0])
            return encoded

    traced = trace(tiny_model(attention=attention), Blind(), TEXTS, values=True)
    tokens = len(traced.input.tokens[0])
    for layer in attentions(traced):
        assert layer.blind == [(0, query) for query in range(tokens)]
        if attention == "sdpa":
            assert np.isnan(layer.probabilities[0]).all() and not np.isnan(layer.probabilities[1]).any()
            assert layer.rebuilt is not None and math.isfinite(layer.rebuilt.difference)
        first, second = (summaries(layer, traced, row) for row in (0, 1))
        assert len(first) == 4 and second[0].entropy > 0


def test_what_is_said_of_a_head_is_what_torch_computes(tokenizer: Any) -> None:
    model = tiny_model()
    traced = trace(model, tokenizer, TEXTS, values=True)
    expected = of_transformers(model, tokenizer, TEXTS)
    for layer, tensor in zip(attentions(traced), expected, strict=True):
        for row in range(len(TEXTS)):
            sentence = summaries(layer, traced, row)
            real = sum(traced.input.attention_mask[row])
            closing = traced.input.tokens[row].index("[SEP]")
            for head, said in enumerate(sentence):
                rows = tensor[row, head, :real].double()
                entropy = torch.distributions.Categorical(probs=rows).entropy().mean() / math.log(2)
                assert said.entropy == pytest.approx(entropy.item(), abs=1e-6)
                assert said.classification == pytest.approx(rows[:, 0].mean().item())
                assert said.separators == pytest.approx(rows[:, closing].mean().item())
                assert said.padding == pytest.approx(rows[:, real:].sum(dim=1).mean().item())


def test_pairs_have_two_separators(tokenizer: Any) -> None:
    traced = trace(tiny_model(), tokenizer, TEXTS[:1], pairs=TEXTS[1:], values=True)
    first, separators, padding = marks(traced, 0)
    assert [traced.input.tokens[0][place] for place in np.flatnonzero(separators)] == ["[SEP]", "[SEP]"]
    assert list(np.flatnonzero(first)) == [0] and not padding.any()


def test_what_is_not_there_is_said(tokenizer: Any) -> None:
    with pytest.raises(UsageError, match="holds no values of attention"):
        attentions(trace(tiny_model(), tokenizer, TEXTS))
    layers = attentions(trace(tiny_model(), tokenizer, TEXTS, values=True))
    with pytest.raises(UsageError, match="this trace holds no attention of layer 7"):
        chosen(layers, [7], None)
    with pytest.raises(UsageError, match="no head 4: this model has heads 0 to 3"):
        chosen(layers, [], 4)
    assert [layer.layer for layer in chosen(layers, [1], 3)] == [1]
