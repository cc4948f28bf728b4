"""From the dataflow to the field's name of a step, of each tensor, and of its axes.

A step is named by what it is (a module's role, an op's family) and by the names of the tensors that it received:
whatever multiplies the query heads with the transposed key heads makes the attention scores, on whichever line of
whichever release that happens.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ...families.heads import NO_HEAD
from ...traces import ops
from ...traces.ops import op_of
from ...traces.vocabulary import axes, labels, roles
from ...traces.vocabulary.axes import Axes
from ..tracing.step_record import StepRecord, TensorRecord
from . import pooled, rotary
from .axes import agree, broadcast_axes, following, mixes_axes, only_adds_axes
from .modules import ACTIVATIONS, Naming, module_label
from .residuals import is_residual_sum, part_before
from .words import AXES, MODEL_INPUTS, NO_SUM, OPS, PARTS, PLAIN, axes_of


@dataclass(frozen=True)
class Names:
    """The label of each step, in order; the axes of each tensor by its number; and what a tensor is where that is not
    what the label of its step says.
    """

    labels: list[str] = field(default_factory=list)
    axes: dict[int, Axes] = field(default_factory=dict)
    tensors: dict[int, str] = field(default_factory=dict)


def name_steps(steps: Sequence[StepRecord], naming: Naming) -> Names:
    """Name every step, every tensor and its axes."""
    names = Names()
    meaning: dict[int, str] = {}  # what each tensor is: as the innermost step that returned it last says
    made: dict[int, int] = {}  # by which step
    _name_what_was_given(steps, naming, names, meaning)
    ends = _ends_of_activations(steps)
    for place, step in enumerate(steps):
        if step.kind == "module":
            label = module_label(step, steps, meaning, naming)
        elif place in ends:
            label = module_label(ends[place], steps, meaning, naming)
        else:
            label = _op(step, meaning, naming, names.axes)
            if label not in NO_SUM and is_residual_sum(step, steps, made):
                label = labels.RESIDUAL_SUM
                step.part = step.part or part_before(place, steps)
            if not _is_so(label, step, names.axes):
                label = _plain_word(step)
        names.labels.append(label)
        if not step.leaf:
            continue
        for tensor, is_ in zip(step.outputs, _outputs(step, label, meaning, names.axes), strict=True):
            meaning[tensor.number] = is_
            made.setdefault(tensor.number, place)  # what hands a tensor on has not made it
            if is_ != label and step.kind == "op" and is_ not in MODEL_INPUTS:
                names.tensors[tensor.number] = is_
            found = _axes(label if is_ in MODEL_INPUTS else is_, step, tensor, names.axes)
            if found == axes.HIDDEN and naming.hidden not in (None, tensor.shape[-1]):
                found = axes.EMBEDDED
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


def _name_what_was_given(steps: Sequence[StepRecord], naming: Naming, names: Names, meaning: dict[int, str]) -> None:
    """Name the tensors that no step made: the model's inputs, and parameters that ops work on."""
    for tensor in steps[0].inputs if steps else ():
        names.axes[tensor.number] = axes_of(tensor.name, len(tensor.shape)) or MODEL_INPUTS.get(tensor.name, [])
        meaning[tensor.number] = tensor.name
    for number, name in naming.parameters.items():
        is_ = next((is_ for end, is_ in naming.family.tensors.items() if name.endswith(end)), "")
        if is_:
            meaning[number] = is_
            names.axes[number] = AXES[is_]


def _op(step: StepRecord, meaning: Mapping[int, str], naming: Naming, known: Mapping[int, Axes]) -> str:
    family = op_of(step.type).family
    if step.mask:
        return labels.LOCAL_ATTENTION_MASK if family == ops.LOCAL_MASK else labels.ATTENTION_MASK
    if family == ops.LOSS:
        return labels.LOSS
    if family == ops.FUSED_ATTENTION:
        return labels.FUSED_ATTENTION
    if family == ops.INDEX and _is_buffer(step, naming.family.position_buffer, naming):
        return labels.POSITION_IDS
    if family in (ops.COPY, ops.EXPAND) and _is_buffer(step, naming.family.token_type_buffer, naming):
        return labels.TOKEN_TYPES_OF_POSITIONS
    sources = [meaning.get(tensor.number, "") for tensor in step.inputs]
    if family == ops.INDEX and only_adds_axes(step):
        family = ops.UNSQUEEZE
    pools = _leaves_out_tokens(step, known)
    if family == ops.INDEX and (pools or step.role == roles.POOLER):
        return pooled.token_taken(step, sources, first=naming.first_token, first_real=naming.first_real_token)
    if family == ops.MEAN and pools:
        return labels.MEAN_OF_TOKENS
    if family == ops.INDEX and sources and (half := rotary.half(step, sources[0])) is not None:
        return half
    if family == ops.ADD and step.role in roles.ADDS_RESIDUAL and len(sources) == 2:
        return labels.RESIDUAL_SUM
    if (family == ops.COPY or (family == ops.RESHAPE and _keeps_shape(step))) and sources and sources[0]:
        return sources[0]  # the same tensor laid out anew is still what it was
    if family == ops.JOIN and (whole := _only_one_that_holds_something(step)) is not None:
        return meaning.get(whole, "") or labels.CHUNKS_JOINED  # a cache that is still empty adds nothing
    return _by_what_it_works_on(family, step, sources, naming)


