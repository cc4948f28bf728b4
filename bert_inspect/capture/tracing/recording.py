"""What a tracer hands over when the model has run: everything that was recorded, in the order in which it happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from .activations import Activations
from .step_record import StepRecord
from .tensor_registry import TensorRegistry


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a forward ended: what it returned, or what it raised."""

    output: Any = None
    error: Exception | None = None


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One forward.

    Attributes:
        steps: the record of each step, a module before what ran in it; ``steps[i].id == i``.
        calls: how often each module was called.
        tensors: which tensor is which.
        kept: what was kept of tensors, for each trace that was asked for.
        stopped: the step in which a forward that raised was; only asked for where it did.
    """

    steps: Sequence[StepRecord]
    calls: Mapping[nn.Module, int]
    tensors: TensorRegistry
    kept: Sequence[Activations]
    stopped: StepRecord | None = None
