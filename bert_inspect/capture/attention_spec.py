"""What a run must keep so that its attention can be taken from its trace."""

from collections.abc import Sequence

from ..loading.loaded import Loaded
from ..traces.record import Input
from ..traces.selection import Selection
from ..traces.vocabulary import roles
from .keep import Keep, TraceSpec


def attention_spec(loaded: Loaded, layers: Sequence[int] = ()) -> TraceSpec:
    """Return what to keep of these encoder layers (none: of all), and no more: the probabilities where the model
    computes them; else queries, keys, values, the mask and the fused output.
    """
    family = loaded.family
    paths = [
        path
        for path, module in loaded.modules().items()
        if family.role(path) == roles.SELF_ATTENTION and (not layers or module.layer in layers)
    ]
    eager = loaded.model.config._attn_implementation == "eager"
    if not eager and (body := loaded.path(roles.BODY)) is not None:
        paths.append(body)  # in whose forward the mask is built
    selection = Selection(
        patterns=tuple(paths), level="module" if eager and family.returns_probabilities else "op", exact=True
    )
    return TraceSpec(selection=selection, keep=Keep(values="full"))


def probabilities_in(loaded: Loaded, batch: Input, layers: int) -> int:
    """Return how many probabilities so many layers have: heads x query tokens x key tokens for each sentence."""
    return layers * loaded.sizes["heads"] * len(batch.tokens) * len(batch.tokens[0]) ** 2
