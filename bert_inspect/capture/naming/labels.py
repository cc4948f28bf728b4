"""From the dataflow to the field's name of a step, and of its tensors' axes.

A step is named by what it is (a module's place in the model, an op's family) and by the names of the steps that its
inputs came from: whatever multiplies the query heads with the transposed key heads makes the attention scores, on
whichever line of whichever release that happens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...traces.record import Axis
from ..tracing.step_record import StepRecord, TensorRecord


@dataclass(frozen=True)
class Names:
    """The label of each step, in order, and the axes of each tensor by its number."""

    labels: list[str] = field(default_factory=list)
    axes: dict[int, list[Axis]] = field(default_factory=dict)


# Modules, by the end of their path; the longest end that is listed decides.
_MODULES = {
    "": "BERT for sequence classification",
    "bert": "BERT",
    "embeddings": "embeddings",
    "embeddings.word_embeddings": "word embeddings",
    "embeddings.token_type_embeddings": "token type embeddings",
    "embeddings.position_embeddings": "position embeddings",
    "LayerNorm": "layer norm",
    "dropout": "dropout",
    "encoder": "encoder",
    "attention": "attention",
    "attention.self": "self-attention",
    "attention.self.query": "query projection",
    "attention.self.key": "key projection",
    "attention.self.value": "value projection",
    "attention.output": "attention output",
    "attention.output.dense": "attention output projection",
    "intermediate": "intermediate",
    "intermediate.dense": "intermediate projection",
    "output": "output",
    "output.dense": "output projection",
    "pooler": "pooler",
    "pooler.dense": "pooler projection",
    "classifier": "logits",
}

_FAMILIES = {
    "reshape": "view reshape unflatten flatten",
    "transpose": "transpose permute swapaxes swapdims movedim mT",
    "matmul": "matmul bmm",
    "scale": "mul div true_divide multiply divide mul_ div_",
    "add": "add add_ iadd masked_fill masked_fill_ where",
    "softmax": "softmax",
    "dropout": "dropout",
    "fused": "scaled_dot_product_attention",
    "index": "getitem select narrow index_select",
    "copy": "contiguous clone to detach type type_as float",
    "loss": "cross_entropy mse_loss binary_cross_entropy_with_logits",
}
_FAMILY = {op: family for family, ops in _FAMILIES.items() for op in ops.split()}

# Ops, by their family and the names of what they work on.
_OPS: dict[tuple[str, ...], str] = {
    ("matmul", "query heads", "key transposed"): "attention scores",
    ("scale", "attention scores"): "scaled attention scores",
    ("add", "scaled attention scores"): "masked attention scores",
    ("add", "attention scores"): "masked attention scores",
    ("softmax", "attention scores"): "attention probabilities",
    ("softmax", "scaled attention scores"): "attention probabilities",
    ("softmax", "masked attention scores"): "attention probabilities",
    ("dropout", "attention probabilities"): "attention dropout",
    ("matmul", "attention dropout", "value heads"): "context",
    ("matmul", "attention probabilities", "value heads"): "context",
    ("transpose", "key heads"): "key transposed",
    ("transpose", "context"): "context permuted",
    ("transpose", "fused attention"): "context permuted",
    ("reshape", "context permuted"): "context reshaped",
    ("add", "word embeddings", "token type embeddings"): "word + token type embeddings",
    ("add", "word embeddings", "position embeddings"): "word + position embeddings",
    ("add", "word + token type embeddings", "position embeddings"): "sum of embeddings",
    ("add", "word + position embeddings", "token type embeddings"): "sum of embeddings",
}
for _role in ("query", "key", "value"):
    _OPS["reshape", f"{_role} projection"] = f"{_role} split into heads"
    _OPS["transpose", f"{_role} split into heads"] = f"{_role} heads"

# Ops that the dataflow says nothing about; older releases of transformers count the positions in BertModel.
_PLAIN_WORDS = {"chunk": "split into chunks", "cat": "chunks joined", "arange": "positions"}

_HIDDEN: list[Axis] = ["batch", "tokens", "hidden"]
_SPLIT: list[Axis] = ["batch", "tokens", "heads", "head_dim"]
_HEADS: list[Axis] = ["batch", "heads", "tokens", "head_dim"]
_POOLED: list[Axis] = ["batch", "hidden"]
_SCORES: list[Axis] = ["batch", "heads", "query tokens", "key tokens"]
_AXES: dict[str, list[Axis]] = {
    "position ids": ["batch", "tokens"],
    **dict.fromkeys(["word embeddings", "token type embeddings", "position embeddings"], _HIDDEN),
    **dict.fromkeys(["query projection", "key projection", "value projection"], _HIDDEN),
    **dict.fromkeys(["query split into heads", "key split into heads", "value split into heads"], _SPLIT),
    **dict.fromkeys(["query heads", "key heads", "value heads", "context", "fused attention"], _HEADS),
    "key transposed": ["batch", "heads", "head_dim", "tokens"],
    "attention scores": _SCORES,
    "attention mask": _SCORES,
    "context permuted": _SPLIT,
    **dict.fromkeys(["context reshaped", "attention output projection", "output projection"], _HIDDEN),
    "intermediate projection": ["batch", "tokens", "intermediate"],
    **dict.fromkeys(["first token [CLS]", "pooler projection"], _POOLED),
    "logits": ["batch", "labels"],
    "loss": [],
    "positions": ["tokens"],
}
_MODEL_INPUTS: dict[str, list[Axis]] = {
    "input_ids": ["batch", "tokens"],
    "token_type_ids": ["batch", "tokens"],
    "attention_mask": ["batch", "tokens"],
    "labels": ["batch"],
}


def name_steps(steps: Sequence[StepRecord], *, activation: str, parameters: Mapping[int, str]) -> Names:
    """Name every step and the axes of every tensor.

    ``activation`` is the configuration's ``hidden_act``, ``parameters`` the names of the tensors that are the model's.
    """
    names = Names()
    meaning: dict[int, str] = {}  # what each tensor is: the label of the innermost step that returned it last
    if steps:
        for tensor in steps[0].inputs:
            names.axes[tensor.number] = _MODEL_INPUTS.get(tensor.name, [])
            meaning[tensor.number] = tensor.name
    ends = _ends_of_activations(steps)
    for place, step in enumerate(steps):
        if step.kind == "module":
            label = _module(step, activation)
        elif place in ends:
            label = f"{activation} activation"
        else:
            label = _op(step, meaning, parameters)
        names.labels.append(label)
        if not step.leaf:
            continue
        for tensor in step.outputs:
            meaning[tensor.number] = label
            axes = _axes(label, step, tensor, names.axes)
            if axes is not None:
                names.axes.setdefault(tensor.number, axes)
    # An empty list would claim a scalar: tensors whose axes nothing tells are left out.
    for tensor in steps[0].inputs if steps else ():
        if len(names.axes[tensor.number]) != len(tensor.shape):
            del names.axes[tensor.number]
    return names


def _module(step: StepRecord, activation: str) -> str:
    segments = step.path.split(".") if step.path else []
    for length in (3, 2, 1):
        label = _MODULES.get(".".join(segments[-length:])) if len(segments) >= length or not segments else None
        if label is not None:
            return label
    last = segments[-1]
    if last == "intermediate_act_fn":
        return f"{activation} activation"
    if last == "activation":
        return f"{step.type.lower().removesuffix('activation')} activation"
    if last.isdigit() and segments[-2:-1] == ["layer"]:
        return f"layer {last}"
    return last.replace("_", " ")


def _op(step: StepRecord, meaning: Mapping[int, str], parameters: Mapping[int, str]) -> str:
    if step.mask:
        return "attention mask"
    family = _FAMILY.get(step.type, "")
    if family == "loss":
        return "loss"
    if family == "fused":
        return "fused attention"
    place = step.path.rsplit(".", 1)[-1]
    if family == "index" and any(parameters.get(tensor.number, "").endswith("position_ids") for tensor in step.inputs):
        return "position ids"
    if family == "index" and place == "pooler":
        return "first token [CLS]"
    sources = [meaning.get(tensor.number, "") for tensor in step.inputs]
    if family == "add" and place == "output" and len(sources) == 2:
        return "residual sum"
    if (family == "copy" or (family == "reshape" and _keeps_shape(step))) and sources and sources[0]:
        return sources[0]  # the same tensor laid out anew is still what it was
    for key in ((family, *sources), (family, *reversed(sources)), *((family, source) for source in sources)):
        if key in _OPS:
            return _OPS[key]
    return _PLAIN_WORDS.get(step.type, step.type.replace("_", " "))


def _keeps_shape(step: StepRecord) -> bool:
    return bool(step.inputs and step.outputs) and step.inputs[0].shape == step.outputs[0].shape


def _ends_of_activations(steps: Sequence[StepRecord]) -> set[int]:
    """Return the places of the ops whose result an activation that is not of torch.nn returns (GELU, say)."""
    ends: set[int] = set()
    results: dict[int, str] = {}
    for step in steps:
        if step.kind == "module" and step.path.endswith("intermediate_act_fn") and not step.leaf:
            results.update((tensor.number, step.path) for tensor in step.outputs)
    last: dict[int, int] = {}
    for place, step in enumerate(steps):
        for tensor in step.outputs:
            if step.kind == "op" and results.get(tensor.number) == step.path:
                last[tensor.number] = place
    ends.update(last.values())
    return ends


def _axes(label: str, step: StepRecord, tensor: TensorRecord, known: dict[int, list[Axis]]) -> list[Axis] | None:
    axes = _AXES.get(label)
    if _FAMILY.get(step.type) == "transpose" and axes is None:
        return None
    if axes is None or len(axes) != len(tensor.shape):
        # What works entry by entry (a norm, a dropout, a sum, an activation) leaves the axes as they were.
        axes = next((known[t.number] for t in step.inputs if t.number in known and t.shape == tensor.shape), None)
    return axes if axes is not None and len(axes) == len(tensor.shape) else None
