"""From one step to the same step of another layer, and to where a step of one run is found in another."""

from collections.abc import Sequence

from ...traces.record import Step


def in_layer(steps: Sequence[Step], step: Step, by: int) -> Step | None:
    """Return the step that is in the layer ``by`` further on what this one is in its own; None where there is none."""
    if step.layer is None:
        return None
    alike = [other for other in steps if _kind(other) == _kind(step)]
    mine = [other for other in alike if other.layer == step.layer]
    theirs = [other for other in alike if other.layer == step.layer + by]
    at = mine.index(step)
    return theirs[at] if at < len(theirs) else None


def same_step(steps: Sequence[Step], step: Step) -> Step | None:
    """Return the step of another run that is what this one is in its own, by its place among those that are alike."""
    if step.id < len(steps) and _place(steps[step.id]) == _place(step):
        return steps[step.id]
    return next((other for other in steps if _place(other) == _place(step)), None)


def _kind(step: Step) -> tuple[str, ...]:
    return step.kind, step.label, step.type, step.role, step.part


def _place(step: Step) -> tuple[object, ...]:
    return step.path, step.call, step.kind, step.label
