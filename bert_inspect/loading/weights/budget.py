"""How much memory a model would take, asked before any is taken."""

import os
from contextlib import suppress
from pathlib import Path

from ...errors import ModelError
from ..checkpoint import Checkpoint
from ..configuration.settings import DTYPES

_SLACK = 50_000_000
_GIB = 2**30


def check_size(checkpoint: Checkpoint, *, parameters: int, dtype: str | None, allow_missing: bool) -> None:
    """Refuse a model that this machine cannot hold, or that is far larger than the weights that are to fill it.

    Raises:
        ModelError: says how large it is.
    """
    if checkpoint.weights == "none":
        return  # nothing is built
    count = parameters
    if checkpoint.weights == "pretrained":
        # What is missing would be drawn before it could be told: a few tensors may be, a model's worth may not.
        held = sum(tensor.count for file in checkpoint.weight_files for tensor in file.tensors)
        if count > 2 * held + _SLACK and not allow_missing:
            raise ModelError(
                f"config.json of {checkpoint.name} describes {count:,} parameters, its weights hold {held:,} numbers",
                checkpoint.advice or "its config.json belongs to another model",
            )
        size = DTYPES[dtype or checkpoint.dtype]
    else:
        size = 4 if dtype is None else 4 + DTYPES[dtype]  # drawn in float32, then cast
    there = _memory()
    if there is not None and count * size > there:
        raise ModelError(
            f"{checkpoint.name} has {count:,} parameters, {count * size / _GIB:,.1f} GiB; this machine has "
            f"{there / _GIB:,.1f} GiB of memory",
            'look at its shapes, which take no memory: `weights="none"`',
        )


def _memory() -> int | None:
    """Return the bytes of memory that this process may have: the machine's, or the container's if that is less."""
    sizes = []
    with suppress(OSError, ValueError, AttributeError):  # AttributeError: there is no sysconf on Windows
        sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # ValueError: "max"
            sizes.append(int(Path(file).read_text()))
    return min((size for size in sizes if size > 0), default=None)
