"""Attention and embeddings computed by hand from what a trace recorded under their labels."""

from typing import Any

import torch
from families.tiny import as_loaded, batch, tiny
from helpers import values_of

from bert_inspect.capture.forward import run_forward
from bert_inspect.capture.keep import Keep
from bert_inspect.families import Family
from bert_inspect.families.heads import Head
from bert_inspect.traces.record import Input, Trace


def recorded(
    family: Family, head: Head, *, attention: str = "eager", padding: str = "right", **changes: Any
) -> tuple[Any, Input, Trace]:
    """A tiny model, its batch, and the trace with all values."""
    model, given = tiny(family, head, attention=attention, **changes), batch(family, padding=padding)
    return model, given, run_forward(as_loaded(model), given, keep=Keep(values="full"))[0]


def labelled(trace: Trace, label: str, *, layer: int | None = None, part: str | None = None) -> torch.Tensor:
    """What the first step of a label returned, of a layer and in a part of the model."""
    for step in trace.steps:
        if step.label == label and step.layer == layer and part in (None, step.part) and step.outputs:
            return values_of(step)
    raise AssertionError(f"nothing is labelled {label!r}")


def attention_by_hand(trace: Trace, given: Input, layer: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Scaled scores of a layer from its heads, probabilities over the tokens that are no padding, and the context."""
    query, key, value = (labelled(trace, f"{name} heads", layer=layer).double() for name in ("query", "key", "value"))
    scores = torch.einsum("bhqd,bhkd->bhqk", query, key) / query.shape[-1] ** 0.5
    hidden = torch.tensor(given.attention_mask)[:, None, None, :] == 0
    probabilities = scores.masked_fill(hidden, float("-inf")).softmax(dim=-1)
    return scores, probabilities, torch.einsum("bhqk,bhkd->bhqd", probabilities, value)


def heads_by_hand(model: Any, trace: Trace, layer: int, path: str) -> dict[str, torch.Tensor]:
    """The heads of queries, keys and values of a layer, from what it received and the weights at ``path``."""
    step = next(step for step in trace.steps if step.label == f"layer {layer}")
    hidden = next(values_of(trace.steps[tensor.from_]) for tensor in step.inputs[:1] if tensor.from_ is not None)
    made = {}
    for name in ("query", "key", "value"):
        projection = model.get_submodule(f"{path}.{name}")
        flat = hidden @ projection.weight.T + projection.bias
        heads = trace.model.sizes.heads or 1
        made[name] = flat.unflatten(-1, (heads, -1)).movedim(2, 1)
    return made
