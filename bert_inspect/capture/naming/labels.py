"""From the dataflow to the field's name of a step, of each tensor, and of its axes.

A step is named by what it is (a module's role, an op's family) and by the names of the tensors that it received:
whatever multiplies the query heads with the transposed key heads makes the attention scores, on whichever line of
whichever release that happens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...families import Family
from ...families.heads import Head
from ...traces import ops
from ...traces.ops import op_of
from ...traces.vocabulary import axes, labels, roles
from ...traces.vocabulary.axes import Axes
from ..tracing.arguments import written
from ..tracing.step_record import StepRecord, TensorRecord
from .axes import agree, following, mixes_axes
from .relative_positions import AXES as RELATIVE_POSITION_AXES
from .relative_positions import OPS as RELATIVE_POSITION_OPS
from .residuals import is_residual_sum, part_before


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
_OPS |= RELATIVE_POSITION_OPS
_OPS |= {(ops.RESHAPE, name): labels.CHOICES_FLATTENED for name in ("input_ids", "token_type_ids", "attention_mask")}
_OPS |= {
    (ops.SQUEEZE, label): label for label in (labels.START_LOGITS, labels.END_LOGITS, labels.REPLACED_TOKEN_LOGITS)
}
# Positions counted over the ids that are no padding, and token types that nobody gave: RoBERTa's.
_OPS |= {(ops.COMPARE, ids): labels.NOT_PADDING for ids in ("input_ids", labels.CHOICES_FLATTENED)}
_OPS |= {
    (ops.COUNT, labels.NOT_PADDING): labels.COUNT_OF_TOKENS,
    (ops.ADD, labels.COUNT_OF_TOKENS): labels.COUNT_OF_TOKENS,
    (ops.SCALE, labels.COUNT_OF_TOKENS, labels.NOT_PADDING): labels.COUNT_WITHOUT_PADDING,
    (ops.ADD, labels.COUNT_WITHOUT_PADDING): labels.POSITION_IDS,
    (ops.EXPAND, labels.TOKEN_TYPES_OF_POSITIONS): labels.TOKEN_TYPES_OF_POSITIONS,
    (ops.GATHER, labels.TOKEN_TYPES_OF_POSITIONS, labels.POSITION_IDS): labels.TOKEN_TYPE_IDS,
    (ops.EXPAND, labels.TOKEN_TYPE_IDS): labels.TOKEN_TYPE_IDS,
}
for _projected, _split, _heads in labels.QUERY_KEY_VALUE:
    _OPS[ops.RESHAPE, _projected] = _split
    _OPS[ops.TRANSPOSE, _split] = _heads

_OF_SUMS = frozenset(
    (labels.MASKED_ATTENTION_SCORES, labels.BIASED_ATTENTION_SCORES, labels.RESIDUAL_SUM, labels.ATTENTION_MASK)
)
"""Labels of sums that are no residual ones, or are known to be."""

_PARTS: dict[tuple[str, str], tuple[str, ...]] = {
    (ops.SPLIT, labels.FUSED_PROJECTION): tuple(projected for projected, _, _ in labels.QUERY_KEY_VALUE),
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
    **dict.fromkeys(
        [labels.POSITION_IDS, labels.NOT_PADDING, labels.COUNT_OF_TOKENS, labels.COUNT_WITHOUT_PADDING], axes.IDS
    ),
    labels.TOKEN_TYPE_IDS: axes.IDS,
    labels.TOKEN_TYPES_OF_POSITIONS: ["batch", "positions"],
    labels.EMBEDDING_PROJECTION: axes.HIDDEN,
    **dict.fromkeys([labels.WORD_EMBEDDINGS, labels.TOKEN_TYPE_EMBEDDINGS, labels.POSITION_EMBEDDINGS], axes.HIDDEN),
    **{projected: axes.HIDDEN for projected, _, _ in labels.QUERY_KEY_VALUE},
    **{split: axes.SPLIT for _, split, _ in labels.QUERY_KEY_VALUE},
    **{heads: axes.HEADS for _, _, heads in labels.QUERY_KEY_VALUE},
    **dict.fromkeys([labels.CONTEXT, labels.FUSED_ATTENTION], axes.HEADS),
    labels.KEY_TRANSPOSED: axes.HEADS_TRANSPOSED,
    labels.ATTENTION_SCORES: axes.SCORES,
    labels.ATTENTION_MASK: axes.SCORES,
    labels.CONTEXT_PERMUTED: axes.SPLIT,
    **dict.fromkeys(
        [labels.CONTEXT_RESHAPED, labels.ATTENTION_OUTPUT_PROJECTION, labels.OUTPUT_PROJECTION], axes.HIDDEN
    ),
    labels.EMBEDDING_PROJECTION: axes.HIDDEN,
    labels.INTERMEDIATE_PROJECTION: axes.INTERMEDIATE,
    **dict.fromkeys([*labels.ONE_TOKEN, labels.MEAN_OF_TOKENS], axes.POOLED),
    **dict.fromkeys([labels.POOLER_PROJECTION, labels.CLASSIFIER_PROJECTION], axes.POOLED),
    labels.LOGITS: axes.LOGITS,
    labels.LOGITS_OF_CHOICES: axes.CHOICES,
    labels.CHOICES_FLATTENED: axes.IDS,
    **dict.fromkeys([labels.START_LOGITS, labels.END_LOGITS], axes.IDS),
    labels.SPAN_LOGITS: axes.LOGITS_OF_TOKENS,
    labels.TOKEN_LOGITS: axes.TOKEN_LOGITS,
    labels.NEXT_SENTENCE_LOGITS: axes.LOGITS,
    labels.SENTENCE_ORDER_LOGITS: axes.LOGITS,
    labels.TRANSFORM_PROJECTION: axes.HIDDEN,
    labels.REPLACED_TOKEN_LOGITS: axes.IDS,
    labels.LOSS: [],
    labels.POSITIONS: ["tokens"],
}
_OTHER_AXES: dict[tuple[str, int], Axes] = {
    (labels.LOGITS, 3): axes.LOGITS_OF_TOKENS,
    **RELATIVE_POSITION_AXES,
    **{(name, 3): axes.IDS_OF_CHOICES for name in ("input_ids", "token_type_ids", "attention_mask")},
    **{
        (label, 3): axes.LOGITS_OF_TOKENS
        for label in (labels.START_LOGITS, labels.END_LOGITS, labels.REPLACED_TOKEN_LOGITS)
    },
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
    """What labels are made of besides the dataflow: the architecture, the head, the name of the activation, which
    tensors, by number, are parameters and buffers of the model, what the token in the first place of every sentence is
    (with padding on the left no [CLS]), and the size of the hidden states, None where it is not known.
    """

    family: Family
    head: Head
    activation: str
    parameters: Mapping[int, str] = field(default_factory=dict)
    first_token: str = labels.CLS_TOKEN
    hidden: int | None = None

    @property
    def sums(self) -> Mapping[str, str]:
        """What sums of embeddings are called in this architecture, where that is not as in BERT."""
        if roles.TOKEN_TYPE_EMBEDDINGS in self.family.modules.values():
            return {}
        return {labels.WORD_AND_POSITION_EMBEDDINGS: labels.SUM_OF_EMBEDDINGS}


def name_steps(steps: Sequence[StepRecord], naming: Naming) -> Names:
    """Name every step, every tensor and its axes."""
    names = Names()
    meaning: dict[int, str] = {}  # what each tensor is: as the innermost step that returned it last says
    made: dict[int, int] = {}  # by which step
    if steps:
        for tensor in steps[0].inputs:
            said = _MODEL_INPUTS.get(tensor.name, [])
            names.axes[tensor.number] = _OTHER_AXES.get((tensor.name, len(tensor.shape)), said)
            meaning[tensor.number] = tensor.name
    ends = _ends_of_activations(steps)
    for place, step in enumerate(steps):
        if step.kind == "module":
            label = _module(step, steps, meaning, naming)
        elif place in ends:
            label = _module(ends[place], steps, meaning, naming)
        else:
            label = _op(step, meaning, naming, names.axes)
            if label not in _OF_SUMS and is_residual_sum(step, steps, made):
                label = labels.RESIDUAL_SUM
                step.part = step.part or part_before(place, steps)
            if not _is_so(label, step, names.axes):
                label = _plain_word(step)
        names.labels.append(label)
        if not step.leaf:
            continue
        for tensor, is_ in zip(step.outputs, _outputs(step, label, meaning), strict=True):
            meaning[tensor.number] = is_
            made.setdefault(tensor.number, place)  # what hands a tensor on has not made it
            if is_ != label:
                names.tensors[tensor.number] = is_
            found = _axes(is_, step, tensor, names.axes)
            if found == axes.HIDDEN and naming.hidden not in (None, tensor.shape[-1]):
                found = axes.EMBEDDED
            if found is not None:
                names.axes.setdefault(tensor.number, found)
    # An empty list would claim a scalar: tensors whose axes nothing tells are left out.
    for tensor in steps[0].inputs if steps else ():
        if len(names.axes[tensor.number]) != len(tensor.shape):
            del names.axes[tensor.number]
    return names


def _module(step: StepRecord, steps: Sequence[StepRecord], meaning: Mapping[int, str], naming: Naming) -> str:
    match step.role:
        case roles.MODEL:
            return f"{naming.family.name} for {naming.head.name}" if naming.head.name else naming.family.name
        case roles.BODY:
            return naming.family.name
        case roles.LAYER if step.layer is not None:
            return labels.layer(step.layer)
        case roles.ACTIVATION:
            return labels.activation(naming.activation)
        case roles.POOLER_ACTIVATION | roles.HEAD_ACTIVATION:
            return labels.activation(step.type.lower().removesuffix("activation"))
        case roles.SELF_ATTENTION if step.parent is not None and steps[step.parent].role != roles.ATTENTION:
            return labels.ATTENTION  # nothing around it is called so
        case roles.DROPOUT:
            received = ((ops.DROPOUT, meaning.get(tensor.number, "")) for tensor in step.inputs)
            return next((_OPS[key] for key in received if key in _OPS), labels.DROPOUT)
        case roles.CLASSIFIER:
            return labels.LOGITS
        case roles.SPAN_CLASSIFIER:
            return labels.SPAN_LOGITS
        case roles.DECODER:
            return labels.TOKEN_LOGITS
        case roles.NEXT_SENTENCE_CLASSIFIER:
            return labels.NEXT_SENTENCE_LOGITS
        case roles.SENTENCE_ORDER_CLASSIFIER:
            return labels.SENTENCE_ORDER_LOGITS
        case roles.REPLACED_TOKEN_CLASSIFIER:
            return labels.REPLACED_TOKEN_LOGITS
    return step.role or step.path.rsplit(".", 1)[-1].replace("_", " ")


def _op(step: StepRecord, meaning: Mapping[int, str], naming: Naming, known: Mapping[int, Axes]) -> str:
    if step.mask:
        return labels.ATTENTION_MASK
    family = op_of(step.type).family
    if family == ops.LOSS:
        return labels.LOSS
    if family == ops.FUSED_ATTENTION:
        return labels.FUSED_ATTENTION
    if family == ops.INDEX and _is_buffer(step, naming.family.position_buffer, naming):
        return labels.POSITION_IDS
    if family in (ops.COPY, ops.EXPAND) and _is_buffer(step, naming.family.token_type_buffer, naming):
        return labels.TOKEN_TYPES_OF_POSITIONS
    pools = _leaves_out_tokens(step, known)
    if family == ops.INDEX and (pools or step.role == roles.POOLER):
        return _pooled_token(step, naming)
    if family == ops.MEAN and pools:
        return labels.MEAN_OF_TOKENS
    if family == ops.ACTIVATION and step.role not in _ACTIVATIONS:
        return labels.activation(step.type)
    sources = [meaning.get(tensor.number, "") for tensor in step.inputs]
    if family == ops.ADD and step.role in roles.ADDS_RESIDUAL and len(sources) == 2:
        return labels.RESIDUAL_SUM
    if (family == ops.COPY or (family == ops.RESHAPE and _keeps_shape(step))) and sources and sources[0]:
        return sources[0]  # the same tensor laid out anew is still what it was
    if family == ops.JOIN and (whole := _only_one_that_holds_something(step)) is not None:
        return meaning.get(whole, "") or labels.CHUNKS_JOINED  # a cache that is still empty adds nothing
    for key in ((family, *sources), (family, *reversed(sources)), *((family, source) for source in sources)):
        if key in _OPS:
            return naming.sums.get(_OPS[key], _OPS[key])
    return _plain_word(step)


def _plain_word(step: StepRecord) -> str:
    return _PLAIN_WORDS.get(step.type, step.type.replace("_", " "))


def _leaves_out_tokens(step: StepRecord, known: Mapping[int, Axes]) -> bool:
    """Whether an op makes one vector of a sentence out of one for each token."""
    received, returned = step.inputs[:1], step.outputs[:1]
    if not received or not returned or known.get(received[0].number) != axes.HIDDEN:
        return False
    rows, _, width = received[0].shape
    return returned[0].shape == (rows, width)


def _pooled_token(step: StepRecord, naming: Naming) -> str:
    """Return which token is taken of each sentence: what is indexed says so, not what should be taken."""
    match written(step.type, step.given, step.options):
        case "[:, 0]" | "[:, 0, :]" | "1, 0":
            return naming.first_token
        case "[:, -1]" | "[:, -1, :]" | "1, -1":
            return labels.LAST_TOKEN
        case other:
            return f"token {other}"


def _only_one_that_holds_something(step: StepRecord) -> int | None:
    """Return the number of the one tensor that a step joins with empty ones; None where it joins several."""
    full = [tensor.number for tensor in step.inputs if 0 not in tensor.shape]
    return full[0] if len(full) == 1 and len(step.inputs) > 1 else None


def _is_so(label: str, step: StepRecord, known: Mapping[int, Axes]) -> bool:
    """Whether what a label says of its tensor's axes is what they became, as far as the dataflow tells."""
    said, became = _AXES.get(label), following(step, known)
    return said is None or became is None or label == labels.FUSED_ATTENTION or agree(said, became)


