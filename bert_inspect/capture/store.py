"""Full tensors to a safetensors file, one key a step output, as the trace names them."""

import os
from collections.abc import Mapping
from typing import Any

from safetensors import serialize_file

from ..files import replacing
from .assemble import StoredTensor


def save_tensors(path: str | os.PathLike[str], tensors: Mapping[str, StoredTensor]) -> None:
    """Write tensors as safetensors, whole or not at all.

    Raises:
        UsageError: the file cannot be written.
    """
    described: dict[str, Any] = {
        key: {"dtype": tensor.dtype, "shape": tensor.shape, "data": tensor.data} for key, tensor in tensors.items()
    }
    with replacing(path) as stream:
        serialize_file(described, stream.name, {"format": "pt"})
