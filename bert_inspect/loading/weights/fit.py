"""Whether the tensors of a checkpoint have the shapes that its configuration says, told from their headers alone; and
where not, which key of config.json is to blame.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ...errors import ModelError
from ...families import Family
from ...traces.vocabulary import roles
from ..notices import counted
from .safetensors_files import Tensor

_SQUARE = ("hidden", "hidden")
_EMBEDDING = "embedding"
"""The width of the embeddings, which is that of the hidden states in most families."""
# What the axes of a module's weight are; a bias has the first of them. Shapes as in ``modeling_bert.py``.
_AXES = {
    roles.WORD_EMBEDDINGS: ("vocabulary", _EMBEDDING),
    roles.POSITION_EMBEDDINGS: ("positions", _EMBEDDING),
    roles.TOKEN_TYPE_EMBEDDINGS: ("token_types", _EMBEDDING),
    roles.QUERY_PROJECTION: _SQUARE,
    roles.KEY_PROJECTION: _SQUARE,
    roles.VALUE_PROJECTION: _SQUARE,
    roles.ATTENTION_OUTPUT_PROJECTION: _SQUARE,
    roles.INTERMEDIATE_PROJECTION: ("intermediate", "hidden"),
    roles.OUTPUT_PROJECTION: ("hidden", "intermediate"),
    roles.POOLER_PROJECTION: _SQUARE,
    roles.NORM: ("hidden",),
}
NO_CONFIGURATION = "these tensors fit no configuration: save the model again with save_pretrained"
_SHOWN = 3
_Known = Iterator[tuple[Tensor, tuple[str, ...]]]


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """A tensor that has another shape than the configuration says."""

    name: str
    shape: tuple[int, ...]
    wanted: tuple[int, ...]

    def __str__(self) -> str:
        """Say so, with whole shapes."""
        return f"{self.name} is {list(self.shape)}, not {list(self.wanted)}"


def check_fit(tensors: Iterable[Tensor], sizes: Mapping[str, int], family: Family, *, name: str) -> None:
    """Refuse a checkpoint whose tensors have other shapes than its configuration says, those of the head excepted.

    Raises:
        ModelError: names the key of config.json, and the value that the weights have.
    """
    tensors = list(tensors)
    misfits = [
        Misfit(name=tensor.name, shape=tensor.shape, wanted=wanted)
        for tensor, axes in _known(tensors, sizes, family)
        if tensor.shape != (wanted := tuple(sizes[axis] for axis in axes))
    ]
    if not misfits:
        return
    if heads := _pruned(tensors, sizes, family):
        raise ModelError(
            f"{name} has attention heads pruned away, which transformers 5 cannot load: {told(misfits)}",
            f"{heads} are left: take the checkpoint from before the pruning, or run it with transformers 4",
        )
    raise ModelError(
        f"{name} holds {counted(len(misfits), 'tensor')} in another shape than its configuration says: {told(misfits)}",
        advice(tensors, sizes, family) or NO_CONFIGURATION,
    )


def advice(tensors: Iterable[Tensor], sizes: Mapping[str, int], family: Family) -> str:
    """Return what to set in config.json so that it fits the weights, empty where nothing makes it fit."""
    held: dict[str, set[int]] = {}
    for tensor, axes in _known(tensors, sizes, family):
        if len(axes) != len(tensor.shape):
            return ""
        for axis, length in zip(axes, tensor.shape, strict=True):
            held.setdefault(axis, set()).add(length)
    if any(len(lengths) > 1 for lengths in held.values()):
        return ""
    right = {axis: lengths.pop() for axis, lengths in held.items()}
    if not family.shares_layer and 0 < (layers := layers_held(tensors, family)) < sizes["layers"]:
        right["layers"] = layers
    wrong = [f"{family.sizes[axis]} to {length}" for axis, length in right.items() if length != sizes[axis]]
    return f"set {' and '.join(wrong)} in config.json, which is what the weights have" if wrong else ""


def layers_held(tensors: Iterable[Tensor], family: Family) -> int:
    """Return how many encoder layers a checkpoint has tensors of."""
    return len({layer for tensor in tensors if (layer := family.layer_in_path(tensor.name)) is not None})


def told(misfits: Iterable[Misfit]) -> str:
    """Return the first of them in words, with how many more there are."""
    found = list(misfits)
    more = f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(map(str, found[:_SHOWN])) + more


def _known(tensors: Iterable[Tensor], sizes: Mapping[str, int], family: Family) -> _Known:
    """Yield the tensors that the model's body has a place for, each with what its axes are."""
    for tensor in tensors:
        path, _, kind = tensor.name.rpartition(".")
        layer = family.layer_in_path(path)
        axes = _AXES.get(family.role(path))
        if axes is None or not family.in_body(path) or kind not in ("weight", "bias", "gamma", "beta"):
            continue
        if layer is not None and layer >= sizes["layers"] and not family.shares_layer:
            continue
        if family.role(path) == roles.NORM and family.part(path) == roles.EMBEDDINGS:
            axes = ("hidden",) if family.projects_before_norm else (_EMBEDDING,)
        axes = tuple("hidden" if axis == _EMBEDDING and _EMBEDDING not in sizes else axis for axis in axes)
        if all(axis in sizes for axis in axes):
            yield tensor, axes[:1] if kind in ("bias", "beta") else axes


def _pruned(tensors: Iterable[Tensor], sizes: Mapping[str, int], family: Family) -> str:
    """Return which heads are left where whole ones were pruned away and all else fits, else an empty text."""
    hidden, size = sizes["hidden"], sizes["hidden"] // sizes["heads"]
    left: dict[int, int] = {}
    for tensor, axes in _known(tensors, sizes, family):
        wanted, role = tuple(sizes[axis] for axis in axes), family.role(tensor.name.rpartition(".")[0])
        if tensor.shape == wanted:
            continue
        narrow = 1 if role == roles.ATTENTION_OUTPUT_PROJECTION else 0
        if role not in (*roles.QUERY_KEY_VALUE, roles.ATTENTION_OUTPUT_PROJECTION) or len(tensor.shape) != len(wanted):
            return ""
        kept = tensor.shape[narrow]
        others = [length for axis, length in enumerate(tensor.shape) if axis != narrow]
        if kept % size or kept > hidden or any(length != hidden for length in others):
            return ""
        layer = family.layer_in_path(tensor.name)
        if layer is None or left.setdefault(layer, kept // size) != kept // size:
            return ""
    shown = [f"{heads} of {sizes['heads']} heads in layer {layer}" for layer, heads in sorted(left.items())]
    return ", ".join(shown[:_SHOWN]) + (f" and fewer in {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else "")
