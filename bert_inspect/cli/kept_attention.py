"""What a run must keep so that its attention can be shown, and how to take it from there."""

from typing import TYPE_CHECKING

from ..errors import UsageError
from .flags import in_flags

if TYPE_CHECKING:
    from ..analysis.attention import LayerAttention
    from ..loading.loaded import Loaded
    from ..traces.record import Input, Trace


def run_for_attention(loaded: "Loaded", batch: "Input", layers: list[int]) -> "Trace":
    """Run the model once and keep what attention is taken from, and no more: the probabilities where the model computes
    them; else queries, keys, values, the mask and the fused output.

    Raises:
        UsageError: there are more numbers than a trace may hold.
    """
    from ..capture.forward import run_forward
    from ..capture.keep import VALUES_LIMIT, Keep
    from ..traces.selection import Selection

    config = loaded.model.config
    tokens = len(batch.tokens[0])
    count = count_of(loaded, batch, len(layers) or config.num_hidden_layers)
    if count > VALUES_LIMIT:
        raise UsageError(
            f"attention over {len(batch.tokens)} x {tokens} tokens is {count:,} numbers, the limit is {VALUES_LIMIT:,}",
            "name fewer layers with --layer, or give fewer sentences",
        )
    paths = [f"**.layer.{number}.attention.self" for number in layers] or ["**.attention.self"]
    eager = config._attn_implementation == "eager"
    selection = Selection.parse(module=paths if eager else [*paths, "bert"], level="module" if eager else "op")
    return run_forward(loaded, batch, selection=selection, keep=Keep(values="full"))[0]


def count_of(loaded: "Loaded", batch: "Input", layers: int) -> int:
    """Return how many probabilities so many layers have."""
    heads: int = loaded.model.config.num_attention_heads
    return layers * heads * len(batch.tokens) * len(batch.tokens[0]) ** 2


def recorded_attention(trace: "Trace") -> "list[LayerAttention]":
    """Return the attention that a trace holds.

    Raises:
        UsageError: it holds none.
    """
    from ..analysis.attention import attentions

    try:
        return attentions(trace)
    except UsageError as error:
        hint = in_flags(error.hint or "")
        raise UsageError(
            error.message, f"{hint}, or without --trace: this command keeps what it needs by itself"
        ) from error
