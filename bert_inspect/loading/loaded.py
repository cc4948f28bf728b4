"""A model that is ready to run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A model that is ready to run, and where it came from. ``unused`` names the tensors of its checkpoint that found
    no place in it.
    """

    model: Any
    name: str
    source: Literal["builtin", "folder", "cache", "python"]
    weights: Literal["pretrained", "partial", "random", "none"]
    initialised: Sequence[str]
    seed: int
    unused: Sequence[str] = ()
