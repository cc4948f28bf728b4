"""What the commands have in common that show attention: how much of it is kept, and how to take it from a trace."""

from typing import TYPE_CHECKING

from ..errors import UsageError
from .flags import in_flags

if TYPE_CHECKING:
    from ..analysis.attention import LayerAttention
    from ..loading.loaded import Loaded
    from ..traces.record import Input, Trace


def check_amount(loaded: "Loaded", batch: "Input", layers: int) -> None:
    """Refuse the attention of more layers than can be held.

    Raises:
        UsageError: there are more numbers than a trace may hold.
    """
    from ..capture.attention_spec import probabilities_in
    from ..traces.values import VALUES_LIMIT

    tokens, count = len(batch.tokens[0]), probabilities_in(loaded, batch, layers)
    if count > VALUES_LIMIT:
        raise UsageError(
            f"attention over {len(batch.tokens)} x {tokens} tokens is {count:,} numbers, the limit is {VALUES_LIMIT:,}",
            "name fewer layers with --layer, or give fewer sentences",
        )


def layers_that_fit(loaded: "Loaded", batch: "Input", wanted: list[int], left_out: list[str]) -> list[int]:
    """Return as many of the wanted layers as can be held, the last ones first; what is left out is added to a list."""
    from ..capture.attention_spec import probabilities_in
    from ..traces.values import VALUES_LIMIT

    one, all_ = probabilities_in(loaded, batch, 1), probabilities_in(loaded, batch, len(wanted))
    held = wanted[max(0, len(wanted) - VALUES_LIMIT // one) :]
    if not held:
        left_out.append(f"attention: one layer alone has {one:,} numbers; give fewer sentences")
    elif len(held) < len(wanted):
        left_out.append(
            f"attention: of {len(wanted)} layers only {', '.join(map(str, held))}; all have {all_:,} numbers. "
            "--layer chooses others"
        )
    return held


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


def attention_of_run(trace: "Trace") -> "list[LayerAttention]":
    """Return the attention of a run of which its values were kept.

    Raises:
        UsageError: none of its steps is known to be attention.
    """
    from ..analysis.attention import attentions

    try:
        return attentions(trace)
    except UsageError as error:
        raise UsageError(
            "no step of this run is known to be attention from tokens to tokens",
            "bert-inspect run shows the steps that ran, each by what it is",
        ) from error
