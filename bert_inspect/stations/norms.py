"""What a layer norm and a residual connection do, in words that hold for each of them."""

from ..traces.record import Step


def norm_text(step: Step) -> tuple[str, ...]:
    """Return sentences on a layer norm."""
    width = step.outputs[0].shape[-1]
    return (
        f"A layer norm looks at each token by itself: from its {width:,} numbers it takes their mean and divides by "
        "their standard deviation.",
        "Then each place is multiplied by a weight of its own" + (" and a bias is added." if has_bias(step) else "."),
    )


def has_bias(step: Step) -> bool:
    """Whether a norm or a linear layer adds a bias, as its constructor's arguments say."""
    return "bias=False" not in step.arguments
