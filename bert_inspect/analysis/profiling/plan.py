"""What is wanted of the tensors of a run."""

from collections.abc import Mapping
from dataclasses import dataclass

from ...capture.editing.layout import Layout
from ...capture.tracing.ends import End
from ...profiles.total import Place
from ...traces.vocabulary.axes import Axes


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is wanted of a tensor: its numbers, at a ``place`` of the profile; those by dimension, where its ``layout``
    is given; and where heads look, where it ``looks``.
    """

    place: Place
    axes: Axes
    layout: Layout | None = None
    looks: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is wanted in a run whose steps end in this order: of each output, by the place of its step in that order,
    and its own among the outputs.
    """

    ends: tuple[End, ...]
    wishes: Mapping[int, Mapping[int, Wish]]
