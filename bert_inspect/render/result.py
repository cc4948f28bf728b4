"""What stands below the tree: what the model said, and the totals of the run; or why the forward failed."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..safetext import safe_text
from ..traces.record import Failure, Output, Step, Trace
from ..traces.values import Number
from .words import BAD, DIM, NAME, count, number, plural, sentence, shape, short_count

_SHOWN = 20
_LABELS = 4
_CHARACTERS = 200
_LABEL = 30


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
        parts.append(_predictions(trace, trace.output))
        if trace.output.loss is not None:
            parts.append(Text.assemble(("loss ", DIM), (number(trace.output.loss), NAME)))
    parts.append(_totals(trace))
    return Group(*parts)


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


def _predictions(trace: Trace, output: Output) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style=DIM)
    table.add_column("sentence", max_width=60)
    table.add_column("prediction", style=NAME, overflow="fold", max_width=_LABEL)
    table.add_column("score" if output.probabilities is None else "probability", justify="right", no_wrap=True)
    table.add_column("logits", no_wrap=True, overflow="ellipsis")
    if output.probabilities is not None:
        table.add_column("probabilities", no_wrap=True, overflow="ellipsis", style=DIM)
    for index, prediction in enumerate(output.predictions[:_SHOWN]):
        cells = [
            Text(sentence(trace.input.texts[index], most=_CHARACTERS)),
            Text(sentence(prediction.label, most=_CHARACTERS)),
            Text(number(prediction.score)),
            Text(_row(output.logits[index])),
        ]
        if output.probabilities is not None:
            cells.append(Text(_row(output.probabilities[index])))
        table.add_row(*cells)
    if len(output.predictions) > _SHOWN:
        table.add_row(Text(f"... {plural(len(output.predictions) - _SHOWN, 'more sentence')}", style=DIM))
    return table


def _row(numbers: Sequence[Number]) -> str:
    shown = "  ".join(number(value) for value in numbers[:_LABELS])
    return shown + (f"  ... {len(numbers) - _LABELS} more" if len(numbers) > _LABELS else "")


def _totals(trace: Trace) -> Text:
    modules = sum(1 for step in trace.steps if step.kind == "module")
    parts = [f"{plural(modules, 'module call')} and {plural(len(trace.steps) - modules, 'op')}"]
    if trace.steps:
        parts.append(f"{short_count(trace.steps[0].total_flops)} floating point operations in matrix products")
    if trace.selection:
        parts.append("selected: " + ", ".join(f"{name} {value}" for name, value in trace.selection.items()))
    else:
        parts.append(f"{count(len(trace.not_called))} modules never called")
    return Text("; ".join(safe_text(part) for part in parts), style=DIM)
