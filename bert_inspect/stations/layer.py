"""Stations of the rest of a layer: what is added, normed, widened and narrowed again; and the other layers."""

from collections.abc import Iterator

import numpy as np

from ..traces.record import Step
from ..traces.sentences import real_places
from ..traces.token_text import token_texts
from ..traces.vocabulary import labels, roles
from .norms import has_bias, norm_text
from .station import Command, Station, Table, Tensor
from .tour import Tour, joined, several

_NAMES = {roles.ATTENTION: "attention", roles.FEED_FORWARD: "feed-forward"}


def residual(tour: Tour, part: str) -> Station | None:
    """What a part of a layer received, added to what it made."""
    step = tour.in_layer(labels.RESIDUAL_SUM, part=part)
    if step is None:
        return None
    attention = part == roles.ATTENTION
    what = "layer" if attention else "feed-forward part"
    return Station(
        name=f"{_NAMES[part]}-residual",
        title=f"Residual sum of the {_NAMES[part]}",
        question="What becomes of the vector that came in?",
        text=(
            f"The vector with which each token came into the {what} is added to what was made of it.",
            f"So the {_NAMES[part]} does not replace the vector, it writes a change onto it; and in training the "
            "gradient has a short way back.",
        ),
        steps=(step.id,),
        shown=(Tensor(step=step.id),),
        told=Tensor(step=step.id),
        component=tour.around(step),
        more=tour.code(step),
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
    return Station(
        name=f"{_NAMES[part]}-norm",
        title=f"Layer norm of the {_NAMES[part]}",
        question="How are the numbers kept in a common range?",
        text=told,
        steps=(step.id,),
        shown=(Tensor(step=step.id),),
        told=Tensor(step=step.id),
        component=tour.around(step),
        more=tour.code(step),
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
    return Station(
        name="intermediate",
        title="Intermediate projection",
        question="What happens to each token by itself?",
        text=tuple(told),
        steps=(step.id,),
        shown=(Tensor(step=step.id),),
        told=Tensor(step=step.id),
        component=tour.around(step),
        more=tour.code(step),
    )


def activation(tour: Tour) -> Station | None:
    """The activation of the feed-forward part, and a gate where there is one."""
    made = _activation(tour)
    if made is None:
        return None
    name = tour.activation
    kind = {
        "gelu": "GELU lets large positive numbers through nearly as they are, makes large negative ones nearly 0, and "
        "bends smoothly in between.",
        "relu": "ReLU lets positive numbers through as they are and makes 0 of negative ones.",
    }.get(name.partition("_")[0], f"The {name} is applied to each number by itself.")
    return Station(
        name="activation",
        title=f"Activation: {name}",
        question="Where does the layer stop being a sum?",
        text=(
            "Linear layers in a row would be one linear layer. The activation between them bends every number, and so "
            "the layer can compute what no weighted sum can.",
            kind,
        ),
        steps=(made.id,),
        shown=(Tensor(step=made.id),),
        told=Tensor(step=made.id),
        component=tour.around(_outermost(tour, made)),
        more=tour.code(_outermost(tour, made)),
    )


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
    return Station(
        name="gate",
        title="Gate",
        question="What does the gate do?",
        text=(
            "Each activated number is multiplied by its gate, the number in the same place of the other half.",
            "A gate near 0 shuts its number off; which gates are open is worked out from the token itself.",
        ),
        steps=(step.id,),
        shown=(Tensor(step=step.id),),
        told=Tensor(step=step.id),
        component=tour.around(step),
        more=tour.code(step),
    )


def output(tour: Tour) -> Station | None:
    """The linear layer back to the width of the hidden states."""
    step = tour.in_layer(labels.OUTPUT_PROJECTION)
    if step is None:
        return None
    wide, narrow = step.inputs[0].shape[-1], step.outputs[0].shape[-1]
    return Station(
        name="output",
        title="Output projection",
        question="How does a token get its old size back?",
        text=(
            f"A second linear layer makes {narrow:,} numbers out of the {wide:,}.",
            "Each neuron has a fixed vector there, and adds it as strongly as the neuron is active.",
        ),
        steps=(step.id,),
        shown=(Tensor(step=step.id),),
        told=Tensor(step=step.id),
        component=tour.around(step),
        more=tour.code(step),
    )


def convolution(tour: Tour) -> Station | None:
    """The convolution over neighbouring tokens, where a model has one."""
    step = tour.step(labels.CONVOLUTION)
    if step is None:
        return None
    return Station(
        name="convolution",
        title="Convolution",
        question="How does a token see its neighbours at once?",
        text=(
            "Besides the first layer this model runs a convolution: each token's numbers are made out of those of its "
            "neighbours and its own.",
            "What it makes is added to what the first layer returned.",
        ),
        steps=(step.id,),
        shown=(Tensor(step=step.id),),
        told=Tensor(step=step.id),
        component=tour.around(step),
        more=tour.code(step),
    )


def other_layers(tour: Tour) -> Station | None:
    """The layers after the one that was walked through."""
    rest = len(tour.layers) - 1
    if tour.first is None:
        return None
    told = []
    if rest:
        times = {1: "once more", 2: "twice more"}.get(rest, f"{rest} times more")
        which = (
            "the same weights, for one layer is called again and again" if tour.family.shares_layer else "other weights"
        )
        if tour.first == tour.layers[0]:
            told.append(f"What layer {tour.first} did is done {times}, on the vectors that it returned, with {which}.")
        else:
            told.append(f"Each of the {len(tour.layers)} layers works on the vectors of the one before, with {which}.")
        told += _differences(tour)
    else:
        told.append("This model has one layer only.")
    table = _moves(tour)
    if table is not None:
        told.append(
            "The table says how far each layer moves the tokens of this text: the length of the change, as a "
            "share of the length of the vector that came in."
        )
    layer = tour.module(roles.LAYER, layer=tour.first)
    return Station(
        name="all-layers",
        title="And so on, layer by layer" if rest else "The only layer",
        question="What do the other layers do?" if rest else "Are there more layers?",
        text=tuple(told),
        tables=(table,) if table is not None else (),
        steps=() if layer is None else (layer.id,),
        component=tour.around(layer),
        depth=2,
        more=Command(("run",), ("--fold",)),
    )


def _differences(tour: Tour) -> list[str]:
    """Return a sentence on the layers that run other steps than the first, where there are some."""

    def labels_of(layer: int) -> frozenset[tuple[str, str]]:
        steps = (step for step in tour.trace.steps if step.layer == layer and step.label != labels.layer(layer))
        return frozenset((step.label, step.part) for step in steps)

    first = labels_of(tour.layers[0])
    other = [layer for layer in tour.layers[1:] if labels_of(layer) != first]
    local = [layer for layer in tour.layers if is_local(tour, layer)]
    told = []
    if local and len(local) < len(tour.layers):
        told.append(f"In {_listed(local)} attention is local: a token sees its neighbours only.")
    if other:
        told.append(
            f"{_listed(other).capitalize()} {'have' if len(other) > 1 else 'has'} other steps than layer "
            f"{tour.layers[0]}."
        )
    return told


def is_local(tour: Tour, layer: int) -> bool:
    """Whether a layer's attention is given the local mask."""
    return any(
        tensor.from_ is not None and tour.trace.steps[tensor.from_].label == labels.LOCAL_ATTENTION_MASK
        for step in tour.trace.steps
        if step.layer == layer
        for tensor in step.inputs
    )


def _listed(layers: list[int]) -> str:
    if len(layers) == 1:
        return f"layer {layers[0]}"
    if len(layers) > 4:
        return f"{several(len(layers), 'layer')} ({', '.join(map(str, layers[:3]))} ...)"
    return f"layers {joined([str(layer) for layer in layers])}"


def _moves(tour: Tour) -> Table | None:
    """Return how far each layer moves the tokens of the sentence; None without numbers."""
    real = real_places(tour.batch, tour.row)
    tokens = token_texts(tour.batch, tour.row)
    rows = []
    for layer in tour.layers:
        pair = [tour.hidden_state(number) for number in (layer, layer + 1)]
        held = [None if step is None else tour.values(step) for step in pair]
        before, after = held
        if before is None or after is None or before.shape != after.shape or before.ndim != 3:
            return None
        with np.errstate(all="ignore"):  # of numbers that are no numbers nothing is told
            old = before[tour.row][real].astype(np.float64)
            change = after[tour.row][real].astype(np.float64) - old
            moved = np.linalg.norm(change, axis=1) / np.linalg.norm(old, axis=1)
        if not real or not np.isfinite(moved).all():
            return None
        most = int(moved.argmax())
        rows.append((str(layer), _share(moved.mean()), f"{tokens[real[most]]} {_share(moved[most])}"))
    return Table(headers=("layer", "mean", "most"), rows=tuple(rows), numbers=(0, 1)) if rows else None


def _share(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def final_norm(tour: Tour) -> Station | None:
    """The norm after the last layer, where there is one."""
    step = tour.step(labels.FINAL_NORM)
    if step is None:
        return None
    return Station(
        name="final-norm",
        title="Final norm",
        question="What comes after the last layer?",
        text=(
            "The sums that the layers returned were never normed as a whole; one layer norm does it at the end.",
            *norm_text(step),
        ),
        steps=(step.id,),
        shown=(Tensor(step=step.id),),
        told=Tensor(step=step.id),
        component=tour.around(step),
        more=tour.code(step),
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
