"""What the tracer writes down of each step, and what it is asked to keep: plain data, without torch."""

import weakref
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from ..record import Kind

Line = tuple[str, int]
"""A source file's name and a line in it, before the text is looked up."""

VALUES_LIMIT = 50_000_000
"""The most numbers that a trace holds in full; the contract fixes it for exports."""


class Seen(msgspec.Struct, gc=False):
    """A tensor as a step received or returned it. ``number`` identifies it over the whole run: two steps that show
    the same number hold the very same tensor, unchanged. ``sight`` leads to it while it lives, and keeps it not alive.
    """

    name: str
    number: int
    shape: tuple[int, ...]
    dtype: str
    sight: weakref.ref[Any]

    @property
    def tensor(self) -> Any:
        """The tensor, while its step runs."""
        return self.sight()


class Note(msgspec.Struct, gc=False):
    """What was seen of one step. ``given`` and ``options`` are what an op received besides tensors, ``also_changed``
    the tensors that share the memory which it changed in place.
    """

    id: int
    parent: int | None
    kind: Kind
    path: str
    call: int
    type: str
    line: Line | None
    inputs: list[Seen]
    outputs: list[Seen] = []
    given: Sequence[Any] = ()
    options: Mapping[str, Any] = {}
    also_changed: list[Seen] = []
    leaf: bool = True
    flops: int = 0
    no_op: bool = False
    mask: bool = False
    failed: bool = False
    started: float = 0.0
    seconds: float | None = None


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of tensors besides their shapes. ``values`` is ``"cut"`` for the screen, ``"full"`` for exports;
    ``limit`` is the most numbers that may be kept in full.
    """

    stats: bool = False
    values: Literal["cut", "full"] | None = None
    tensors: bool = False
    seconds: bool = False
    limit: int | None = None
