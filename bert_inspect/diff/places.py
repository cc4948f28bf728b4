"""Where a step stands in its model, in words that hold in the other model too: what steps are aligned by."""

from collections.abc import Hashable
from dataclasses import dataclass

from ..families import family_of
from ..families.heads import NO_HEAD
from ..traces.record import Model, Step
from ..traces.vocabulary import labels

Place = tuple[Hashable, ...]

_ALIKE = {
    labels.FUSED_ATTENTION: labels.CONTEXT,
    **dict.fromkeys(labels.ONE_TOKEN, labels.CLS_TOKEN),
}
"""Names of one thing in two runs: what fused attention returns is the context that eager attention computes step by
step, and whichever token a pooler takes is what it pools.
"""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Tells the places of steps of two models.

    Attributes:
        by_role: the two call their modules otherwise, being of different families, or one of them a body alone: the
            place of a module is its layer, its part and its role there, and that of an op does not name its module.
        same_positions: the two look up the same row for the same position; else their position ids say nothing of
            each other, and what was looked up does.
    """

    by_role: bool
    same_positions: bool

    @classmethod
    def of_models(cls, a: Model, b: Model) -> "Places":
        """Return the places that steps of two models have in common."""
        families = family_of(a.family), family_of(b.family)
        first = [family.first_position(model.config) for family, model in zip(families, (a, b), strict=True)]
        named = [(family.body, model.task == NO_HEAD.task) for family, model in zip(families, (a, b), strict=True)]
        other = families[0] is not families[1] or named[0] != named[1]
        return cls(by_role=other, same_positions=first[0] == first[1])

    def of(self, step: Step) -> Place | None:
        """Return where a step stands, without its number among those of the same place; None where it has no partner
        in the other model.
        """
        if step.label == labels.POSITION_IDS and not self.same_positions:
            return None
        if step.kind == "module":
            return (*self.of_module(step), step.call) if not self.by_role else self.of_module(step)
        if self.by_role:
            return step.layer, step.part, _meaning(step)
        return step.path, step.call, _meaning(step)

    def of_module(self, step: Step) -> Place:
        """Return where a module, or the one in which an op ran, stands; whichever call of it this is."""
        if self.by_role:
            return step.layer, step.part, "module", step.role or step.path.rpartition(".")[2]
        return step.path, "module"


def _meaning(step: Step) -> str:
    if labels.is_activation(step.label):
        return "op activation"
    return "op " + _ALIKE.get(step.label, step.label)
