"""Attention, from the heads to the context, with one thing changed: the mask, the scaling, the axis of the softmax."""

from collections.abc import Iterator

import torch

from ...traces.vocabulary import labels
from .context import StepContext, Unknown, Variant

_STAGES = (
    labels.ATTENTION_SCORES,
    labels.SCALED_ATTENTION_SCORES,
    labels.MASKED_ATTENTION_SCORES,
    labels.ATTENTION_PROBABILITIES,
    labels.CONTEXT,
)
_ALIKE = {labels.ATTENTION_DROPOUT: labels.ATTENTION_PROBABILITIES, labels.FUSED_ATTENTION: labels.CONTEXT}


def mask_variants(context: StepContext) -> Iterator[Variant]:
    """The attention mask: applied, not applied, inverted, causal."""
    batch = context.batch.attention_mask
    real = torch.tensor(batch, dtype=torch.bool)[:, None, None, :]  # (batch, 1, 1, key tokens)
    length = len(batch[0])
    masks = {
        "applied": real,
        "not applied": torch.ones_like(real),
        "inverted": ~real,
        "causal": real & torch.ones(length, length, dtype=torch.bool).tril(),
    }
    if context.label == labels.ATTENTION_MASK:
        shape = (len(batch), 1, length, length)
        for words, mask in masks.items():
            yield Variant(labels.ATTENTION_MASK, words, mask.expand(shape))
        return
    if _stage(context) not in _STAGES[2:]:
        return
    for words, mask in masks.items():
        yield Variant(labels.ATTENTION_MASK, words, _attention(context, mask=mask))


def scale_variants(context: StepContext) -> Iterator[Variant]:
    """What the scores are multiplied with: one over the root of a head's size, in BERT."""
    if _stage(context) not in _STAGES[1:]:
        return
    dim = context.nearest(labels.QUERY_HEADS).shape[-1]
    hidden = context.sizes.hidden
    scales = {f"times {dim**-0.5:.4g}": dim**-0.5, "not scaled": 1.0, f"times {1 / dim:.4g} (1 / head_dim)": 1 / dim}
    if hidden:
        scales[f"times {hidden**-0.5:.4g} (by the hidden size)"] = hidden**-0.5
    for words, scale in scales.items():
        yield Variant(labels.ATTENTION_SCORES, words, _attention(context, scale=scale))


def softmax_variants(context: StepContext) -> Iterator[Variant]:
    """Over what the softmax runs: the key tokens, in BERT."""
    if _stage(context) not in _STAGES[3:]:
        return
    for words, axis in (("key tokens", -1), ("query tokens", -2), ("heads", 1)):
        yield Variant("softmax over", words, _attention(context, axis=axis))


def _stage(context: StepContext) -> str:
    return _ALIKE.get(context.label, context.label)


def _attention(
    context: StepContext, *, mask: torch.Tensor | None = None, scale: float | None = None, axis: int = -1
) -> torch.Tensor:
    """Return what the context's step gives: scores (batch, heads, query tokens, key tokens), probabilities of the same
    shape, or the context (batch, heads, query tokens, head_dim). Without a mask A's own is used, if it has one.
    """
    stage = _stage(context)
    query, key = (
        context.nearest(turned if context.has(turned) else heads)
        for turned, heads in ((labels.ROTATED_QUERY, labels.QUERY_HEADS), (labels.ROTATED_KEY, labels.KEY_HEADS))
    )
    # What A itself computed is taken where it is at hand: two ways to the same number would part by rounding.
    scores = (
        context.nearest(labels.ATTENTION_SCORES)
        if context.has(labels.ATTENTION_SCORES)
        else query @ key.transpose(2, 3)
    )
    scores = scores * (query.shape[-1] ** -0.5 if scale is None else scale)
    if stage == labels.SCALED_ATTENTION_SCORES:
        return scores
    seen = _own_mask(context) if mask is None else mask
    if seen is not None and not bool(seen.all()):
        scores = scores.masked_fill(~seen, torch.finfo(scores.dtype).min)
    if stage == labels.MASKED_ATTENTION_SCORES:
        return scores
    probabilities = scores.softmax(dim=axis)
    if stage == labels.ATTENTION_PROBABILITIES:
        return probabilities
    if stage == labels.CONTEXT:
        return probabilities @ context.nearest(labels.VALUE_HEADS)
    raise Unknown


def _own_mask(context: StepContext) -> torch.Tensor | None:
    """Return which keys A's layer lets be seen, None where it applies no mask."""
    applied = (labels.MASKED_ATTENTION_SCORES, labels.FUSED_ATTENTION)
    given = (
        context.side.source(step, place)
        for step in context.side.steps
        if step.label in applied and step.layer == context.step.layer
        for place in range(1, len(step.inputs))
    )
    built = next((found[0].label for found in given if found is not None and found[0].label in labels.MASKS), None)
    if built is None:
        return None
    mask = context.nearest(built)
    return mask if mask.dtype == torch.bool else mask > torch.finfo(mask.dtype).min / 2
