"""How many parameters each step holds, by itself and with all that is below it."""

from collections.abc import Iterable, Sequence

from torch import nn

from ..tracing.step_record import StepRecord


def count_parameters(
    steps: Sequence[StepRecord], model: nn.Module, received: Iterable[str]
) -> tuple[list[int], list[int]]:
    """Return each step's own parameters, those counted in an earlier step left out, and all of its module's.

    A parameter belongs to the module that holds it. One of a module that is never called (a `ParameterList`, an adapter
    whose weight alone is read) belongs to the module around it that is, if a step ``received`` it: these are the names
    of parameters, in order.
    """
    below: dict[str, dict[int, int]] = {}  # by path: the size of each parameter at or below it, by identity
    direct: dict[str, dict[int, int]] = {}
    for path, module in model.named_modules(remove_duplicate=False):
        sizes = {id(tensor): tensor.numel() for tensor in module._parameters.values() if tensor is not None}
        if sizes:
            direct[path] = sizes
            for above in _upwards(path):
                below.setdefault(above, {}).update(sizes)
    own, total = [0] * len(steps), [0] * len(steps)
    counted: set[int] = set()
    first_call: dict[str, int] = {}
    for step in steps:
        if step.kind == "module":
            first_call.setdefault(step.path, step.id)
            inside = below.get(step.path, {})
            # What is below a module of torch.nn is recorded in no other step.
            mine = inside if step.leaf else direct.get(step.path, {})
            own[step.id] = sum(size for key, size in mine.items() if key not in counted)
            counted.update(mine)
            total[step.id] = sum(inside.values())
    names = dict(model.named_parameters(remove_duplicate=False))
    for name in received:
        tensor = names.get(name)
        around = next((path for path in _upwards(name.rpartition(".")[0]) if path in first_call), None)
        if tensor is not None and around is not None and id(tensor) not in counted:
            own[first_call[around]] += tensor.numel()
            counted.add(id(tensor))
    return own, total


def _upwards(path: str) -> list[str]:
    """Return a module's path and those of the modules around it, from the innermost outwards."""
    segments = path.split(".") if path else []
    return [".".join(segments[:length]) for length in range(len(segments), -1, -1)]


def total_flops(steps: Sequence[StepRecord]) -> list[int]:
    """Return the floating point operations of each step with all that is below it."""
    total = [step.flops for step in steps]
    for step in reversed(steps):
        if step.parent is not None:
            total[step.parent] += total[step.id]
    return total
