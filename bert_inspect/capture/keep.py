"""What is kept of the tensors of a run, besides their shapes: plain data, without torch."""

from typing import Literal

import msgspec

from ..errors import UsageError

VALUES_LIMIT = 50_000_000
"""The most numbers that a trace holds in full; the contract fixes it for exports."""


class TooManyValues(UsageError):
    """More numbers would be kept in full than `Keep.limit` allows."""


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of tensors besides their shapes. ``values`` is ``"cut"`` for the screen, ``"full"`` for exports;
    ``limit`` is the most numbers that may be kept in full.
    """

    stats: bool = False
    values: Literal["cut", "full"] | None = None
    tensors: bool = False
    seconds: bool = False
    limit: int | None = None
