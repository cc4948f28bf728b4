"""Full tensors to a safetensors file, one key a step output, as the trace names them."""

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save, save_file

from ..errors import UsageError
from ..files import cannot_write, replacing


def save_tensors(path: str | os.PathLike[str], tensors: Mapping[str, torch.Tensor]) -> None:
    """Write tensors as safetensors, whole or not at all.

    Raises:
        UsageError: the file cannot be written, or a tensor is of a dtype that the format has no name for.
    """
    written: set[int] = set()
    separate: dict[str, torch.Tensor] = {}
    for key, tensor in tensors.items():
        # A module returns its last step's tensor: in the file each key has its own copy, as the format demands.
        separate[key] = tensor.clone() if id(tensor) in written else tensor
        written.add(id(tensor))
    with replacing(path) as stream:
        try:
            if Path(stream.name).is_file():
                save_file(separate, stream.name, {"format": "pt"})
            else:  # it would put a file in the place of a device or a pipe
                stream.write(save(separate, {"format": "pt"}))
        except KeyError as error:  # how it says that of a dtype
            dtypes = ", ".join(sorted({str(t.dtype) for t in tensors.values()} & {str(key) for key in error.args}))
            raise UsageError(
                f"a safetensors file holds no tensors of {dtypes}", "select other steps with `layer` or `module`"
            ) from error
        except SafetensorError as error:  # how it says that the disk is full
            raise cannot_write(path, error) from error
