"""Which tensors transformers returns, and under which name."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from ...traces.vocabulary import known_as, labels, roles
from ..tracing.step_record import StepRecord

Declared = Mapping[str, frozenset[str]]


def declared_paths(model: Any, modules: Mapping[str, nn.Module]) -> Declared:
    """Return the paths of the modules from which transformers records hidden states, and attentions, where the model's
    class declares of which classes they are (``_can_record_outputs``); nothing where it declares none.
    """
    declared = getattr(type(model), "_can_record_outputs", None) or {}
    kinds = {key: getattr(kind, "target_class", kind) for key, kind in declared.items()}
    return {
        key: frozenset(path for path, module in modules.items() if isinstance(module, kind))
        for key, kind in kinds.items()
        if isinstance(kind, type)
    }


def known_names(steps: Sequence[StepRecord], named: Sequence[str], declared: Declared) -> dict[int, list[str]]:
    """Return the names under which transformers returns a tensor, by its number; ``named`` are the labels. Layers and
    attention are those that are ``declared``, else those whose role it is.

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
    layers = [step for step in modules if _is_layer(step, steps, declared.get(known_as.HIDDEN_STATES))]
    for place, step in enumerate(layers):
        if place == 0 and step.inputs:
            name(step.inputs[0].number, known_as.hidden_state(0))
        name((_after(step, modules) or step).outputs[0].number, known_as.hidden_state(place + 1))
    attentions = (step for step in modules if _is_attention(step, declared.get(known_as.ATTENTIONS)))
    found = (_probabilities(step, steps, named) for step in attentions)
    for place, number in enumerate(number for number in found if number is not None):
        name(number, known_as.attention(place))
    for step in modules:
        for seen in step.outputs:
            if seen.name in known_as.RETURNED:
                name(seen.number, seen.name)
    return known


def _is_attention(step: StepRecord, declared: frozenset[str] | None) -> bool:
    if declared is not None:
        return step.path in declared
    return step.role == roles.SELF_ATTENTION and step.layer is not None


def _is_layer(step: StepRecord, steps: Sequence[StepRecord], declared: frozenset[str] | None) -> bool:
    """Whether a step is a layer that the encoder calls, or a group of layers in it, or the body where it is the encoder
    itself.
    """
    if declared is not None:
        return step.path in declared
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
