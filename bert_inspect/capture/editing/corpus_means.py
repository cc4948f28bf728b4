"""The means of a corpus, out of a profile, to be put in the place of what a model computes."""

import torch
from torch import Tensor

from ...errors import UsageError
from ...loading.loaded import Loaded
from ...loading.weights.digest import digest_of
from ...profiles.coverage import missing
from ...profiles.record import Dimensions, Profile
from ...traces.edits import Edit
from ...traces.vocabulary import axes
from ...traces.vocabulary.axes import Axes

_HEADS = (axes.SPLIT, axes.HEADS, axes.HEADS_FOLDED)


def means_of_corpus(loaded: Loaded, profile: Profile, edit: Edit) -> Tensor:
    """Return the mean over the real tokens of a corpus of what an edit is made in (1, 1, units, numbers): the hidden
    states that a layer returns, the context of its heads, or what its neurons hand on.

    Raises:
        UsageError: the profile is of another model or of a part of its corpus, or holds no means of that.
    """
    name = edit.file or "the profile"
    if profile.weights != digest_of(loaded.model):
        raise UsageError(
            f"{name} is a profile of another model: {profile.model.name}, or other weights of it",
            "profile the corpus with this very model",
        )
    if gaps := missing(profile.input):
        lack = sum(last - first + 1 for first, last in gaps)
        raise UsageError(
            f"{name} holds {profile.input.blocks - lack} of the {profile.input.blocks} blocks of its corpus: its means "
            "are not those of the corpus",
            "bert-inspect profile merge adds up the profiles of all shards",
        )
    found = _dimensions(profile, edit)
    if found is None:
        filters = ", ".join(f"{key} {value}" for key, value in profile.selection.items())
        made = f": it was narrowed to {filters}" if filters else ""
        raise UsageError(f"{name} holds no means for {edit.spec}{made}", "profile the corpus without filters")
    means = torch.tensor([float(mean) for mean in found.mean], dtype=torch.float64)
    if not bool(torch.isfinite(means).all()):
        raise UsageError(f"{name} has means for {edit.spec} that are not finite", "edit it by zero")
    heads = loaded.sizes["heads"]
    shape = {"layer": (1, 1, 1, -1), "neuron": (1, 1, -1, 1), "intermediate": (1, 1, -1, 1)}
    return means.reshape(shape.get(edit.kind, (1, 1, heads, -1)))


def _dimensions(profile: Profile, edit: Edit) -> Dimensions | None:
    """Return what is told by dimension in the edit's layer: of hidden states it is what the layer returns, of heads
    their context, of neurons what they hand on.
    """
    wanted: tuple[Axes, ...] = {"layer": (axes.HIDDEN,), "head": _HEADS, "attention": _HEADS}.get(
        edit.kind, (axes.INTERMEDIATE,)
    )
    found = [
        output.dimensions
        for step in profile.steps
        if step.layer == edit.layer
        for output in step.outputs
        if output.dimensions is not None and output.axes in wanted
    ]
    return found[-1] if found else None
