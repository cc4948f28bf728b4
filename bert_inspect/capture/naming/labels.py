"""From the dataflow to the field's name of a step, of each tensor, and of its axes.

A step is named by what it is (a module's role, an op's family) and by the names of the tensors that it received:
whatever multiplies the query heads with the transposed key heads makes the attention scores, on whichever line of
whichever release that happens.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ...families import Family
from ...families.heads import NO_HEAD, QUESTION_ANSWERING, Head
from ...traces import ops
from ...traces.ops import op_of
from ...traces.vocabulary import axes, labels, roles
from ...traces.vocabulary.axes import Axes
from ..tracing.step_record import StepRecord, TensorRecord
from . import disentangled, pooled, rotary
from .axes import agree, broadcast_axes, following, mixes_axes, only_adds_axes


@dataclass(frozen=True)
class Names:
    """The label of each step, in order; the axes of each tensor by its number; and what a tensor is where that is not
    what the label of its step says.
    """

    labels: list[str] = field(default_factory=list)
    axes: dict[int, Axes] = field(default_factory=dict)
    tensors: dict[int, str] = field(default_factory=dict)


_OPS: dict[tuple[str, ...], str] = {
    (ops.MATMUL, labels.QUERY_HEADS, labels.KEY_TRANSPOSED): labels.ATTENTION_SCORES,
    (ops.SCALE, labels.ATTENTION_SCORES): labels.SCALED_ATTENTION_SCORES,
    (ops.DIVIDE, labels.ATTENTION_SCORES): labels.SCALED_ATTENTION_SCORES,
    (ops.ADD, labels.SCALED_ATTENTION_SCORES): labels.MASKED_ATTENTION_SCORES,
    (ops.ADD, labels.ATTENTION_SCORES): labels.MASKED_ATTENTION_SCORES,
    (ops.SOFTMAX, labels.ATTENTION_SCORES): labels.ATTENTION_PROBABILITIES,
    (ops.SOFTMAX, labels.SCALED_ATTENTION_SCORES): labels.ATTENTION_PROBABILITIES,
    (ops.SOFTMAX, labels.MASKED_ATTENTION_SCORES): labels.ATTENTION_PROBABILITIES,
    (ops.DROPOUT, labels.ATTENTION_PROBABILITIES): labels.ATTENTION_DROPOUT,
    (ops.MATMUL, labels.ATTENTION_DROPOUT, labels.VALUE_HEADS): labels.CONTEXT,
    (ops.MATMUL, labels.ATTENTION_PROBABILITIES, labels.VALUE_HEADS): labels.CONTEXT,
    (ops.RESHAPE, labels.LOGITS): labels.LOGITS_OF_CHOICES,
    (ops.SPLIT, labels.SPAN_LOGITS): labels.SPLIT_INTO_START_AND_END,
    (ops.RESHAPE, labels.FUSED_PROJECTION): labels.FUSED_SPLIT,
    (ops.SPLIT, labels.FUSED_PROJECTION): labels.SPLIT_INTO_QUERY_KEY_VALUE,
    (ops.SPLIT, labels.FUSED_SPLIT): labels.SPLIT_INTO_QUERY_KEY_VALUE,
    (ops.SPLIT, labels.INPUT_AND_GATE_PROJECTION): labels.SPLIT_INTO_INPUT_AND_GATE,
    (ops.UNSQUEEZE, labels.POSITIONS): labels.POSITION_IDS,
    (ops.TRANSPOSE, labels.KEY_HEADS): labels.KEY_TRANSPOSED,
    (ops.TRANSPOSE, labels.CONTEXT): labels.CONTEXT_PERMUTED,
    (ops.TRANSPOSE, labels.FUSED_ATTENTION): labels.CONTEXT_PERMUTED,
    (ops.RESHAPE, labels.CONTEXT_PERMUTED): labels.CONTEXT_RESHAPED,
    (ops.ADD, labels.WORD_EMBEDDINGS, labels.TOKEN_TYPE_EMBEDDINGS): labels.WORD_AND_TOKEN_TYPE_EMBEDDINGS,
    (ops.ADD, labels.WORD_EMBEDDINGS, labels.POSITION_EMBEDDINGS): labels.WORD_AND_POSITION_EMBEDDINGS,
    (ops.ADD, labels.WORD_AND_TOKEN_TYPE_EMBEDDINGS, labels.POSITION_EMBEDDINGS): labels.SUM_OF_EMBEDDINGS,
    (ops.ADD, labels.WORD_AND_POSITION_EMBEDDINGS, labels.TOKEN_TYPE_EMBEDDINGS): labels.SUM_OF_EMBEDDINGS,
}
"""Ops, by their family and the names of the tensors that they work on."""
_OPS |= rotary.OPS | pooled.OPS | disentangled.OPS
_OPS |= {(ops.RESHAPE, name): labels.CHOICES_FLATTENED for name in ("input_ids", "token_type_ids", "attention_mask")}
_OPS |= {(ops.SQUEEZE, label): label for label in (labels.START_LOGITS, labels.END_LOGITS)}
for _projected, _split, _heads in labels.QUERY_KEY_VALUE:
    _OPS[ops.RESHAPE, _projected] = _split
    _OPS[ops.TRANSPOSE, _split] = _heads

_PARTS: dict[tuple[str, str], tuple[str, ...]] = {
    (ops.SPLIT, labels.FUSED_PROJECTION): tuple(projected for projected, _, _ in labels.QUERY_KEY_VALUE),
    (ops.SPLIT, labels.FUSED_SPLIT): tuple(split for _, split, _ in labels.QUERY_KEY_VALUE),
    (ops.SPLIT, labels.INPUT_AND_GATE_PROJECTION): (labels.ACTIVATION_INPUT, labels.GATE),
    (ops.SPLIT, labels.SPAN_LOGITS): (labels.START_LOGITS, labels.END_LOGITS),
}
"""Ops that make several tensors of one, which are not the same: what each is, in order."""

# Ops that the dataflow says nothing about; older releases of transformers count the positions in BertModel.
_PLAIN_WORDS = {
    "chunk": labels.SPLIT_INTO_CHUNKS,
    "cat": labels.CHUNKS_JOINED,
    "arange": labels.POSITIONS,
}

_AXES: dict[str, Axes] = {
    labels.POSITION_IDS: axes.IDS,
    **dict.fromkeys([labels.WORD_EMBEDDINGS, labels.TOKEN_TYPE_EMBEDDINGS, labels.POSITION_EMBEDDINGS], axes.HIDDEN),
    **{projected: axes.HIDDEN for projected, _, _ in labels.QUERY_KEY_VALUE},
    **{split: axes.SPLIT for _, split, _ in labels.QUERY_KEY_VALUE},
    **{heads: axes.HEADS for _, _, heads in labels.QUERY_KEY_VALUE},
    **dict.fromkeys([labels.CONTEXT, labels.FUSED_ATTENTION], axes.HEADS),
    labels.KEY_TRANSPOSED: axes.HEADS_TRANSPOSED,
    labels.ATTENTION_SCORES: axes.SCORES,
    **dict.fromkeys(labels.MASKS, axes.SCORES),
    labels.FUSED_PROJECTION: ["batch", "tokens", "query, key and value"],
    labels.FUSED_SPLIT: ["batch", "tokens", "query, key and value", "heads", "head_dim"],
    labels.INPUT_AND_GATE_PROJECTION: ["batch", "tokens", "input and gate"],
    **dict.fromkeys([labels.ACTIVATION_INPUT, labels.GATE, labels.GATED_INTERMEDIATE], axes.INTERMEDIATE),
    labels.CONTEXT_PERMUTED: axes.SPLIT,
    **dict.fromkeys(
        [
            *(labels.CONTEXT_RESHAPED, labels.ATTENTION_OUTPUT_PROJECTION, labels.OUTPUT_PROJECTION),
            labels.EMBEDDING_PROJECTION,
        ],
        axes.HIDDEN,
    ),
    labels.INTERMEDIATE_PROJECTION: axes.INTERMEDIATE,
    labels.POOLER_PROJECTION: axes.POOLED,
    labels.LOGITS: axes.LOGITS,
    labels.LOGITS_OF_CHOICES: axes.CHOICES,
    labels.CHOICES_FLATTENED: axes.IDS,
    **dict.fromkeys([labels.START_LOGITS, labels.END_LOGITS], axes.IDS),
    labels.SPAN_LOGITS: axes.LOGITS_OF_TOKENS,
    labels.TOKEN_LOGITS: axes.TOKEN_LOGITS,
    labels.NEXT_SENTENCE_LOGITS: axes.LOGITS,
    labels.TRANSFORM_PROJECTION: axes.HIDDEN,
    labels.LOSS: [],
    labels.POSITIONS: ["tokens"],
    **rotary.AXES,
    **pooled.AXES,
    **disentangled.AXES,
}
_OTHER_AXES: dict[tuple[str, int], Axes] = {
    (labels.LOGITS, 3): axes.LOGITS_OF_TOKENS,
    (labels.TRANSFORM_PROJECTION, 2): axes.POOLED,
    **rotary.OTHER_AXES,
    **disentangled.OTHER_AXES,
    **{(name, 3): axes.IDS_OF_CHOICES for name in ("input_ids", "token_type_ids", "attention_mask")},
    **{(label, 3): axes.LOGITS_OF_TOKENS for label in (labels.START_LOGITS, labels.END_LOGITS)},
}
"""Those of labels whose tensors may have more axes than that, by their number."""
_MODEL_INPUTS: dict[str, Axes] = {
    "input_ids": axes.IDS,
    "token_type_ids": axes.IDS,
    "attention_mask": axes.IDS,
    "labels": ["batch"],
}


@dataclass(frozen=True, kw_only=True)
class Naming:
    """What labels are made of besides the dataflow: the architecture, the head, the names of the activations in the
    layers and in the head (empty: the same), which tensors, by number, are parameters and buffers of the model, whether
    every sentence begins with its [CLS], and whether that is in the first place (with padding on the left it is not).
    """

    family: Family
    head: Head
    activation: str
    head_activation: str = ""
    parameters: Mapping[int, str] = field(default_factory=dict)
    has_cls: bool = True
    begins_with_cls: bool = True

    def activation_in(self, part: str) -> str:
        """Return the label of what the activation in a part of the model returns."""
        in_head = part == roles.HEAD and self.head_activation
        return labels.activation(self.head_activation if in_head else self.activation)


def name_steps(steps: Sequence[StepRecord], naming: Naming) -> Names:
    """Name every step, every tensor and its axes."""
    names = Names()
    meaning: dict[int, str] = {}  # what each tensor is: as the innermost step that returned it last says
    if steps:
        for tensor in steps[0].inputs:
            said = _MODEL_INPUTS.get(tensor.name, [])
            names.axes[tensor.number] = _OTHER_AXES.get((tensor.name, len(tensor.shape)), said)
            meaning[tensor.number] = tensor.name
    for number, name in naming.parameters.items():
        is_ = next((is_ for end, is_ in naming.family.tensors.items() if name.endswith(end)), "")
        if is_:
            meaning[number] = is_
            names.axes[number] = _AXES[is_]
    ends = _ends_of_activations(steps)
    for place, step in enumerate(steps):
        if step.kind == "module":
            label = _module(step, naming, meaning)
        elif place in ends:
            label = naming.activation_in(step.part)
        else:
            label = _op(step, meaning, naming, names.axes)
            if not _is_so(label, step, names.axes):
                label = _plain_word(step)
        names.labels.append(label)
        if not step.leaf:
            continue
        for tensor, is_ in zip(step.outputs, _outputs(step, label, meaning, names.axes), strict=True):
            meaning[tensor.number] = is_
            if is_ != label and step.kind == "op" and is_ not in _MODEL_INPUTS:
                names.tensors[tensor.number] = is_
            found = _axes(label if is_ in _MODEL_INPUTS else is_, step, tensor, names.axes)
            if found is not None:
                names.axes.setdefault(tensor.number, found)
    for place, step in enumerate(steps):
        if step.role == roles.ROTARY_EMBEDDING and step.kind == "module":
            local = any(rotary.is_local(meaning.get(seen.number, "")) for seen in step.outputs)
            names.labels[place] = labels.LOCAL_ROTARY_EMBEDDING if local else labels.ROTARY_EMBEDDING
    # An empty list would claim a scalar: tensors whose axes nothing tells are left out.
    for tensor in steps[0].inputs if steps else ():
        if len(names.axes[tensor.number]) != len(tensor.shape):
            del names.axes[tensor.number]
    return names


_RELATIVE = (labels.RELATIVE_EMBEDDINGS, labels.RELATIVE_EMBEDDINGS_NORM, labels.RELATIVE_EMBEDDINGS_DROPOUT)
_OF_RELATIVE = {
    roles.QUERY_PROJECTION: labels.POSITION_QUERY_PROJECTION,
    roles.KEY_PROJECTION: labels.POSITION_KEY_PROJECTION,
    roles.DROPOUT: labels.RELATIVE_EMBEDDINGS_DROPOUT,
}
"""Modules that are given the relative embeddings, by their role; others work on tokens with the same weights."""


def _module(step: StepRecord, naming: Naming, meaning: Mapping[int, str]) -> str:
    received = meaning.get(step.inputs[0].number, "") if step.inputs else ""
    if received in _RELATIVE and step.role in _OF_RELATIVE:
        return _OF_RELATIVE[step.role]
    if received == labels.ATTENTION_PROBABILITIES and step.role == roles.DROPOUT:
        return labels.ATTENTION_DROPOUT
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
        case roles.POOLER_ACTIVATION:
            return labels.activation(step.type.lower().removesuffix("activation"))
        case roles.CLASSIFIER:
            return labels.SPAN_LOGITS if naming.head is QUESTION_ANSWERING else labels.LOGITS
        case roles.SPAN_CLASSIFIER:
            return labels.SPAN_LOGITS
        case roles.DECODER:
            return labels.TOKEN_LOGITS
        case roles.NEXT_SENTENCE_CLASSIFIER:
            return labels.NEXT_SENTENCE_LOGITS
    return step.role or step.path.rsplit(".", 1)[-1].replace("_", " ")


def _op(step: StepRecord, meaning: Mapping[int, str], naming: Naming, known: Mapping[int, Axes]) -> str:
    family = op_of(step.type).family
    if step.mask:
        return labels.LOCAL_ATTENTION_MASK if family == ops.LOCAL_MASK else labels.ATTENTION_MASK
    if family == ops.LOSS:
        return labels.LOSS
    if family == ops.FUSED_ATTENTION:
        return labels.FUSED_ATTENTION
    if family == ops.INDEX and any(_is_position_buffer(tensor, naming) for tensor in step.inputs):
        return labels.POSITION_IDS
    sources = [meaning.get(tensor.number, "") for tensor in step.inputs]
    if family == ops.INDEX and only_adds_axes(step):
        family = ops.UNSQUEEZE
    if family == ops.INDEX and _takes_tokens(step, known):
        return pooled.token_taken(step, sources, begins_with_cls=naming.begins_with_cls, has_cls=naming.has_cls)
    if family == ops.INDEX and sources and (half := rotary.half(step, sources[0])) is not None:
        return half
    if family == ops.ADD and step.role in roles.ADDS_RESIDUAL and len(sources) == 2:
        return labels.RESIDUAL_SUM
    if (family == ops.COPY or (family == ops.RESHAPE and _keeps_shape(step))) and sources and sources[0]:
        return sources[0]  # the same tensor laid out anew is still what it was
    if family == ops.JOIN and (whole := _only_one_that_holds_something(step)) is not None:
        return meaning.get(whole, "") or labels.CHUNKS_JOINED  # a cache that is still empty adds nothing
    if family == ops.SCALE and len(sources) == 2:
        if sources.count(labels.PADDING_MASK) == 1:
            return labels.PADDING_ZEROED
        if labels.GATE in sources and any(map(labels.is_activation, sources)):
            return labels.GATED_INTERMEDIATE
    if family == ops.ACTIVATION and step.role != roles.ACTIVATION:
        return labels.activation(step.type)
    if family == ops.MAKE and step.role == roles.EMBEDDINGS:
        return labels.NO_POSITION_EMBEDDINGS
    if family == ops.TRANSPOSE and step.role == roles.CONVOLUTION_LAYER and labels.CONVOLUTION not in sources:
        return labels.CONVOLUTION_INPUT
    if family == ops.UNSQUEEZE and sources == [labels.POSITIONS] and step.role in (roles.ENCODER, roles.SELF_ATTENTION):
        return labels.QUERY_POSITIONS if step.outputs[0].shape[-1] == 1 else labels.KEY_POSITIONS
    if family == ops.COUNT and step.role == roles.MODEL and naming.head is not NO_HEAD:
        return labels.ROW_NUMBERS
    return next((_OPS[key] for key in _keys(family, step, sources) if key in _OPS), _plain_word(step))


def _keys(family: str, step: StepRecord, sources: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield what an op may be known by: what it works on, in either order where that is one, or one thing of it."""
    yield (family, *sources)
    if family in (ops.MATMUL, ops.SCALE, ops.ADD):
        yield (family, *reversed(sources))
    for place, source in enumerate(sources):
        others = [tensor.shape for other, tensor in enumerate(step.inputs) if other != place]
        if family not in (ops.SCALE, ops.DIVIDE) or all(math.prod(shape) == 1 for shape in others):
            yield family, source


