"""A model in another precision, as loading it in that makes it."""

from typing import Any

import torch


def in_precision(model: Any, dtype: torch.dtype) -> Any:
    """Return the model with its parameters, and the buffers that are saved with them, in another precision.

    What is computed when a model is made and never saved stays as it is (the frequencies of rotary embeddings), as
    transformers leaves it in ``from_pretrained(dtype=...)``; ``model.to(dtype)`` would round that too.
    """
    saved = model.state_dict().keys()
    computed = {name: buffer for name, buffer in model.named_buffers() if name not in saved}
    model = model.to(dtype)
    for name, buffer in computed.items():
        path, _, last = name.rpartition(".")
        setattr(model.get_submodule(path), last, buffer)
    return model
