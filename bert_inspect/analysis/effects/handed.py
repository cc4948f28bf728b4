"""Keeps layers below an edit from running again: what they give without edits is handed on in their place."""

from torch import Tensor

from ...capture.editing.keep import activations
from ...capture.editing.survey import Survey
from ...capture.editing.targets import Target, only_hidden_states, targets
from ...capture.tracing.editing import EditedStep, Place
from ...errors import UsageError
from ...loading.loaded import Loaded
from ...traces.record import Input


class Handed:
    """The hidden states that each layer but the last gives for one sentence, or one text with its choices."""

    def __init__(self, loaded: Loaded, own: Input, seen: Survey) -> None:
        self._found: list[tuple[Target, Tensor]] = []
        there = []
        for layer in range(loaded.layers - 1):
            try:
                found = targets(loaded, seen, "layer", layer)
            except UsageError:  # no step is known to be that layer: all of them run
                return
            if len(found) > 1 or not only_hidden_states(found[0]):
                return
            there += found
        values, _ = activations(loaded, own, there)
        self._found = list(zip(there, values, strict=True))

    def below(self, first: int, count: int) -> dict[Place, EditedStep]:
        """Return what keeps the layers below one from running, in a run that repeats the rows so many times; nothing
        where a layer gives more than hidden states.
        """
        steps = {}
        for layer, (target, values) in enumerate(self._found[:first]):
            last = values.squeeze(2).repeat(count, 1, 1) if layer == first - 1 else None
            steps[target.place] = EditedStep(edit=None, received=target.received, returns=target.returns, handed=last)
        return steps
