"""What is wanted of the tensors of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...capture.editing.layout import Layout
from ...capture.tracing.step_record import StepRecord
from ...profiles.total import Place
from ...traces.vocabulary.axes import Axes

Signature = tuple[tuple[str, str], ...]
"""The steps that run: the path and the type of each."""


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
    """What is wanted in a run with these steps: of each output, by the step's id in that run and its place."""

    signature: Signature
    wishes: Mapping[Place, Wish]


def signature_of(steps: Sequence[StepRecord]) -> Signature:
    """Return which steps ran."""
    return tuple((step.path, step.type) for step in steps)
