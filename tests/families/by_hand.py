"""Attention and embeddings computed by hand from the tensors of a trace, by their labels alone."""

import torch
from families.tiny import as_loaded, batch, tiny
from helpers import values_of

from bert_inspect.capture.forward import run_forward
from bert_inspect.capture.keep import Keep
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import Head
from bert_inspect.traces.record import Step, Trace


def traced(name: str, head: Head, *, attention: str = "eager", padding: str = "right", **changes: object) -> Trace:
    """A run of a tiny model of a family on the batch that all are run on, with all its numbers."""
    family = FAMILIES[name]
    loaded = as_loaded(tiny(family, head, attention=attention, **changes))
    return run_forward(loaded, batch(family, padding=padding), keep=Keep(values="full"))[0]


def steps(trace: Trace, label: str, layer: int | None = None) -> list[Step]:
    """The innermost steps of a label, in a layer or outside of all."""
    above = {step.parent for step in trace.steps}
    return [step for step in trace.steps if (step.label, step.layer) == (label, layer) and step.id not in above]


def value(trace: Trace, label: str, layer: int | None = None, *, place: int = -1) -> torch.Tensor:
    """The numbers of what bears a label: of the last step in a layer that does."""
    return values_of(steps(trace, label, layer)[place])


def scores_of(trace: Trace, layer: int) -> torch.Tensor:
    """Scaled scores from queries and keys: (batch, heads, query tokens, key tokens)."""
    query, key = value(trace, "query heads", layer), value(trace, "key heads", layer)
    return query @ key.mT / query.shape[-1] ** 0.5


def real(trace: Trace) -> torch.Tensor:
    """Which tokens are no padding: (batch, tokens)."""
    return torch.tensor(trace.input.attention_mask, dtype=torch.bool)


def context_of(trace: Trace, layer: int, scores: torch.Tensor) -> torch.Tensor:
    """What attention makes of scores: probabilities over the real keys, times the values."""
    hidden = torch.where(real(trace)[:, None, None, :], scores, -torch.inf)
    return hidden.softmax(-1) @ value(trace, "value heads", layer)


def check_attention(trace: Trace, layer: int, scores: torch.Tensor) -> None:
    """Hold what a layer recorded against what follows from its queries, keys and values, and from the mask that the
    tokens say; scores are the scaled ones with all that the family adds to them.
    """
    computed = context_of(trace, layer, scores)
    if fused := steps(trace, "fused attention", layer):
        torch.testing.assert_close(values_of(fused[0]), computed)
    else:
        probabilities = torch.where(real(trace)[:, None, None, :], scores, -torch.inf).softmax(-1)
        torch.testing.assert_close(value(trace, "attention probabilities", layer), probabilities)
        torch.testing.assert_close(value(trace, "context", layer), computed)
    joined = computed.transpose(1, 2).flatten(2)
    torch.testing.assert_close(value(trace, "context reshaped", layer), joined)


def linear(model: torch.nn.Module, path: str, given: torch.Tensor) -> torch.Tensor:
    """A product with the weight of a module and its bias."""
    module = model.get_submodule(path)
    return given @ module.weight.T + module.bias


def normed(module: torch.nn.Module, given: torch.Tensor, eps: float = 1e-12) -> torch.Tensor:
    """A layer norm by its definition (Ba, Kiros, Hinton, 2016)."""
    centred = given - given.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + eps).sqrt() * module.weight + module.bias
