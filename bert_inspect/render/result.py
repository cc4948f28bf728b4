"""What stands below the tree: what the model said, and the totals of the run; or why the forward failed."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from ..safetext import safe_text
from ..traces.record import Failure, Step, Trace
from ..traces.tree import relaid_from
from .outcome.by_task import outcome_of
from .words import BAD, DIM, NAME, matmuls, number, plural, shape

_NAMED = 3
"""Up to so many modules that were never called are named."""


def result(trace: Trace) -> Group:
    """Return predictions, loss and totals as a renderable."""
    parts: list[RenderableType] = [Text()]
    if trace.failure is not None:
        failure = trace.failure
        where = safe_text(failure.path) or "the model" if failure.path is not None else "the model"
        parts.append(Text(f"the forward failed in {where}: {safe_text(failure.cause)}", style=BAD))
        parts.append(Text(safe_text(f"{failure.exception}: {failure.message}"), style=DIM))
        parts += [Text(safe_text(line), style=DIM) for line in _around(trace, failure)]
    if trace.output is not None:
        parts.append(outcome(trace))
        if trace.output.loss is not None:
            parts.append(Text.assemble(("loss ", DIM), (number(trace.output.loss), NAME)))
    parts.append(_totals(trace))
    return Group(*parts)


def outcome(trace: Trace) -> RenderableType:
    """Return all that the model answered, as its head is shown; nothing where the forward returned none."""
    return Text() if trace.output is None else outcome_of(trace).shown(trace, trace.output)


def _around(trace: Trace, failure: Failure) -> Iterator[str]:
    """Yield a line on the tensor that broke the forward and one on the last step that was done before."""
    if failure.step is not None and failure.tensor is not None:
        step = trace.steps[failure.step]
        broken = next((tensor for tensor in step.inputs if tensor.name == failure.tensor), None)
        if broken is not None:
            origin = "" if broken.from_ is None else f", from {_place(trace.steps[broken.from_])}"
            yield f"it failed on {broken.name} {shape(broken.shape)} {broken.dtype}{origin}"
    if failure.last_good is not None:
        yield f"the last step that succeeded is {_place(trace.steps[failure.last_good])}"


def _place(step: Step) -> str:
    return f"{step.label} in {step.path}" if step.path else step.label


def _totals(trace: Trace) -> Text:
    modules = sum(1 for step in trace.steps if step.kind == "module")
    relaid = len(relaid_from(trace.steps))
    ops = plural(len(trace.steps) - modules, "op")
    if relaid:
        ops += f" ({relaid:,} that only change the memory layout are folded into the step before)"
    parts = [f"{plural(modules, 'module call')} and {ops}"]
    if trace.steps:
        parts.append(matmuls(trace.steps[0].total_flops))
    if trace.selection:
        parts.append("selected: " + ", ".join(f"{name} {value}" for name, value in trace.selection.items()))
    elif not trace.not_called:
        parts.append("every module was called")
    else:
        names = f": {', '.join(trace.not_called)}" if len(trace.not_called) <= _NAMED else ""
        parts.append(f"{plural(len(trace.not_called), 'module')} never called{names}")
    return Text("; ".join(safe_text(part) for part in parts), style=DIM)