def _is_buffer(step: StepRecord, buffer: str, naming: Naming) -> bool:
    """Whether a step received the buffer of that name."""
    return bool(buffer) and any(naming.parameters.get(tensor.number, "").endswith(buffer) for tensor in step.inputs)


def _outputs(step: StepRecord, label: str, meaning: Mapping[int, str]) -> Sequence[str]:
    """Return what each of a step's outputs is: what the step's label says, unless the step takes one thing apart."""
    if step.kind == "op" and step.inputs:
        parts = _PARTS.get((op_of(step.type).family, meaning.get(step.inputs[0].number, "")), ())
        if len(parts) == len(step.outputs):
            return parts
    return [label] * len(step.outputs)


def _keeps_shape(step: StepRecord) -> bool:
    return bool(step.inputs and step.outputs) and step.inputs[0].shape == step.outputs[0].shape


_ACTIVATIONS = (roles.ACTIVATION, roles.POOLER_ACTIVATION, roles.HEAD_ACTIVATION)


def _ends_of_activations(steps: Sequence[StepRecord]) -> dict[int, StepRecord]:
    """Return the activations that are not of torch.nn (GELU, say), by the places of the ops whose results they
    return.
    """
    results: dict[int, StepRecord] = {}
    for step in steps:
        if step.kind == "module" and step.role in _ACTIVATIONS and not step.leaf:
            results.update((tensor.number, step) for tensor in step.outputs)
    last: dict[int, int] = {}
    for place, step in enumerate(steps):
        for tensor in step.outputs:
            if step.kind == "op" and tensor.number in results and results[tensor.number].path == step.path:
                last[tensor.number] = place
    return {place: results[number] for number, place in last.items()}


def _axes(label: str, step: StepRecord, tensor: TensorRecord, known: dict[int, Axes]) -> Axes | None:
    said, became = _OTHER_AXES.get((label, len(tensor.shape)), _AXES.get(label)), following(step, known)
    found = said if said is not None and (became is None or agree(said, became)) else became
    if found is None and (op_of(step.type).family == ops.TRANSPOSE or mixes_axes(step)):
        return None
    if found is None or len(found) != len(tensor.shape):
        # What works entry by entry (a norm, a dropout, a sum, an activation) leaves the axes as they were.
        found = next((known[t.number] for t in step.inputs if t.number in known and t.shape == tensor.shape), None)
    return found if found is not None and len(found) == len(tensor.shape) else None
