"""A digest of a model's parameters: profiles of the same model are told by it from those of another."""

import hashlib
from typing import Any

import torch


def digest_of(model: Any) -> str:
    """Return the SHA-256 of everything that a model's state holds: names, dtypes, shapes and numbers."""
    found = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        if not isinstance(tensor, torch.Tensor):
            continue
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        if not tensor.is_meta:
            flat = tensor.detach().cpu().contiguous().reshape(-1)
            numbers: Any = flat.view(torch.uint8).numpy() if flat.numel() else b""
            found.update(numbers)
    return found.hexdigest()
