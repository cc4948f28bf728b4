"""Runs one sentence many times at once, each time with another edit: the sentence repeated in rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ...capture.editing.change import Change, ChangedTensor
from ...capture.editing.run import run_edited
from ...capture.editing.survey import Survey, survey
from ...capture.editing.targets import Target, targets
from ...capture.model_inputs import model_inputs
from ...capture.outputs.returned import returned_tensors
from ...capture.tracing.editing import EditedStep, Place
from ...families.heads import MULTIPLE_CHOICE
from ...loading.loaded import Loaded
from ...traces.edits import Edit, Kind
from ...traces.record import Input
from ..explain.faithfulness import NUMBERS_AT_ONCE
from ..explain.quantity import Quantity
from .handed import Handed
from .replacement import Replacements
from .units import Unit

TOKENS_AT_ONCE = 512
"""About how many tokens run in one forward: more are no faster on a processor, and take more memory."""


@dataclass
class Sweep:
    """Edits of one sentence, or of one text with its choices.

    The layers below the first one that is edited give what they gave without edits: they do not run again.

    Attributes:
        loaded: the model.
        own: the rows of the sentence, one but for multiple choice.
        quantity: the number that is watched, of the first row.
        replacements: what stands in the place of what is edited; None where only tokens are.
        mask: the id of the mask, for tokens.
        at_once: about how many tokens run in one forward.
    """

    loaded: Loaded
    own: Input
    quantity: Quantity
    replacements: Replacements | None
    mask: int | None = None
    at_once: int = TOKENS_AT_ONCE
    _there: dict[tuple[Kind, int], list[Target]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._inputs = model_inputs(self.loaded, self.own, labels=False)
        self._survey: Survey | None = None
        self._handed: Handed | None = None
        if self.replacements is not None:
            self._survey = survey(self.loaded, self.own)
            self._handed = Handed(self.loaded, self.own, self._survey)

    def run(self, units: Sequence[Unit]) -> Iterator[tuple[Unit, Mapping[str, Tensor], int]]:
        """Yield each unit with what the model returned with it edited, and the row of that in which it is told."""
        tokens = len(self.own.tokens) * len(self.own.tokens[0])
        most = min(self.at_once, NUMBERS_AT_ONCE // max(len(self.quantity.names), 1))
        size = max(most // tokens, 1)
        for start in range(0, len(units), size):
            some = units[start : start + size]
            output = run_edited(self.loaded, self.own, self._steps(some), inputs=self._repeated(some))
            returned = returned_tensors(self.loaded.head, output)
            yield from ((unit, returned, at) for at, unit in enumerate(some))

    def _repeated(self, units: Sequence[Unit]) -> dict[str, Tensor]:
        """Return what the model is called with: the sentence once for each unit, with its tokens masked."""
        found = {name: tensor.repeat(len(units), *[1] * (tensor.dim() - 1)) for name, tensor in self._inputs.items()}
        ids = found["input_ids"] if self.loaded.head is not MULTIPLE_CHOICE else found["input_ids"].flatten(0, 1)
        for block, unit in zip(self._blocks(units), units, strict=True):
            for row in block if unit.tokens else ():
                for place in unit.tokens:
                    ids[row, place] = self.mask or 0
        return found

    def _blocks(self, units: Sequence[Unit]) -> Iterator[range]:
        """Yield the rows of each unit."""
        rows = len(self.own.tokens)
        yield from (range(at * rows, (at + 1) * rows) for at in range(len(units)))

    def _steps(self, units: Sequence[Unit]) -> dict[Place, EditedStep]:
        """Return what is done to which step in a run of these units."""
        if self.replacements is None or self._handed is None:
            return {}
        changes: dict[Place, tuple[Target, list[Change]]] = {}
        first = min(unit.layer or 0 for unit in units)
        for block, unit in zip(self._blocks(units), units, strict=True):
            for edit in unit.edits:
                for target in self._targets(edit):
                    made = self.replacements.changes(edit, self.own, block)
                    changes.setdefault(target.place, (target, []))[1].extend(made)
        real = torch.tensor(self.own.attention_mask, dtype=torch.bool).repeat(len(units), 1)
        steps = {
            place: EditedStep(
                edit=ChangedTensor(layout=target.layout, changes=tuple(made), real=real),
                output=target.output,
                received=target.received,
            )
            for place, (target, made) in changes.items()
        }
        return {**self._handed.below(first, len(units)), **steps}

    def _targets(self, edit: Edit) -> list[Target]:
        assert edit.layer is not None and self._survey is not None
        key = edit.kind, edit.layer
        if key not in self._there:
            self._there[key] = targets(self.loaded, self._survey, *key)
        return self._there[key]
