"""Which step of a run an edit is made in: found by what the steps are, never by where they stand in the code."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from ...errors import UsageError
from ...loading.loaded import Loaded
from ...traces.edits import Kind
from ...traces.vocabulary import axes, labels, roles
from ..tracing.arguments import refs_in
from ..tracing.editing import Place
from ..tracing.step_record import StepRecord
from .layout import Layout, layout_of
from .survey import Survey

_CONTEXT = (labels.CONTEXT_FOLDED, labels.CONTEXT, labels.FUSED_ATTENTION)
"""What a head makes, before the output projection mixes the heads."""
_WHAT = {
    "layer": "hidden states from one layer to the next",
    "heads": "the context of its heads",
    "neurons": "what its neurons hand to the output projection",
}


@dataclass(frozen=True, kw_only=True)
class Target:
    """A tensor that can be edited.

    Attributes:
        place: of the step that returns it.
        layout: its heads, neurons or hidden states.
        shape: its shape in the run that was looked at.
        output: which of the tensors that the step returns it is.
        received: which of the tensors that a layer receives are the hidden states.
        returns: what a layer returns, with refs in the place of tensors.
    """

    place: Place
    layout: Layout
    shape: tuple[int, ...]
    output: int = 0
    received: int | None = None
    returns: Any = None

    def sees(self, rows: int, tokens: int) -> bool:
        """Whether the tensor has numbers for so many tokens of so many sentences."""
        seen = self.layout.view(torch.empty(self.shape, device="meta")).shape
        return tuple(seen[:2]) == (rows, tokens)


def targets(loaded: Loaded, survey: Survey, kind: Kind, layer: int) -> list[Target]:
    """Return what an edit of a kind is made in, in one layer: the hidden states that it returns, the context of its
    heads, or what its neurons hand on; several where the feed-forward part runs in chunks.

    Raises:
        UsageError: no step of the run is known to be that.
    """
    what = {"layer": "layer", "attention": "heads", "head": "heads"}.get(kind, "neurons")
    steps = [step for step in survey.steps if step.layer == layer]
    if what == "layer":
        found = [_layer(survey, step) for step in steps if step.role == roles.LAYER and step.kind == "module"]
    else:
        leaves = [step for step in steps if step.leaf and len(step.outputs) == 1]
        made = _contexts(survey, leaves) if what == "heads" else _neurons(survey, leaves)
        found = [_target(loaded, survey, step) for step in made]
    known = [target for target in found if target is not None]
    if not known or len(known) < len(found):
        raise UsageError(
            f"layer {layer} of this model computes {_WHAT[what]} in a way that is not known here",
            "bert-inspect run shows its steps, each by what it is",
        )
    return known


def _contexts(survey: Survey, steps: list[StepRecord]) -> list[StepRecord]:
    """Return the step that makes the context: the first, as others only lay it out anew."""
    return [step for step in steps if survey.label(step) in _CONTEXT][:1]


def _neurons(survey: Survey, steps: list[StepRecord]) -> Iterator[StepRecord]:
    """Yield the steps that make what the output projection receives: gated, where there is a gate."""
    gated = [step for step in steps if survey.label(step) == labels.GATED_INTERMEDIATE]
    activated = [step for step in steps if step.part == roles.FEED_FORWARD and labels.is_activation(survey.label(step))]
    made: set[int] = set()
    for step in gated or activated:
        if made.isdisjoint(seen.number for seen in step.inputs):  # else it lays out anew what another made
            yield step
        made.update(seen.number for seen in step.outputs)


def _target(loaded: Loaded, survey: Survey, step: StepRecord) -> Target | None:
    output = step.outputs[0]
    layout = layout_of(survey.found.names.axes.get(output.number), loaded.sizes["heads"])
    if layout is None or list(layout.axes) == axes.HIDDEN:
        return None
    return Target(place=survey.places[step.id], layout=layout, shape=output.shape)


def _layer(survey: Survey, step: StepRecord) -> Target | None:
    known, place = survey.found.names.axes, survey.places[step.id]
    outputs = [at for at, seen in enumerate(step.outputs) if known.get(seen.number) == axes.HIDDEN]
    received = [at for at, seen in enumerate(step.inputs) if known.get(seen.number) == axes.HIDDEN]
    if not outputs or not received or step.outputs[outputs[0]].shape != step.inputs[received[0]].shape:
        return None
    return Target(
        place=place,
        layout=Layout(axes=tuple(axes.HIDDEN)),
        shape=step.outputs[outputs[0]].shape,
        output=outputs[0],
        received=received[0],
        returns=survey.returned[place[0]],
    )


def received(survey: Survey, layer: int) -> Target:
    """Return the hidden states that a layer receives, in the step that hands them on: the layer before, or what stands
    between the two.

    Raises:
        UsageError: no step of the run is known to be that.
    """
    known, steps = survey.found.names.axes, survey.steps
    own = next(
        (step for step in steps if step.role == roles.LAYER and step.kind == "module" and step.layer == layer), None
    )
    hidden = [] if own is None else [seen for seen in own.inputs if known.get(seen.number) == axes.HIDDEN]
    around: set[int] = set()  # an encoder may return all hidden states, but then its layers have run
    while own is not None and own.parent is not None:
        own = steps[own.parent]
        around.add(own.id)
    for step in steps if hidden else ():
        for at, seen in enumerate(() if step.id in around else step.outputs):
            if seen.number == hidden[0].number:
                return Target(
                    place=survey.places[step.id], layout=Layout(axes=tuple(axes.HIDDEN)), shape=seen.shape, output=at
                )
    raise UsageError(
        f"this model makes the hidden states before layer {layer} in a way that is not known here",
        "bert-inspect run shows its steps, each by what it is",
    )


def only_hidden_states(target: Target) -> bool:
    """Whether a layer returns nothing but hidden states, so that it need not run to hand others on."""
    return len(refs_in(target.returns, "")) == 1
