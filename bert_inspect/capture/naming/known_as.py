"""Which tensors transformers returns, and under which name."""

from collections.abc import Sequence

from ...traces.vocabulary import known_as, labels, roles
from ...traces.vocabulary.axes import SCORES
from ..tracing.step_record import StepRecord
from .labels import Names


def known_names(steps: Sequence[StepRecord], names: Names) -> dict[int, list[str]]:
    """Return the names under which transformers returns a tensor, by its number.

    ``hidden_states`` are what the first encoder layer receives and what each layer returns, ``attentions`` the second
    thing that each self-attention returns, or what it would return if it were asked: the probabilities by which the
    values are weighed. The rest are the keys of the model's own outputs.
    """
    known: dict[int, list[str]] = {}

    def name(number: int, as_: str) -> None:
        before = known.setdefault(number, [])
        if as_ not in before:
            before.append(as_)

    modules = [step for step in steps if step.kind == "module" and step.outputs]
    # In the order of the calls, as transformers collects them: one layer may be called twice.
    for place, step in enumerate(step for step in modules if _is_encoder_layer(step, steps)):
        if place == 0 and step.inputs:
            name(step.inputs[0].number, known_as.hidden_state(0))
        name(step.outputs[0].number, known_as.hidden_state(place + 1))
    attentions = (step for step in modules if step.role == roles.SELF_ATTENTION and step.layer is not None)
    weights = [found for step in attentions if (found := _weights(step, steps, names)) is not None]
    for place, number in enumerate(weights):
        name(number, known_as.attention(place))
    for step in modules:
        for seen in step.outputs:
            if seen.name in known_as.RETURNED:
                name(seen.number, seen.name)
    return known


def _weights(attention: StepRecord, steps: Sequence[StepRecord], names: Names) -> int | None:
    """Return the number of the tensor that holds the probabilities of a self-attention, None where none does."""
    if len(attention.outputs) > 1:
        return attention.outputs[1].number
    inside = (step for step in steps[attention.id + 1 :] if step.parent == attention.id)
    context = next((step for step in inside if names.labels[step.id] == labels.CONTEXT), None)
    received = () if context is None else context.inputs
    return next((seen.number for seen in received if names.axes.get(seen.number) == SCORES), None)


def _is_encoder_layer(step: StepRecord, steps: Sequence[StepRecord]) -> bool:
    around = None if step.parent is None else steps[step.parent].role
    return step.role == roles.LAYER and around in (roles.ENCODER, roles.LAYER_GROUP)
