"""The cause of a forward that raised, in plain words."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ..families import family_of
from ..traces.ops import GATHER, op_of
from ..traces.vocabulary import roles
from .tracing.step_record import StepRecord, TensorRecord


def cause_of_failure(
    error: BaseException, record: StepRecord | None, model: nn.Module, batch: Mapping[str, torch.Tensor]
) -> str:
    """Return what made the forward stop, from the step in which it did and what that step received."""
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
    if record is None:
        return first_line
    module = model.get_submodule(record.path)
    if isinstance(module, nn.Embedding) and (found := _out_of_range(module, record, batch)):
        return found
    if found := _too_many_positions(module, record, model):
        return found
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return "there was not enough memory for this batch: trace fewer or shorter sentences"
    if isinstance(module, nn.Linear) and record.inputs and record.inputs[0].shape[-1:] != (module.in_features,):
        return f"it received {record.inputs[0].shape[-1]} features, the layer takes {module.in_features}"
    if record.kind == "op" and len(record.inputs) > 1:
        shapes = " and ".join(str(list(seen.shape)) for seen in record.inputs)
        return f"{record.type} of shapes {shapes}: {first_line}"
    return first_line


def broken_by(record: StepRecord) -> TensorRecord | None:
    """Return the input that a step failed on: where several meet, the first one whose shape is unlike the others'."""
    inputs = record.inputs
    return next((seen for seen in inputs[1:] if seen.shape != inputs[0].shape), inputs[0] if inputs else None)


_LOOKED_UP = {
    roles.WORD_EMBEDDINGS: ("input_ids", "token"),
    roles.TOKEN_TYPE_EMBEDDINGS: ("token_type_ids", "segment of token"),
}


def _out_of_range(module: nn.Embedding, record: StepRecord, batch: Mapping[str, Any]) -> str | None:
    """Return which id has no row in an embedding."""
    name, what = _LOOKED_UP.get(record.role, ("", ""))
    for sentence, row in enumerate(batch[name].tolist() if name in batch else (), start=1):
        for position, id_ in enumerate(row):
            if not 0 <= id_ < module.num_embeddings:
                where = f"{what} {position} of sentence {sentence}"
                return f"{where} has id {id_}, the embedding has {module.num_embeddings} rows"
    return None


def _too_many_positions(module: nn.Module, record: StepRecord, model: Any) -> str | None:
    """Return how many positions there are, where that is more than the table of position embeddings has for tokens."""
    settings = vars(model.config)
    family = family_of(model.config.model_type)
    if record.role == roles.POSITION_EMBEDDINGS and isinstance(module, nn.Embedding):
        rows = module.num_embeddings
    elif record.role == roles.EMBEDDINGS and op_of(record.type).family == GATHER:  # token types, by position
        rows = family.sizes_of(settings).get("positions", 0)
    else:
        return None
    positions = record.inputs[-1].shape[-1] if record.inputs else 0
    unused = family.first_position(settings)
    if positions <= rows - unused:
        return None
    serve = f", of which {rows - unused} serve tokens" if unused else ""
    return f"there are {positions} positions, the embedding has {rows} rows{serve}"
