"""Whether a model that somebody hands over was trained: told by the parameters that training never leaves alone."""

from typing import Any, Literal

from ..families import Family


def weights_of(model: Any, family: Family) -> tuple[Literal["pretrained", "partial", "random", "none"], list[str]]:
    """Return what a model's weights are, and the parameters that stand as they were drawn.

    Transformers draws the matrices at random and sets every bias to 0 and every LayerNorm to 1 and 0
    (``PreTrainedModel._init_weights``). A step of training moves all of them, so a body, or a head, in which each one
    still has that value was not trained. A name is no evidence: a model built from the configuration of a checkpoint
    bears it too.
    """
    named = dict(model.named_parameters())
    if any(parameter.is_meta for parameter in named.values()):
        return "none", []
    in_head = {name for name in named if not family.in_body(name)}
    body_drawn = _as_drawn([named[name] for name in named if name not in in_head])
    head_drawn = _as_drawn([named[name] for name in in_head])
    if not (head_drawn if in_head else body_drawn):
        return "pretrained", []
    return ("random", list(named)) if body_drawn else ("partial", sorted(in_head))


def _as_drawn(parameters: list[Any]) -> bool:
    """Whether there are vectors (biases and the scales of norms), and each is 0 everywhere or 1 everywhere."""
    vectors = [parameter.detach() for parameter in parameters if parameter.dim() == 1 and len(parameter)]
    return bool(vectors) and all(bool((vector == vector[0]).all()) and vector[0] in (0, 1) for vector in vectors)
