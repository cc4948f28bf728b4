"""Axes are what the dataflow makes of them: attention over channels is no attention of tokens to tokens."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers import TEXTS, tiny_model
from torch import nn
from torch.nn import functional

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.traces.record import Step

SELF = "bert.encoder.layer.1.attention.self"
Heads = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def permuted_at_once(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> Heads:
    """Each (batch, heads, head_dim, tokens), as XCiT has them."""
    query, key, value = (x.permute(0, 2, 3, 1) for x in (queries, keys, values))
    return (query @ key.transpose(-2, -1)).softmax(dim=-1), value, query


def queries_transposed(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> Heads:
    query, key, value = (x.transpose(1, 2) for x in (queries, keys, values))
    return (query.transpose(-1, -2) @ key / math.sqrt(query.shape[-2])).softmax(dim=-1), value.mT, query


def keys_transposed(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> Heads:
    query, key, value = (x.transpose(1, 2) for x in (queries, keys, values))
    return (key.transpose(-1, -2) @ query).softmax(dim=-1), value.mT, query


def by_moving(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> Heads:
    query, key, value = (x.movedim((2, 3), (1, 2)) for x in (queries, keys, values))
    return torch.softmax(torch.matmul(query, key.swapaxes(-2, -1)), -1), value, query


def by_einsum(queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> Heads:
    query, key, value = (x.transpose(1, 2) for x in (queries, keys, values))
    return torch.einsum("bhnd,bhne->bhde", query, key).softmax(dim=-1), value.mT, query


WAYS: list[Callable[..., Heads]] = [permuted_at_once, queries_transposed, keys_transposed, by_moving, by_einsum]


class CrossCovariance(nn.Module):
    """Self-attention in which channels attend to channels."""

    def __init__(self, replaced: Any, way: Callable[..., Heads]) -> None:
        super().__init__()
        self.query, self.key, self.value = replaced.query, replaced.key, replaced.value
        self.heads, self.way = replaced.num_attention_heads, way

    def forward(self, hidden_states: torch.Tensor, *_: Any, **__: Any) -> tuple[torch.Tensor, torch.Tensor]:
        batch, tokens, hidden = hidden_states.shape
        split = (batch, tokens, self.heads, hidden // self.heads)
        projected = (layer(hidden_states).view(split) for layer in (self.query, self.key, self.value))
        weights, value, _ = self.way(*projected)  # (batch, heads, head_dim, head_dim), (batch, heads, head_dim, tokens)
        context = (weights @ value).permute(0, 3, 1, 2).reshape(batch, tokens, hidden)
        return context, weights


def crossing(way: Callable[..., Heads], **sizes: int) -> Any:
    model = tiny_model(**sizes)
    attention = model.bert.encoder.layer[1].attention
    attention.self = CrossCovariance(attention.self, way)
    return model


def inside(traced: Trace, path: str) -> list[Step]:
    return [step for step in traced.steps if step.path == path and step.kind == "op"]


ATTENTION = {"key transposed", "attention scores", "scaled attention scores", "attention probabilities", "context"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("tokens", ["other", "as many as channels"])
def test_attention_over_channels_is_told_from_that_over_tokens(tokenizer: Any, way: Any, tokens: str) -> None:
    # 2 heads of 9 channels, where the longer of the sentences has 9 tokens: no size tells one from the other.
    sizes = {} if tokens == "other" else {"hidden_size": 18, "num_attention_heads": 2}
    traced = trace(crossing(way, **sizes), tokenizer, TEXTS)
    steps = inside(traced, SELF)
    assert (len(traced.input.tokens[0]) == steps[-1].outputs[0].shape[1]) and traced.failure is None
    said = {step.label for step in steps} & ATTENTION
    assert said <= {"key transposed"}, said
    for step in steps:
        for output in step.outputs:
            assert not {"query tokens", "key tokens"} & {*(output.axes or ())}, (step.label, output)
    softmax = next(step for step in steps if step.type == "softmax").outputs[0]
    assert softmax.axes == (None if way is by_einsum else ["batch", "heads", "head_dim", "head_dim"])
    if way is not by_einsum:
        product = [step for step in steps if step.type == "matmul"][-1].outputs[0]
        assert product.axes == ["batch", "heads", "head_dim", "tokens"]
    module = next(step for step in traced.steps if step.path == SELF and step.kind == "module")
    assert module.outputs[1].axes == softmax.axes
    assert module.known_as == []  # transformers records the attentions of its own class alone
    # The other layer is as ever.
    other = {step.label for step in inside(traced, SELF.replace("1", "0"))}
    assert other >= ATTENTION


def test_axes_are_those_of_the_sizes(tokenizer: Any) -> None:
    """Wherever all sizes differ, each axis has its own."""
    sizes = {"batch": 2, "tokens": 9, "query tokens": 9, "key tokens": 9, "hidden": 32, "heads": 4, "head_dim": 8}
    for way in WAYS:
        traced = trace(crossing(way), tokenizer, TEXTS)
        found = [tensor for step in traced.steps for tensor in step.outputs if tensor.axes]
        for tensor in found:
            for axis, size in zip(tensor.axes or (), tensor.shape, strict=True):
                assert size in (sizes.get(axis, size), 1), tensor


class FusedOverChannels(CrossCovariance):
    """The same by torch's fused attention, whose tokens are the channels here."""

    def forward(self, hidden_states: torch.Tensor, *_: Any, **__: Any) -> Any:
        batch, tokens, hidden = hidden_states.shape
        split = (batch, tokens, self.heads, hidden // self.heads)
        query, key, value = (
            layer(hidden_states).view(split).permute(0, 2, 3, 1) for layer in (self.query, self.key, self.value)
        )
        context = functional.scaled_dot_product_attention(query, key, value)
        return context.permute(0, 3, 1, 2).reshape(batch, tokens, hidden), None


def test_fused_attention_over_channels_says_so(tokenizer: Any) -> None:
    model = tiny_model(attention="sdpa", hidden_size=18, num_attention_heads=2)
    attention = model.bert.encoder.layer[1].attention
    attention.self = FusedOverChannels(attention.self, permuted_at_once)
    steps = inside(trace(model, tokenizer, TEXTS), SELF)
    fused = next(step for step in steps if step.label == "fused attention")
    assert fused.outputs[0].axes == ["batch", "heads", "head_dim", "tokens"]
    assert not {"query heads", "key heads", "value heads"} & {step.label for step in steps}
