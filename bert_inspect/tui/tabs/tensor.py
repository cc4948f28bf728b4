"""The numbers of a step's output: a coloured matrix with a cursor, and the number under it in full."""

import math
from collections.abc import Iterator

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from ...diff.words import place_in_words
from ...render.cells import STATS, statistic
from ...render.words import DIM, NAME, WARN, named_shape, not_finite, plural
from ...safetext import safe_text
from ...traces.record import Step, TensorOut
from ...traces.vocabulary import known_as
from ..picture import Picture
from ..run import Run
from .controls import controls
from .grid import Grid, Shades
from .slices import Chosen, Lead, Slice


class TensorTab(Vertical):
    """One output of one step."""

    slice: Slice | None = None

    def compose(self) -> ComposeResult:
        """Lay it out: what is chosen, the matrix, the number under the cursor."""
        yield Static(id="chosen", markup=False)
        yield Grid(id="grid")
        yield Picture(id="no-numbers")
        yield Static(id="number", markup=False)

    def show(self, run: Run, step: Step, output: int, chosen: Chosen) -> None:
        """Show an output of a step at the chosen places."""
        self._run, self._step, self._output = run, step, output
        self.slice = None
        tensor = step.outputs[output] if output < len(step.outputs) else None
        line = Text(no_wrap=True, overflow="ellipsis")
        if tensor is not None and len(step.outputs) > 1:
            line.append(f"output {output + 1} of {len(step.outputs)} ({safe_text(tensor.label or tensor.name)}) ")
            line.append("o   ", DIM)
        if tensor is not None and tensor.values is not None and tensor.values.kept is None:
            self.slice = Slice(run.trace, tensor, chosen)
            line.append_text(
                controls([(lead, self.slice.lead_name(lead)) for lead in self.leads], hidden=self.slice.hidden)
            )
        has_numbers = self.slice is not None and not self.slice.empty
        self.query_one("#chosen", Static).update(line, layout=False)
        self.query_one("#chosen").display = bool(line)
        self.query_one(Grid).display = has_numbers
        self.query_one("#no-numbers").display = not has_numbers
        if has_numbers:
            assert self.slice is not None and tensor is not None
            self.query_one(Grid).show(self.slice, _shades(step, tensor, self.slice))
        else:
            self.query_one("#no-numbers", Picture).show(self.why_not)
        self.tell_number()

    @property
    def why_not(self) -> Text:
        """What is known of the output where there are no numbers, and how there would be."""
        outputs = self._step.outputs
        tensor = outputs[self._output] if self._output < len(outputs) else None
        return Text("\n").join(_without(self._run, self._step, tensor))

    @property
    def leads(self) -> list[Lead]:
        """The axes along which a place is chosen."""
        return [] if self.slice is None else self.slice.leads

    @property
    def index(self) -> tuple[int, ...] | None:
        """The index of the number under the cursor; None where there are no numbers."""
        if self.slice is None or self.slice.empty:
            return None
        grid = self.query_one(Grid)
        return self.slice.index(grid.row, grid.column)

    def to_peak(self) -> None:
        """Move the cursor to the largest number of the matrix."""
        if self.slice is not None and not self.slice.empty:
            self.query_one(Grid).point(*self.slice.peak(self._step.label))

    @on(Grid.Moved)
    def tell_number(self) -> None:
        """Write the number under the cursor in full, and where it stands; below it the statistics."""
        index = self.index
        lines = []
        tensor = self._step.outputs[self._output] if self._output < len(self._step.outputs) else None
        if tensor is not None and index is not None and tensor.values is not None:
            value = tensor.values.at(*index)
            written = f"{value:.{17 if tensor.dtype == 'float64' else 9}g}" if isinstance(value, float) else str(value)
            heads = self._run.trace.model.sizes.heads
            where = place_in_words(index, tensor.axes, self._run.trace.input, heads=heads)
            lines.append(Text.assemble((written, NAME), "   ", _statistics(tensor, self._step)))
            lines.append(Text(safe_text(where), DIM))
        self.query_one("#number", Static).update(Text("\n").join(lines), layout=False)


def _shades(step: Step, tensor: TensorOut, shown: Slice) -> Shades:
    return Shades(
        label=step.label,
        dtype=tensor.dtype,
        largest=shown.largest(step.label),
        probabilities=any(name.startswith(known_as.ATTENTIONS) for name in step.known_as),
    )


def _statistics(tensor: TensorOut, step: Step) -> Text:
    line = Text()
    if tensor.stats is not None:
        line.append("tensor  ", DIM)
        for name in STATS:
            text, style = statistic(tensor, name, step.label)
            line.append(f"{name} ", DIM).append(f"{text}  ", style)
        line.append(not_finite(tensor.stats), WARN)
    return line


def _without(run: Run, step: Step, tensor: TensorOut | None) -> Iterator[Text]:
    """Yield what is known of a tensor whose numbers are not there, and how they would be."""
    if tensor is None:
        yield Text("this step returned no tensor", DIM)
        return
    yield Text.assemble((named_shape(tensor, "×"), NAME), f"  {safe_text(tensor.dtype)}")
    numbers = math.prod(tensor.shape)
    yield Text(plural(numbers, "number") if numbers else "empty: it has no numbers")
    if tensor.stats is not None:
        yield _statistics(tensor, step)
    if tensor.unread:
        yield Text(safe_text(f"no numbers: it is {tensor.unread}"), DIM)
    elif numbers:
        yield Text(safe_text(run.no_values), DIM)