def _plain_word(step: StepRecord) -> str:
    return _PLAIN_WORDS.get(step.type, step.type.replace("_", " "))


def _takes_tokens(step: StepRecord, known: Mapping[int, Axes]) -> bool:
    """Whether an index takes one token of each sentence."""
    hidden = bool(step.inputs) and known.get(step.inputs[0].number) == axes.HIDDEN
    return step.role == roles.POOLER or (hidden and bool(step.outputs) and len(step.outputs[0].shape) == 2)


def _only_one_that_holds_something(step: StepRecord) -> int | None:
    """Return the number of the one tensor that a step joins with empty ones; None where it joins several."""
    full = [tensor.number for tensor in step.inputs if 0 not in tensor.shape]
    return full[0] if len(full) == 1 and len(step.inputs) > 1 else None


def _is_so(label: str, step: StepRecord, known: Mapping[int, Axes]) -> bool:
    """Whether what a label says of its tensor's axes is what they became, as far as the dataflow tells."""
    dims = len(step.outputs[0].shape) if step.outputs else 0
    said, became = _OTHER_AXES.get((label, dims), _AXES.get(label)), following(step, known)
    return said is None or became is None or label == labels.FUSED_ATTENTION or agree(said, became)


def _is_position_buffer(tensor: TensorRecord, naming: Naming) -> bool:
    buffer = naming.family.position_buffer
    return bool(buffer) and naming.parameters.get(tensor.number, "").endswith(buffer)


