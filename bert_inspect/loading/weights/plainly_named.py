"""The weights of a checkpoint under the names that they have in the model, whatever was around it when it was saved."""

from ...errors import ModelError
from ...families import Family
from ..files import CheckpointFiles
from ..notices import Notice, counted, short, some
from .names import MERGE, plain_names, unmerged, wrapper_of
from .safetensors_files import WeightFile, find_weights, named


def plainly_named(files: CheckpointFiles, family: Family, notice: Notice) -> tuple[WeightFile, ...]:
    """Return a checkpoint's weights under the names that they have in the model, without what wrappers added.

    Raises:
        ModelError: a file is damaged, or the tensors are an adapter's that is not merged into its model.
    """
    found = find_weights(files)
    stored = [tensor.name for file in found for tensor in file.tensors]
    if foreign := unmerged(stored, family):
        raise ModelError(
            f"{files.name} holds {counted(len(foreign), 'tensor')} of an adapter that is not merged into the model: "
            f"{some(foreign, most=2)}",
            MERGE,
        )
    names = plain_names(stored, family)
    plain = named(found, names, family, name=files.name)
    if changed := [name for name in stored if name != names[name]]:
        first = changed[0]
        who = f" ({wrapper})" if (wrapper := wrapper_of(first)) else ""
        notice(
            f"{counted(len(changed), 'tensor')} of {files.name} have a wrapper in their names{who}: "
            f"{short(first)} is read as {short(names[first])}"
        )
    return plain
