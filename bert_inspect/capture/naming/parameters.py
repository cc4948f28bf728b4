"""How many parameters each step holds, by itself and with all that is below it."""

from collections.abc import Sequence

from torch import nn

from ..tracing.step_record import StepRecord


def count_parameters(steps: Sequence[StepRecord], model: nn.Module) -> tuple[list[int], list[int]]:
    """Return each step's own parameters, those counted in an earlier step left out, and all of its module's."""
    below: dict[str, dict[int, int]] = {}  # by path: the size of each parameter at or below it, by identity
    direct: dict[str, dict[int, int]] = {}
    for path, module in model.named_modules(remove_duplicate=False):
        sizes = {id(tensor): tensor.numel() for tensor in module._parameters.values() if tensor is not None}
        if sizes:
            direct[path] = sizes
            segments = path.split(".")
            for length in range(len(segments) + 1):
                below.setdefault(".".join(segments[:length]), {}).update(sizes)
    own, total = [0] * len(steps), [0] * len(steps)
    counted: set[int] = set()
    for step in steps:
        if step.kind == "module":
            inside = below.get(step.path, {})
            # What is below a module of torch.nn is recorded in no other step.
            mine = inside if step.leaf else direct.get(step.path, {})
            own[step.id] = sum(size for key, size in mine.items() if key not in counted)
            counted.update(mine)
            total[step.id] = sum(inside.values())
    return own, total


def total_flops(steps: Sequence[StepRecord]) -> list[int]:
    """Return the floating point operations of each step with all that is below it."""
    total = [step.flops for step in steps]
    for step in reversed(steps):
        if step.parent is not None:
            total[step.parent] += total[step.id]
    return total
