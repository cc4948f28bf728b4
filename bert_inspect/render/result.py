"""What stands below the tree: what the model said, and the totals of the run; or why the forward failed."""

import math
from collections.abc import Iterator, Sequence

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..safetext import safe_text
from ..traces.lookup import class_name
from ..traces.record import Failure, Output, Step, Trace
from ..traces.tree import relaid_from
from ..traces.values import Number
from .answers import NO_ANSWER, answers, gives_several, means_something, named, notes, passes
from .words import BAD, DIM, NAME, PLAIN, matmuls, number, plural, sentence, shape

_SHOWN = 20
_CLASSES = 4
"""Up to so many classes may stand in a line."""
_LABELS = 5
"""Of more classes, so many are shown."""
_CHARACTERS = 200
_LABEL = 30
_SENTENCE = 16
"""The room that a sentence needs at least beside its numbers."""
_BETWEEN = 3
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
        parts.append(predictions(trace))
        if trace.output.loss is not None:
            parts.append(Text.assemble(("loss ", DIM), (number(trace.output.loss), NAME)))
    parts.append(_totals(trace))
    return Group(*parts)


def predictions(trace: Trace) -> RenderableType:
    """Return the classes of every sentence with their probabilities; nothing where the forward returned none."""
    return Text() if trace.output is None else _Predictions(trace, trace.output)


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


class _Predictions:
    """A line a sentence where its classes fit in columns; else a line a class, the most probable first."""

    def __init__(self, trace: Trace, output: Output) -> None:
        self._trace, self._output = trace, output
        self._answers = answers(trace)
        self._meant = means_something(trace.model)
        self._several = output.probabilities is not None and gives_several(trace.model)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        shown = self._output.predictions[:_SHOWN]
        in_columns = None if self._several else self._a_line_each(options.max_width)
        yield in_columns or self._a_line_a_class()
        if len(self._output.predictions) > len(shown):
            yield Text(f"... {plural(len(self._output.predictions) - len(shown), 'more sentence')}", style=DIM)
        for note in notes(self._trace):
            yield Text(note, style=DIM)
        if not self._meant:
            yield Text(NO_ANSWER[self._trace.model.weights], style=DIM)

    def _a_line_each(self, width: int) -> Table | None:
        """Return the table with logits and probabilities in columns, None where that leaves a sentence no room."""
        output = self._output
        columns = [
            [number(prediction.score) for prediction in output.predictions[:_SHOWN]],
            self._rows(output.class_logits),
        ]
        if output.probabilities is not None:
            columns.append(self._rows(output.probabilities))
        titles = ["score" if output.probabilities is None else "probability", "logits", "probabilities"]
        names = [set_cell_size(answer.name, min(cell_len(answer.name), _LABEL)) for answer in self._answers[:_SHOWN]]
        taken = sum(
            max(map(cell_len, [title, *cells])) + _BETWEEN
            for title, cells in zip(["prediction", *titles], [names, *columns], strict=False)
        )
        longest = max(cell_len(line) for row in range(len(names)) for line in self._sentence(row).plain.split("\n"))
        if max(len(row) for row in output.logits) > _CLASSES or width - taken < min(longest, _SENTENCE):
            return None
        table = self._table()
        table.add_column("prediction", style=NAME if self._meant else DIM, overflow="fold", max_width=_LABEL)
        table.add_column(titles[0], justify="right", no_wrap=True)
        for title in titles[1 : len(columns)]:
            table.add_column(title, no_wrap=True, style=DIM if title == "probabilities" else "")
        for row, name in enumerate(answer.name for answer in self._answers[:_SHOWN]):
            table.add_row(self._sentence(row), Text(name), *(Text(cells[row]) for cells in columns))
        return table

    def _a_line_a_class(self) -> Table:
        output, all_logits = self._output, self._output.class_logits
        table = self._table()
        table.add_column("class", no_wrap=True)
        if output.probabilities is not None:
            table.add_column("probability", justify="right", no_wrap=True)
        table.add_column("logit", justify="right", no_wrap=True)
        for row, prediction in enumerate(output.predictions[:_SHOWN]):
            logits = all_logits[row]
            order = sorted(range(len(logits)), key=lambda place: (place != prediction.index, -_bare(logits[place])))
            given = self._given(row, prediction.index)
            names = Text("\n").join(
                Text(self._class(place), NAME if place in given and self._meant else PLAIN) for place in order[:_LABELS]
            )
            if len(order) > _LABELS:
                names.append(f"\n... {len(order) - _LABELS:,} more", DIM)
            numbers = [each[row] for each in (output.probabilities, all_logits) if each]
            cells = ["\n".join(number(each[place]) for place in order[:_LABELS]) for each in numbers]
            table.add_row(self._sentence(row), names, *map(Text, cells))
        return table

    def _given(self, row: int, largest: int) -> set[int]:
        """Return the classes that a sentence is given."""
        if not self._several or self._output.probabilities is None:
            return {largest}
        return {place for place, share in enumerate(self._output.probabilities[row]) if passes(share)}

    def _table(self) -> Table:
        style = None if self._meant else DIM
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style=DIM, style=style or "")
        table.row_styles = [style] if style else []
        table.add_column("sentence", max_width=60, min_width=8)
        return table

    def _sentence(self, row: int) -> Text:
        """Return a sentence, and under it the other one of its pair."""
        batch = self._trace.input
        text = Text(sentence(batch.texts[row], most=_CHARACTERS))
        if batch.pairs is not None:
            text.append("\nwith ", DIM).append(sentence(batch.pairs[row], most=_CHARACTERS))
        return text

    def _class(self, place: int) -> str:
        name = named(class_name(self._trace.model, place), place, meant=self._meant)
        return name if cell_len(name) <= _LABEL else set_cell_size(name, _LABEL - 3) + "..."

    @staticmethod
    def _rows(numbers: Sequence[Sequence[Number]]) -> list[str]:
        return ["  ".join(number(value) for value in row) for row in numbers[:_SHOWN]]


def _bare(value: Number) -> float:
    return -math.inf if isinstance(value, str) or value != value else float(value)


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
