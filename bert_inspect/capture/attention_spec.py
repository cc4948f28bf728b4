"""What a run must keep so that its attention can be taken from its trace."""

from collections.abc import Sequence

from ..loading.loaded import Loaded
from ..traces.record import Input
from ..traces.selection import Level, Selection
from ..traces.vocabulary import roles
from .keep import Keep, TraceSpec


def attention_spec(loaded: Loaded, layers: Sequence[int] = ()) -> TraceSpec:
    """Return what to keep of these encoder layers (none: of all), and no more: the probabilities where the model
    computes them; else queries, keys, values, the mask and the fused output.
    """
    family = loaded.family
    paths = [
        path
        for path in loaded.modules()
        if family.role(path) == roles.SELF_ATTENTION
        and (not layers or not {*layers}.isdisjoint(family.layers_of(path, loaded.layers)))
    ]
    eager = loaded.model.config._attn_implementation == "eager"
    if not eager:
        paths.append(loaded.path(roles.BODY) or "")  # in whose forward the mask is built
    level: Level = "module" if eager and family.returns_attention else "op"
    selection = Selection(layers=frozenset(layers), patterns=tuple(paths), level=level, exact=True)
    return TraceSpec(selection=selection, keep=Keep(values="full"))


def probabilities_in(loaded: Loaded, batch: Input, layers: int) -> int:
    """Return how many probabilities so many layers have: heads x query tokens x key tokens for each sentence."""
    return layers * loaded.sizes["heads"] * len(batch.tokens) * len(batch.tokens[0]) ** 2
