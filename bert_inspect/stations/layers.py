"""Stations on all layers: what the others do, how far each moves the tokens, what comes after the last."""

from collections.abc import Iterator

import numpy as np

from ..traces.sentences import real_places
from ..traces.token_text import token_texts
from ..traces.vocabulary import labels, roles
from .norms import norm_text
from .station import Command, Station, Table
from .tour import Tour, joined, several


def convolution(tour: Tour) -> Station | None:
    """The convolution over neighbouring tokens, where a model has one."""
    step = tour.step(labels.CONVOLUTION)
    if step is None:
        return None
    return tour.station(
        step,
        name="convolution",
        title="Convolution",
        question="How does a token see its neighbours at once?",
        text=(
            "Besides the first layer this model runs a convolution: each token's numbers are made out of those of its "
            "neighbours and its own.",
            "What it makes is added to what the first layer returned.",
        ),
    )


def other_layers(tour: Tour) -> Station | None:
    """The layers after the one that was walked through."""
    rest = len(tour.layers) - 1
    if tour.first is None:
        return None
    told = []
    if rest:
        times = {1: "once more", 2: "twice more"}.get(rest, f"{rest} times more")
        which = _weights(tour)
        if tour.first == tour.layers[0]:
            told.append(f"What layer {tour.first} did is done {times}, on the vectors that it returned, with {which}.")
        else:
            told.append(f"Each of the {len(tour.layers)} layers works on what the one before returned, with {which}.")
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


def _weights(tour: Tour) -> str:
    """Return in words which weights the layers have: a layer that is called again has those that it had before."""
    modules = [tour.module(roles.LAYER, layer=layer) for layer in tour.layers]
    count = len({module.path for module in modules if module is not None})
    if count == 1:
        return "the same weights, for one layer is called again and again"
    return "other weights" if count == len(modules) else f"{count} sets of weights that all {len(modules)} layers share"


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
        told.append(f"In {_listed(local)} attention is local: a token sees only those that stand near it.")
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
    return tour.station(
        step,
        name="final-norm",
        title="Final norm",
        question="What comes after the last layer?",
        text=(
            "The sums that the layers returned were never normed as a whole; one layer norm does it at the end.",
            *norm_text(step),
        ),
    )


def stations(tour: Tour) -> Iterator[Station | None]:
    """Yield them."""
    yield convolution(tour)
    yield other_layers(tour)
    yield final_norm(tour)
