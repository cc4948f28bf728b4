"""What a tracer sees while a model runs, before anything is made of it; refs stand in the place of tensors."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from torch import nn

from .call_site import CallSite
from .tensor_registry import TensorRef, TensorState


class Called(msgspec.Struct, gc=False):
    """A module was called, by position and by name, from a place in the source."""

    module: nn.Module
    given: Sequence[Any]
    options: Mapping[str, Any]
    place: CallSite | None


class Returned(msgspec.Struct, gc=False):
    """A module returned. ``changed`` is the memory that it changed in place, ``flops`` what was counted inside of a
    module of torch.nn that holds what others wrote, ``edited`` says that what it returned went on changed.
    """

    module: nn.Module
    output: Any
    changed: Sequence[TensorState] = ()
    flops: int | None = None
    edited: bool = False


class Raised(msgspec.Struct, gc=False):
    """A module raised."""

    module: nn.Module


class CalledInside(msgspec.Struct, gc=False):
    """A module was called inside of one of torch.nn, where nothing but this is recorded."""

    module: nn.Module


class Passed(msgspec.Struct, gc=False):
    """A module of torch.nn passed the tensor that it was called with to its one function, and returned the result."""

    module: nn.Module
    received: TensorRef
    output: TensorRef
    place: CallSite | None


class Helper(NamedTuple):
    """The helper that builds the attention mask in which an op ran, and whether it is another call than the last."""

    name: str
    called_at: CallSite | None
    anew: bool


class Ran(msgspec.Struct, gc=False):
    """An op ran. ``unchanged`` says that it handed on what it received, ``failed`` that it raised, ``edited`` that what
    it returned went on changed.
    """

    func: Callable[..., Any]
    given: Sequence[Any]
    options: Mapping[str, Any]
    place: CallSite | None
    output: Any = None
    changed: Sequence[TensorState] = ()
    helper: Helper | None = None
    unchanged: bool = False
    failed: bool = False
    edited: bool = False


Event = Called | Returned | Raised | CalledInside | Passed | Ran
