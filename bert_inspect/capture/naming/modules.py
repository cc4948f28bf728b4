"""The label of a module: by its role, and where one module serves for several things by what it received."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...families import Family
from ...families.heads import QUESTION_ANSWERING, Head
from ...traces import ops
from ...traces.vocabulary import labels, roles
from ..tracing.step_record import StepRecord
from .words import OPS

ACTIVATIONS = (roles.ACTIVATION, roles.POOLER_ACTIVATION, roles.HEAD_ACTIVATION)


@dataclass(frozen=True, kw_only=True)
class Naming:
    """What labels are made of besides the dataflow: the architecture, the head, the names of the activations in the
    layers and in the head (empty: the same), which tensors, by number, are parameters and buffers of the model, what
    the token in the first place of every sentence is (with padding on the left no [CLS]) and what the first real one
    is, and the size of the hidden states, None where it is not known.
    """

    family: Family
    head: Head
    activation: str
    head_activation: str = ""
    parameters: Mapping[int, str] = field(default_factory=dict)
    first_token: str = labels.CLS_TOKEN
    first_real_token: str = labels.CLS_TOKEN
    hidden: int | None = None

    @property
    def sums(self) -> Mapping[str, str]:
        """What sums of embeddings are called in this architecture, where that is not as in BERT."""
        if roles.TOKEN_TYPE_EMBEDDINGS in self.family.modules.values():
            return {}
        return {labels.WORD_AND_POSITION_EMBEDDINGS: labels.SUM_OF_EMBEDDINGS}

    def activation_in(self, part: str) -> str:
        """Return the label of what the activation in a part of the model returns."""
        in_head = part == roles.HEAD and self.head_activation
        return labels.activation(self.head_activation if in_head else self.activation)


_RELATIVE = (labels.RELATIVE_EMBEDDINGS, labels.RELATIVE_EMBEDDINGS_NORM, labels.RELATIVE_EMBEDDINGS_DROPOUT)
_OF_RELATIVE = {
    roles.QUERY_PROJECTION: labels.POSITION_QUERY_PROJECTION,
    roles.KEY_PROJECTION: labels.POSITION_KEY_PROJECTION,
    roles.DROPOUT: labels.RELATIVE_EMBEDDINGS_DROPOUT,
}
"""Modules that are given the relative embeddings, by their role; others work on tokens with the same weights."""
_LOGITS = {
    roles.SPAN_CLASSIFIER: labels.SPAN_LOGITS,
    roles.DECODER: labels.TOKEN_LOGITS,
    roles.NEXT_SENTENCE_CLASSIFIER: labels.NEXT_SENTENCE_LOGITS,
    roles.SENTENCE_ORDER_CLASSIFIER: labels.SENTENCE_ORDER_LOGITS,
    roles.REPLACED_TOKEN_CLASSIFIER: labels.REPLACED_TOKEN_LOGITS,
}


def module_label(step: StepRecord, steps: Sequence[StepRecord], meaning: Mapping[int, str], naming: Naming) -> str:
    """Return the label of a module; ``meaning`` is what each tensor is, by its number."""
    received = meaning.get(step.inputs[0].number, "") if step.inputs else ""
    if received in _RELATIVE and step.role in _OF_RELATIVE:
        return _OF_RELATIVE[step.role]
    if step.type == "Identity":
        return labels.IDENTITY  # it stands in the place of a norm, or of a dropout, and is none
    match step.role:
        case roles.MODEL:
            return f"{naming.family.name} for {naming.head.name}" if naming.head.name else naming.family.name
        case roles.BODY:
            return naming.family.name
        case roles.LAYER if step.layer is not None:
            return labels.layer(step.layer)
        case roles.ACTIVATION:
            return naming.activation_in(step.part)
        case roles.POOLER_ACTIVATION | roles.HEAD_ACTIVATION:
            return labels.activation(step.type.lower().removesuffix("activation"))
        case roles.SELF_ATTENTION if step.parent is not None and steps[step.parent].role != roles.ATTENTION:
            return labels.ATTENTION  # nothing around it is called so
        case roles.DROPOUT:
            return OPS.get((ops.DROPOUT, received), labels.DROPOUT)
        case roles.CLASSIFIER:
            return labels.SPAN_LOGITS if naming.head is QUESTION_ANSWERING else labels.LOGITS
        case role if role in _LOGITS:
            return _LOGITS[role]
    return step.role or step.path.rsplit(".", 1)[-1].replace("_", " ")
