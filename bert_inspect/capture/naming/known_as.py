"""Which tensors transformers returns, and under which name."""

from collections.abc import Sequence

from ...traces.vocabulary import known_as, labels, roles
from ..tracing.step_record import StepRecord


def known_names(steps: Sequence[StepRecord], named: Sequence[str]) -> dict[int, list[str]]:
    """Return the names under which transformers returns a tensor, by its number; ``named`` are the labels.

    ``hidden_states`` are what the first encoder layer receives and what each layer returns, or what a convolution makes
    of that, the last one of them what the body returns (behind a final norm, where there is one); ``attentions`` the
    second thing that each self-attention returns, or would if it were asked; the rest are the keys of the model's own
    outputs.
    """
    known: dict[int, list[str]] = {}

    def name(number: int, as_: str) -> None:
        before = known.setdefault(number, [])
        if as_ not in before:
            before.append(as_)

    modules = [step for step in steps if step.kind == "module" and step.outputs]
    # In the order of the calls, as transformers collects them: one layer may be called twice.
    layers = [step for step in modules if _is_encoder_layer(step, steps)]
    for place, step in enumerate(layers):
        if place == 0 and step.inputs:
            name(step.inputs[0].number, known_as.hidden_state(0))
        name((_after(step, modules) or step).outputs[0].number, known_as.hidden_state(place + 1))
    attentions = (step for step in modules if step.role == roles.SELF_ATTENTION and step.layer is not None)
    found = (_probabilities(step, steps, named) for step in attentions)
    for place, number in enumerate(number for number in found if number is not None):
        name(number, known_as.attention(place))
    for step in modules:
        for seen in step.outputs:
            if seen.name in known_as.RETURNED:
                name(seen.number, seen.name)
    return known


def _is_encoder_layer(step: StepRecord, steps: Sequence[StepRecord]) -> bool:
    """Whether a step is a layer that the encoder calls, or a group of layers in it, or the body where it is the encoder
    itself.
    """
    if step.role != roles.LAYER or step.parent is None:
        return False
    around = steps[step.parent].role
    without_encoder = all(each.role != roles.ENCODER for each in steps)
    return around in (roles.ENCODER, roles.LAYER_GROUP) or (without_encoder and around in _BODIES)


_BODIES = (roles.BODY, roles.MODEL)


def _after(layer: StepRecord, modules: Sequence[StepRecord]) -> StepRecord | None:
    """Return what makes a hidden state of that which a layer returns: the final norm, or a convolution beside the
    layer; None where the layer's own is one.
    """
    made = layer.outputs[0].number
    after = (step for step in modules if step.role in (roles.FINAL_NORM, roles.CONVOLUTION_LAYER))
    return next((step for step in after if made in (seen.number for seen in step.inputs)), None)


def _probabilities(module: StepRecord, steps: Sequence[StepRecord], named: Sequence[str]) -> int | None:
    """Return the number of the probabilities that a self-attention returns, or computes and keeps to itself."""
    if len(module.outputs) > 1:
        return module.outputs[1].number
    inside = [
        step
        for step in steps[module.id + 1 :]
        if step.parent == module.id
        and named[step.id] in (labels.ATTENTION_PROBABILITIES, labels.ATTENTION_DROPOUT)
        and step.outputs
    ]
    return inside[-1].outputs[0].number if inside else None