def _by_what_it_works_on(family: str, step: StepRecord, sources: Sequence[str], naming: Naming) -> str:
    if family == ops.SCALE and len(sources) == 2:
        if sources.count(labels.PADDING_MASK) == 1:
            return labels.PADDING_ZEROED
        if labels.GATE in sources and any(map(labels.is_activation, sources)):
            return labels.GATED_INTERMEDIATE
    if family == ops.ACTIVATION and step.role not in ACTIVATIONS:
        return labels.activation(step.type)
    if family == ops.FILL and step.role == roles.EMBEDDINGS:
        return labels.NO_POSITION_EMBEDDINGS
    if family == ops.TRANSPOSE and step.role == roles.CONVOLUTION_LAYER and labels.CONVOLUTION not in sources:
        return labels.CONVOLUTION_INPUT
    if family == ops.UNSQUEEZE and sources == [labels.POSITIONS] and step.role in (roles.ENCODER, roles.SELF_ATTENTION):
        return labels.QUERY_POSITIONS if step.outputs[0].shape[-1] == 1 else labels.KEY_POSITIONS
    if family == ops.RANGE and step.role == roles.MODEL and naming.head is not NO_HEAD:
        return labels.ROW_NUMBERS
    found = next((OPS[key] for key in _keys(family, step, sources) if key in OPS), None)
    return _plain_word(step) if found is None else naming.sums.get(found, found)


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
    return PLAIN.get(step.type, step.type.replace("_", " "))


def _leaves_out_tokens(step: StepRecord, known: Mapping[int, Axes]) -> bool:
    """Whether an op makes one vector of a sentence out of one for each token."""
    received, returned = step.inputs[:1], step.outputs[:1]
    if not received or not returned or known.get(received[0].number) != axes.HIDDEN:
        return False
    rows, _, width = received[0].shape
    return returned[0].shape == (rows, width)


def _only_one_that_holds_something(step: StepRecord) -> int | None:
    """Return the number of the one tensor that a step joins with empty ones; None where it joins several."""
    full = [tensor.number for tensor in step.inputs if 0 not in tensor.shape]
    return full[0] if len(full) == 1 and len(step.inputs) > 1 else None


def _is_so(label: str, step: StepRecord, known: Mapping[int, Axes]) -> bool:
    """Whether what a label says of its tensor's axes is what they became, as far as the dataflow tells."""
    said = axes_of(label, len(step.outputs[0].shape) if step.outputs else 0)
    became = following(step, known)
    return said is None or became is None or label == labels.FUSED_ATTENTION or agree(said, became)


def _is_buffer(step: StepRecord, buffer: str, naming: Naming) -> bool:
    """Whether a step received the buffer of that name."""
    return bool(buffer) and any(naming.parameters.get(tensor.number, "").endswith(buffer) for tensor in step.inputs)


def _outputs(step: StepRecord, label: str, meaning: Mapping[int, str], known: Mapping[int, Axes]) -> Sequence[str]:
    """Return what each of a step's outputs is: what the step's label says, unless the step takes one thing apart, or
    hands on what it received.
    """
    if step.inputs:
        received = meaning.get(step.inputs[0].number, "")
        if step.kind == "op":
            parts = PARTS.get((op_of(step.type).family, received), ())
            if len(parts) == len(step.outputs) and all(_is_so(part, step, known) for part in parts):
                return parts
        if received and (label in (labels.IDENTITY, labels.CHOICES_FLATTENED)):
            return [received] * len(step.outputs)
    return [label] * len(step.outputs)


def _keeps_shape(step: StepRecord) -> bool:
    return bool(step.inputs and step.outputs) and step.inputs[0].shape == step.outputs[0].shape


def _ends_of_activations(steps: Sequence[StepRecord]) -> dict[int, StepRecord]:
    """Return the activations that are not of torch.nn (GELU, say), by the places of the ops whose results they
    return.
    """
    results: dict[int, StepRecord] = {}
    for step in steps:
        if step.kind == "module" and step.role in ACTIVATIONS and not step.leaf:
            results.update((tensor.number, step) for tensor in step.outputs)
    last: dict[int, int] = {}
    for place, step in enumerate(steps):
        for tensor in step.outputs:
            if step.kind == "op" and tensor.number in results and results[tensor.number].path == step.path:
                last[tensor.number] = place
    return {place: results[number] for number, place in last.items()}


def _axes(label: str, step: StepRecord, tensor: TensorRecord, known: dict[int, Axes]) -> Axes | None:
    said, became = axes_of(label, len(tensor.shape)), following(step, known)
    found = said if said is not None and (became is None or agree(said, became)) else became
    if found is None and (op_of(step.type).family == ops.TRANSPOSE or mixes_axes(step)):
        return None
    if found is None or len(found) != len(tensor.shape):
        # What works entry by entry (a norm, a dropout, a sum, an activation) leaves the axes as they were.
        found = next((known[t.number] for t in step.inputs if t.number in known and t.shape == tensor.shape), None)
        found = found or broadcast_axes(step, tensor.shape, known)
    return found if found is not None and len(found) == len(tensor.shape) else None
