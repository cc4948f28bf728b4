"""Stations of one layer besides its attention: what is added, normed, widened and narrowed again."""

from collections.abc import Iterator

from ..traces.record import Step
from ..traces.vocabulary import labels, roles
from .norms import has_bias, norm_text
from .station import Station, Tensor
from .tour import Tour

_NAMES = {roles.ATTENTION: "attention", roles.FEED_FORWARD: "feed-forward"}


def residual(tour: Tour, part: str) -> Station | None:
    """What a part of a layer received, added to what it made."""
    step = tour.in_layer(labels.RESIDUAL_SUM, part=part)
    if step is None:
        return None
    attention = part == roles.ATTENTION
    what = "layer" if attention else "feed-forward part"
    return tour.station(
        step,
        name=f"{_NAMES[part]}-residual",
        title=f"Residual sum of the {_NAMES[part]}",
        question="What becomes of the vector that came in?",
        text=(
            f"The vector with which each token came into the {what} is added to what was made of it.",
            f"So the {_NAMES[part]} does not replace the vector, it writes a change onto it; and in training the "
            "gradient has a short way back.",
        ),
    )


def norm(tour: Tour, part: str) -> Station | None:
    """The norm of a part of a layer."""
    step = tour.in_layer(labels.LAYER_NORM, part=part)
    if step is None:
        return None
    added = tour.in_layer(labels.RESIDUAL_SUM, part=part)
    before = added is not None and step.id < added.id
    told = norm_text(step)
    if before:
        told = (
            *told,
            f"In this model the norm stands before the {_NAMES[part]}; the sum after it is not normed.",
        )
    return tour.station(
        step,
        name=f"{_NAMES[part]}-norm",
        title=f"Layer norm of the {_NAMES[part]}",
        question="How are the numbers kept in a common range?",
        text=told,
    )


def intermediate(tour: Tour) -> Station | None:
    """The wide linear layer."""
    step = tour.in_layer(labels.INTERMEDIATE_PROJECTION, labels.INPUT_AND_GATE_PROJECTION)
    if step is None:
        return None
    narrow, wide = step.inputs[0].shape[-1], step.outputs[0].shape[-1]
    gated = step.label == labels.INPUT_AND_GATE_PROJECTION
    told = [
        "Attention has brought the tokens together; now each is worked on by itself.",
        f"A linear layer makes {wide:,} numbers out of its {narrow:,}.",
    ]
    if gated:
        told.append(f"Half of them, {wide // 2:,}, go through the activation, the other half will be a gate.")
    else:
        told.append(
            "Each of these is a neuron: a weighted sum of the token's numbers"
            + (", and a bias." if has_bias(step) else ".")
        )
    return tour.station(
        step,
        name="intermediate",
        title="Intermediate projection",
        question="What happens to each token by itself?",
        text=tuple(told),
    )


def activation(tour: Tour) -> Station | None:
    """The activation of the feed-forward part, and a gate where there is one."""
    made = _activation(tour)
    if made is None:
        return None
    name = tour.activation
    told = (
        "Linear layers in a row would be one linear layer. The activation between them is not linear, and so the "
        "layer can compute what no weighted sum can.",
        f"The function {name} is applied to each number by itself.",
    )
    if name in _SMOOTH:
        told = (
            told[0],
            "GELU lets large positive numbers through nearly as they are, makes large negative ones nearly 0, and "
            "bends smoothly in between.",
        )
    elif name == "relu":
        told = (told[0], "ReLU lets positive numbers through as they are and makes 0 of negative ones.")
    elif name in _NONE:
        told = (
            "Most models bend the numbers here, for linear layers in a row could be one linear layer.",
            "This one hands them on as they are.",
        )
    return Station(
        name="activation",
        title=f"Activation: {name}",
        question="Where does the layer stop being a sum?",
        text=told,
        steps=(made.id,),
        shown=(Tensor(step=made.id),),
        told=Tensor(step=made.id),
        component=tour.around(_outermost(tour, made)),
        more=tour.code(_outermost(tour, made)),
    )


_SMOOTH = frozenset(("gelu", "gelu_new", "gelu_fast", "gelu_python", "gelu_pytorch_tanh", "gelu_python_tanh"))
"""Names of GELU, exact or by a formula that comes close to it."""
_NONE = frozenset(("linear", "identity"))
"""Names of an activation that does nothing."""


def _activation(tour: Tour) -> Step | None:
    found = [
        step
        for step in tour.trace.steps
        if step.layer == tour.first
        and step.part == roles.FEED_FORWARD
        and labels.is_activation(step.label)
        and tour.is_leaf(step)
        and step.outputs
    ]
    return found[-1] if found else None


def _outermost(tour: Tour, step: Step) -> Step:
    """Return the module that an activation is, where it is one; else the step itself."""
    while step.parent is not None and labels.is_activation(tour.trace.steps[step.parent].label):
        step = tour.trace.steps[step.parent]
    return step


def gate(tour: Tour) -> Station | None:
    """The gate, where a model has one."""
    step = tour.in_layer(labels.GATED_INTERMEDIATE)
    if step is None:
        return None
    return tour.station(
        step,
        name="gate",
        title="Gate",
        question="What does the gate do?",
        text=(
            "Each activated number is multiplied by its gate, the number in the same place of the other half.",
            "A gate near 0 shuts its number off; which gates are open is worked out from the token itself.",
        ),
    )


def output(tour: Tour) -> Station | None:
    """The linear layer back to the width of the hidden states."""
    step = tour.in_layer(labels.OUTPUT_PROJECTION)
    if step is None:
        return None
    wide, narrow = step.inputs[0].shape[-1], step.outputs[0].shape[-1]
    return tour.station(
        step,
        name="output",
        title="Output projection",
        question="How does a token get its old size back?",
        text=(
            f"A second linear layer makes {narrow:,} numbers out of the {wide:,}.",
            "Each neuron has a fixed vector there, and adds it as strongly as the neuron is active.",
        ),
    )


def stations(tour: Tour) -> Iterator[Station | None]:
    """Yield the stations of the layer besides those inside its attention."""
    for part in (roles.ATTENTION, roles.FEED_FORWARD):
        yield residual(tour, part)
        yield norm(tour, part)
    yield intermediate(tour)
    yield activation(tour)
    yield gate(tour)
    yield output(tour)
