"""The cause of a forward that raised, in plain words."""

from typing import Any

import torch
from torch import nn

from .tracing.step_record import Note, Seen


def explain(error: BaseException, note: Note | None, model: nn.Module, batch: dict[str, torch.Tensor]) -> str:
    """Return what made the forward stop, from the step in which it did and what that step received."""
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
    if note is None:
        return first_line
    module = model.get_submodule(note.path)
    if isinstance(module, nn.Embedding) and (found := _out_of_range(module, note, batch)):
        return found
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return "there was not enough memory for this batch: trace fewer or shorter sentences"
    if isinstance(module, nn.Linear) and note.inputs and note.inputs[0].shape[-1:] != (module.in_features,):
        return f"it received {note.inputs[0].shape[-1]} features, the layer takes {module.in_features}"
    if note.kind == "op" and len(note.inputs) > 1:
        shapes = " and ".join(str(list(seen.shape)) for seen in note.inputs)
        return f"{note.type} of shapes {shapes}: {first_line}"
    return first_line


def broken_by(note: Note) -> Seen | None:
    """Return the input that a step failed on: where several meet, the first one whose shape is unlike the others'."""
    inputs = note.inputs
    return next((seen for seen in inputs[1:] if seen.shape != inputs[0].shape), inputs[0] if inputs else None)


_WHAT: dict[str, str] = {"input_ids": "token", "token_type_ids": "segment of token"}


def _out_of_range(module: nn.Embedding, note: Note, batch: dict[str, Any]) -> str | None:
    """Return which id has no row in an embedding."""
    for name, ids in batch.items():
        if name not in _WHAT or not note.path.endswith("word_embeddings" if name == "input_ids" else "type_embeddings"):
            continue
        for sentence, row in enumerate(ids.tolist(), start=1):
            for position, id_ in enumerate(row):
                if not 0 <= id_ < module.num_embeddings:
                    where = f"{_WHAT[name]} {position} of sentence {sentence}"
                    return f"{where} has id {id_}, the embedding has {module.num_embeddings} rows"
    if note.path.endswith("position_embeddings") and note.inputs:
        positions = note.inputs[0].shape[-1]
        if positions > module.num_embeddings:
            return f"there are {positions} positions, the embedding has {module.num_embeddings} rows"
    return None
