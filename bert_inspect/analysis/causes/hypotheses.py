"""The nine usual suspects: what implementations and checkpoints of BERT get differently, as variants of one step."""

from collections.abc import Callable, Iterator

import torch
from torch.nn import functional
from transformers.activations import ACT2FN

from ...traces.vocabulary import labels, roles
from .attention import mask_variants, scale_variants, softmax_variants
from .context import StepContext, Variant


def layer_norm_eps(context: StepContext) -> Iterator[Variant]:
    """What is added to the variance: 1e-12 in BERT, 1e-5 by torch's default."""
    if context.step.type != "LayerNorm":
        return
    received, own = context.received(), float(getattr(context.module, "eps", 0.0))
    weight, bias = context.parameter(context.step.path, "weight"), context.parameter(context.step.path, "bias")
    shape = [received.shape[-1]]
    theirs = context.norm_eps_b()
    for eps in dict.fromkeys((own, theirs if isinstance(theirs, float) else own, 1e-12, 1e-5, 1e-6, 1e-8, 1e-7, 1e-3)):
        tensor = functional.layer_norm(received, shape, weight, bias, eps)
        yield Variant("layer_norm_eps", f"{eps:g}", tensor)


def activation(context: StepContext) -> Iterator[Variant]:
    """Which activation, and of the GELUs which: by the error function, or by tanh."""
    if not labels.is_activation(context.label) or context.step.part == roles.POOLER:
        return
    received = context.received_by_module(roles.ACTIVATION)
    own, theirs = context.activations()
    known = ("gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "quick_gelu", "relu", "silu", "tanh")
    for name in dict.fromkeys(name for name in (own, theirs, *known) if name in ACT2FN):
        yield Variant("hidden_act", name, ACT2FN[name](received))


def projection(context: StepContext) -> Iterator[Variant]:
    """A weight that was read transposed, a bias that was left out, the weights of another projection."""
    if context.step.type != "Linear":
        return
    received, path = context.received(), context.step.path
    weight, bias = context.parameter(path, "weight"), context.parameter(path, "bias")
    if weight is None:
        return
    stored = "as stored" if bias is not None else "without a bias"
    yield Variant("weight", stored, functional.linear(received, weight, bias))
    # A file that holds the transposed matrix fits a square one; another fits only where it was reshaped.
    yield Variant("weight", "transposed", functional.linear(received, weight.t().reshape(weight.shape), bias))
    if weight.shape[0] != weight.shape[1]:
        flipped = weight.reshape(weight.shape[::-1]).t()
        yield Variant("weight", "transposed", functional.linear(received, flipped, bias))
    if bias is not None:
        yield Variant("weight", "without its bias", functional.linear(received, weight))
    elif (theirs := context.other_parameter("bias")) is not None:
        yield Variant("weight", "with one", functional.linear(received, weight, theirs))
    own = context.step.role
    for role in roles.QUERY_KEY_VALUE if own in roles.QUERY_KEY_VALUE else ():
        beside = context.path(role) if role != own else None
        if beside is not None and (other := context.parameter(beside, "weight")) is not None:
            bias = context.parameter(beside, "bias")
            yield Variant("weight", f"that of the {role}", functional.linear(received, other, bias))


def positions(context: StepContext) -> Iterator[Variant]:
    """From where positions are counted: from 0 in BERT, from the padding's id + 1 in RoBERTa, which leaves padding
    out.
    """
    if context.label not in (labels.POSITION_IDS, labels.POSITION_EMBEDDINGS):
        return
    table = None
    if context.label == labels.POSITION_EMBEDDINGS:
        table = context.parameter(context.step.path, "weight")
    place = torch.arange(len(context.batch.tokens[0])).unsqueeze(0)
    for words, ids in (*_without_padding(context), *_by_place(context, place)):
        if table is None:
            yield Variant("positions", words, ids)
        elif int(ids.min()) >= 0 and int(ids.max()) < len(table):
            yield Variant("positions", words, table[ids])
    if table is not None:
        yield Variant("positions", "left out", torch.zeros_like(table[place]))


def _by_place(context: StepContext, place: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield positions that are counted over all places of the batch, (1, tokens)."""
    pad = context.config("pad_token_id")
    for start in dict.fromkeys((0, 1, 2, (pad if isinstance(pad, int) else 0) + 1, -1, 3)):
        yield f"from {start}" + (_AS_ROBERTA if start == 2 else ""), place + start


def _without_padding(context: StepContext) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield positions that are counted over the ids that are no padding, (batch, tokens)."""
    given = torch.tensor(context.batch.input_ids)
    for first in dict.fromkeys(first for first in (*context.first_positions(), 2) if first):
        counts = given.ne(first - 1).long()
        yield f"from {first}{_AS_ROBERTA}", counts.cumsum(1) * counts + first - 1


_AS_ROBERTA = " (as RoBERTa counts them)"


def segment_ids(context: StepContext) -> Iterator[Variant]:
    """Segment ids that are missing, swapped, or not added."""
    ids = torch.tensor(context.batch.token_type_ids)
    if context.label == labels.TOKEN_TYPE_EMBEDDINGS:
        table = context.parameter(context.step.path, "weight")
        if table is None:
            return
        yield Variant("segment ids", "as given", table[ids])
        yield Variant("segment ids", "missing (all 0)", table[torch.zeros_like(ids)])
        yield Variant("segment ids", "swapped", table[(1 - ids).clamp(min=0)])
        yield Variant("segment ids", "all 1", table[torch.ones_like(ids).clamp(max=len(table) - 1)])
        theirs = torch.tensor(context.batch_b.token_type_ids)
        if theirs.shape == ids.shape:
            yield Variant("segment ids", "those that B was given", table[theirs])
        yield Variant("segment ids", "not looked up", torch.zeros_like(table[ids]))
    elif context.label in (labels.WORD_AND_TOKEN_TYPE_EMBEDDINGS, labels.SUM_OF_EMBEDDINGS):
        added = context.nearest(context.label)
        yield Variant("segment embeddings", "added", added)
        yield Variant("segment embeddings", "left out", added - context.nearest(labels.TOKEN_TYPE_EMBEDDINGS))
    elif (context.step.role, context.step.part) == (roles.NORM, roles.EMBEDDINGS):
        path = context.path(roles.TOKEN_TYPE_EMBEDDINGS)
        table = None if path is None else context.parameter(path, "weight")
        weight, bias = (context.parameter(context.step.path, name) for name in ("weight", "bias"))
        if table is None:
            return
        received, segments = context.received(), table[ids]
        with_them = context.has(labels.TOKEN_TYPE_EMBEDDINGS)
        other = received - segments if with_them else received + segments
        for words, summed in ((_ADDED[with_them], received), (_ADDED[not with_them], other)):
            eps = getattr(context.module, "eps", 0.0)
            made = functional.layer_norm(summed, [summed.shape[-1]], weight, bias, eps)
            yield Variant("segment embeddings", words, made)


_ADDED = {True: "added", False: "left out"}


def head_split(context: StepContext) -> Iterator[Variant]:
    """How features belong to heads: a head's together, every n-th one, another number of heads, rows cut anew."""
    heads = context.sizes.heads
    if not heads:
        return
    if context.label in (labels.CONTEXT_PERMUTED, labels.CONTEXT_RESHAPED):
        yield from _merged(context)
        return
    stages = next((stages for stages in labels.QUERY_KEY_VALUE if context.label in stages), None)
    if stages is None:
        return
    projected, _, split_and_transposed = stages
    split = context.nearest(projected)  # (batch, tokens, hidden)
    rows, length, hidden = split.shape
    dim = hidden // heads
    together = split.view(rows, length, heads, dim)
    apart = split.view(rows, length, dim, heads)
    if context.label == projected:
        yield Variant("features of a head", "together", split)
        yield Variant("features of a head", "interleaved", together.transpose(2, 3).reshape(split.shape))
        yield Variant("features of a head", "interleaved", apart.transpose(2, 3).reshape(split.shape))
        return
    to_heads = context.label == split_and_transposed

    def given(four: torch.Tensor) -> torch.Tensor:
        return four.transpose(1, 2) if to_heads else four

    yield Variant("heads", "split as (heads, head_dim)", given(together))
    yield Variant("heads", "interleaved as (head_dim, heads)", given(apart.transpose(2, 3)))
    yield Variant("heads", "interleaved as (head_dim, heads)", given(apart))
    words = "cut as (heads, tokens, head_dim) without a transposition"
    yield Variant("heads", words, split.reshape(rows, heads, length, dim))
    theirs = context.shape_b[1 if to_heads else 2] if len(context.shape_b) == 4 else 0
    if theirs and theirs != heads and hidden % theirs == 0:
        yield Variant("heads", f"{theirs} of {hidden // theirs}", given(split.view(rows, length, theirs, -1)))


def _merged(context: StepContext) -> Iterator[Variant]:
    """Yield how the heads' context may be put together again."""
    label = labels.CONTEXT if context.has(labels.CONTEXT) else labels.FUSED_ATTENTION
    per_head = context.nearest(label)  # (batch, heads, tokens, head_dim)
    rows, heads, length, dim = per_head.shape
    moved = per_head.transpose(1, 2)
    flat = context.label == labels.CONTEXT_RESHAPED
    shape = (rows, length, heads * dim) if flat else tuple(moved.shape)
    yield Variant("heads", "joined as (heads, head_dim)", moved.reshape(shape))
    joined = per_head.permute(0, 2, 3, 1).reshape(rows, length, heads * dim)
    yield Variant("heads", "interleaved as (head_dim, heads)", joined.reshape(shape))
    yield Variant("heads", "joined without a transposition", per_head.reshape(shape))


HYPOTHESES: dict[str, Callable[[StepContext], Iterator[Variant]]] = {
    "layer norm eps": layer_norm_eps,
    "activation": activation,
    "projection weights": projection,
    "positions": positions,
    "segment ids": segment_ids,
    labels.ATTENTION_MASK: mask_variants,
    "score scaling": scale_variants,
    "head split": head_split,
    "softmax axis": softmax_variants,
}
"""By name, in the order in which they are tried."""
