"""Keeps tensors of a run in which nothing is changed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ...loading.loaded import Loaded
from ...traces.record import Input
from ..tracing.editing import EditedStep
from .layout import Layout
from .run import run_edited
from .targets import Target


@dataclass
class _Kept:
    """Keeps a tensor that a step returned, and changes nothing; an `Edit`."""

    layout: Layout
    found: list[Tensor] = field(default_factory=list)

    def changed(self, tensor: Tensor, received: Tensor | None) -> Tensor:
        self.found.append(self.layout.view(tensor).clone())
        return tensor


def activations(loaded: Loaded, batch: Input, there: Sequence[Target]) -> tuple[list[Tensor], Any]:
    """Run a model once over a batch and return what stands at each target (batch, tokens, units, numbers), and what the
    model returned.

    Raises:
        BertInspectError: its forward fails, or a step that is to be kept does not run.
    """
    kept = [_Kept(target.layout) for target in there]
    steps = {
        target.place: EditedStep(edit=keeps, output=target.output) for target, keeps in zip(there, kept, strict=True)
    }
    output = run_edited(loaded, batch, steps)
    return [keeps.found[0] for keeps in kept], output
