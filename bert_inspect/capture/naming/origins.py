"""From which step each tensor came that a step received."""

from collections.abc import Sequence

from ..tracing.step_record import StepRecord


def origins(steps: Sequence[StepRecord], keep: set[int]) -> dict[tuple[int, int], int]:
    """Return, for each step and tensor that it received, the kept step that the tensor came from: the innermost one
    that returned it last, or that last changed the memory which it shares.
    """
    above: list[set[int]] = []
    returned: dict[int, list[StepRecord]] = {}
    found: dict[tuple[int, int], int] = {}
    for step in steps:
        above.append(set() if step.parent is None else above[step.parent] | {step.parent})
        for seen in (*step.outputs, *step.also_changed):
            returned.setdefault(seen.number, []).append(step)
    for step in steps:
        for seen in step.inputs:
            # A module around this step has not returned yet when the step receives its inputs.
            before = [
                other
                for other in returned.get(seen.number, [])
                if other.id < step.id and other.id in keep and other.id not in above[step.id]
            ]
            if before:
                leaves = [other for other in before if other.leaf]
                found[step.id, seen.number] = leaves[-1].id if leaves else before[-1].id
    return found


def drop_what_only_built_the_mask(steps: Sequence[StepRecord]) -> None:
    """Leave a mask step the tensors that some other step received: the mask, or nothing where none was needed."""
    for mask in (step for step in steps if step.mask):
        received = {seen.number for step in steps if step is not mask for seen in step.inputs}
        mask.outputs = [seen for seen in mask.outputs if seen.number in received]