def _outputs(step: StepRecord, label: str, meaning: Mapping[int, str], known: Mapping[int, Axes]) -> Sequence[str]:
    """Return what each of a step's outputs is: what the step's label says, unless the step takes one thing apart, or
    hands on what it received.
    """
    if step.inputs:
        received = meaning.get(step.inputs[0].number, "")
        if step.kind == "op":
            parts = _PARTS.get((op_of(step.type).family, received), ())
            if len(parts) == len(step.outputs) and all(_is_so(part, step, known) for part in parts):
                return parts
        if received and (label in (labels.IDENTITY, labels.CHOICES_FLATTENED)):
            return [received] * len(step.outputs)
    return [label] * len(step.outputs)


def _keeps_shape(step: StepRecord) -> bool:
    return bool(step.inputs and step.outputs) and step.inputs[0].shape == step.outputs[0].shape


def _ends_of_activations(steps: Sequence[StepRecord]) -> set[int]:
    """Return the places of the ops whose result an activation that is not of torch.nn returns (GELU, say)."""
    ends: set[int] = set()
    results: dict[int, str] = {}
    for step in steps:
        if step.kind == "module" and step.role == roles.ACTIVATION and not step.leaf:
            results.update((tensor.number, step.path) for tensor in step.outputs)
    last: dict[int, int] = {}
    for place, step in enumerate(steps):
        for tensor in step.outputs:
            if step.kind == "op" and results.get(tensor.number) == step.path:
                last[tensor.number] = place
    ends.update(last.values())
    return ends


def _axes(label: str, step: StepRecord, tensor: TensorRecord, known: dict[int, Axes]) -> Axes | None:
    said, became = _OTHER_AXES.get((label, len(tensor.shape)), _AXES.get(label)), following(step, known)
    found = said if said is not None and (became is None or agree(said, became)) else became
    if found is None and (op_of(step.type).family == ops.TRANSPOSE or mixes_axes(step)):
        return None
    if found is None or len(found) != len(tensor.shape):
        # What works entry by entry (a norm, a dropout, a sum, an activation) leaves the axes as they were.
        found = next((known[t.number] for t in step.inputs if t.number in known and t.shape == tensor.shape), None)
        found = found or broadcast_axes(step, tensor.shape, known)
    return found if found is not None and len(found) == len(tensor.shape) else None
