"""Which tensors transformers returns, and under which name."""

from collections.abc import Sequence

from ...traces.vocabulary import known_as, roles
from ..tracing.step_record import StepRecord


def known_names(steps: Sequence[StepRecord]) -> dict[int, list[str]]:
    """Return the names under which transformers returns a tensor, by its number.

    ``hidden_states`` are what the first encoder layer receives and what each layer returns, ``attentions`` the second
    thing that each self-attention returns; the rest are the keys of the model's own outputs.
    """
    known: dict[int, list[str]] = {}

    def name(number: int, as_: str) -> None:
        names = known.setdefault(number, [])
        if as_ not in names:
            names.append(as_)

    modules = [step for step in steps if step.kind == "module" and step.outputs]
    # In the order of the calls, as transformers collects them: one layer may be called twice.
    for place, step in enumerate(step for step in modules if _is_encoder_layer(step, steps)):
        if place == 0 and step.inputs:
            name(step.inputs[0].number, known_as.hidden_state(0))
        name(step.outputs[0].number, known_as.hidden_state(place + 1))
    attentions = (step for step in modules if step.role == roles.SELF_ATTENTION and step.layer is not None)
    for place, step in enumerate(step for step in attentions if len(step.outputs) > 1):
        name(step.outputs[1].number, known_as.attention(place))
    for step in modules:
        for seen in step.outputs:
            if seen.name in known_as.RETURNED:
                name(seen.number, seen.name)
    return known


def _is_encoder_layer(step: StepRecord, steps: Sequence[StepRecord]) -> bool:
    return step.role == roles.LAYER and step.parent is not None and steps[step.parent].role == roles.ENCODER
