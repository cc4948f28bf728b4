"""What is recorded of each step while the model runs: plain data, without torch."""

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ...traces.record import Kind

SourceLine = tuple[str, int]
"""A source file's name and a line in it, before the text is looked up."""


class TensorRecord(msgspec.Struct, gc=False):
    """A tensor as a step received or returned it. ``number`` identifies it over the whole run: two steps that show
    the same number hold the very same tensor, unchanged. ``tensor_ref`` leads to it while it lives,
    and does not keep it alive.
    """

    name: str
    number: int
    shape: tuple[int, ...]
    dtype: str
    tensor_ref: weakref.ref[Any]

    @property
    def tensor(self) -> Any:
        """The tensor, while its step runs."""
        return self.tensor_ref()


class StepRecord(msgspec.Struct, gc=False):
    """What was seen of one step. ``given`` and ``options`` are what an op received besides tensors, ``also_changed``
    the tensors that share the memory which it changed in place, ``edited`` that what it returned went on changed.
    ``role``, ``part`` and ``layer`` are those of the module that it is, or in whose forward it ran.
    """

    id: int
    parent: int | None
    kind: Kind
    path: str
    call: int
    type: str
    line: SourceLine | None
    inputs: list[TensorRecord]
    outputs: list[TensorRecord] = []
    given: Sequence[Any] = ()
    options: Mapping[str, Any] = {}
    also_changed: list[TensorRecord] = []
    leaf: bool = True
    flops: int = 0
    no_op: bool = False
    mask: bool = False
    failed: bool = False
    edited: bool = False
    started: float = 0.0
    seconds: float | None = None
    role: str = ""
    part: str = ""
    layer: int | None = None
