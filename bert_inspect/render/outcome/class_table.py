"""The table of classes: a line a sentence where they fit in columns, else a line a class."""

import math
from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from ...traces.lookup import gives_several_labels
from ...traces.output import Output
from ...traces.record import Trace
from ...traces.values import Number
from ..words import DIM, NAME, PLAIN, number, plural, sentence
from .classes import class_label, gives_scores, lacks_pair, notes, passes, predicted
from .frame import SENTENCES, note_on_weights, table
from .meaning import means_something

_CLASSES = 4
"""Up to so many classes may stand in a line."""
_LABELS = 5
"""Of more classes, so many are shown."""
_CHARACTERS = 200
_LABEL = 30
_SENTENCE = 16
"""The room that a sentence needs at least beside its numbers."""
_BETWEEN = 3


class ClassTable:
    """A line a sentence where its classes fit in columns; else a line a class, the most probable first."""

    def __init__(self, trace: Trace, output: Output) -> None:
        self._trace, self._output = trace, output
        self._answers = predicted(trace, output)
        self._meant = means_something(trace.model) and not lacks_pair(trace)
        self._scores = gives_scores(output)
        self._several = self._scores or (output.probabilities is not None and gives_several_labels(trace.model))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        shown = self._output.predictions[:SENTENCES]
        in_columns = None if self._several else self._a_line_each(options.max_width)
        yield in_columns or self._a_line_a_class()
        if len(self._output.predictions) > len(shown):
            yield Text(f"... {plural(len(self._output.predictions) - len(shown), 'more sentence')}", style=DIM)
        for note in notes(self._trace, self._output):
            yield Text(note, style=DIM)
        yield from note_on_weights(self._trace)

    def _a_line_each(self, width: int) -> Table | None:
        """Return the table with logits and probabilities in columns, None where that leaves a sentence no room."""
        output = self._output
        columns = [
            [number(prediction.score) for prediction in output.predictions[:SENTENCES]],
            self._rows(output.class_logits),
        ]
        if output.probabilities is not None:
            columns.append(self._rows(output.probabilities))
        titles = ["score" if output.probabilities is None else "probability", "logits", "probabilities"]
        names = [set_cell_size(answer.name, min(cell_len(answer.name), _LABEL)) for answer in self._answers[:SENTENCES]]
        taken = sum(
            max(map(cell_len, [title, *cells])) + _BETWEEN
            for title, cells in zip(["prediction", *titles], [names, *columns], strict=False)
        )
        longest = max(cell_len(line) for row in range(len(names)) for line in self._sentence(row).plain.split("\n"))
        if max(len(row) for row in output.logits) > _CLASSES or width - taken < min(longest, _SENTENCE):
            return None
        made = self._table()
        made.add_column("prediction", style=NAME if self._meant else DIM, overflow="fold", max_width=_LABEL)
        made.add_column(titles[0], justify="right", no_wrap=True)
        for title in titles[1 : len(columns)]:
            made.add_column(title, no_wrap=True, style=DIM if title == "probabilities" else "")
        for row, name in enumerate(answer.name for answer in self._answers[:SENTENCES]):
            made.add_row(self._sentence(row), Text(name), *(Text(cells[row]) for cells in columns))
        return made

    def _a_line_a_class(self) -> Table:
        output, all_logits = self._output, self._output.class_logits
        made = self._table()
        made.add_column("class", no_wrap=True)
        if output.probabilities is not None:
            made.add_column("probability", justify="right", no_wrap=True)
        made.add_column("score" if self._scores else "logit", justify="right", no_wrap=True)
        for row, prediction in enumerate(output.predictions[:SENTENCES]):
            logits = all_logits[row]
            order = list(range(len(logits)))
            if not self._scores:
                order.sort(key=lambda place: (place != prediction.index, -_bare(logits[place])))
            given = self._given(row, prediction.index)
            names = Text("\n").join(
                Text(self._class(place), NAME if place in given and self._meant else PLAIN) for place in order[:_LABELS]
            )
            if len(order) > _LABELS:
                names.append(f"\n... {len(order) - _LABELS:,} more", DIM)
            numbers = [each[row] for each in (output.probabilities, all_logits) if each]
            cells = ["\n".join(number(each[place]) for place in order[:_LABELS]) for each in numbers]
            made.add_row(self._sentence(row), names, *map(Text, cells))
        return made

    def _given(self, row: int, largest: int) -> set[int]:
        """Return the classes that a sentence is given: of scores each says something."""
        if self._scores:
            return set(range(len(self._output.class_logits[row])))
        if not self._several or self._output.probabilities is None:
            return {largest}
        return {place for place, share in enumerate(self._output.probabilities[row]) if passes(share)}

    def _table(self) -> Table:
        made = table(meant=self._meant)
        made.add_column("sentence", max_width=60, min_width=8)
        return made

    def _sentence(self, row: int) -> Text:
        """Return a sentence, and under it the other one of its pair."""
        batch = self._trace.input
        text = Text(sentence(batch.texts[row], most=_CHARACTERS))
        if batch.pairs is not None:
            text.append("\nwith ", DIM).append(sentence(batch.pairs[row], most=_CHARACTERS))
        return text

    def _class(self, place: int) -> str:
        name = class_label(self._trace, self._output, place)
        return name if cell_len(name) <= _LABEL else set_cell_size(name, _LABEL - 3) + "..."

    @staticmethod
    def _rows(numbers: Sequence[Sequence[Number]]) -> list[str]:
        return ["  ".join(number(value) for value in row) for row in numbers[:SENTENCES]]


def _bare(value: Number) -> float:
    return -math.inf if isinstance(value, str) or value != value else float(value)
