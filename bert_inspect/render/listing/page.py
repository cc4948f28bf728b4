"""A listing as annotated lecture notes: highlighted, numbered source, and at each line what it made in the run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group
from rich.segment import Segment

from ...safetext import safe_text
from ...source_view.listing import FunctionListing, Listing, ListingLine, Made
from ...traces.lookup import without_layer
from ...traces.record import Step, TensorOut, Trace
from ..cells import STATS, Cell, View, brief, cut, known_names, length, segments, statistic
from ..header import header
from ..matrix import matrix
from ..words import BAD, DIM, KNOWN, LAYER, MASKED, NAME, OP, PLAIN, named_shape, not_finite, plural, shape
from .highlight import broken, dimmed, highlighted, indent_of

MARK = "▶"
"""What stands beside the line of the step that is marked."""
_NUMBER = 5
_GUTTER = _NUMBER + 3
"""A line's number, a blank, a rule, a blank."""
_SET_IN = 2
"""How far what a line made is set in from the line itself."""
_APART = 4
"""What lies between the code and what stands beside it."""
_WIDE = 100
"""From this width on there is room for the arguments of ops."""
_LEAST = 6
"""A column of ops that is narrower says nothing."""
_STATS = 64
_NAMED = 200
"""So much of a file's name is shown."""


@dataclass(frozen=True)
class _Signs:
    ran: str = "│"
    idle: str = "┊"
    untold: str = "?"
    received: str = "← "
    made: str = "→ "
    returned: str = "⇒ "
    called: str = "↓ "
    cut: str = "…"
    times: str = "×"
    marked: str = MARK


_ASCII = _Signs("|", ":", "?", "< ", "> ", "= ", "v ", "~", "x", "*")


def source_page(found: Listing, trace: Trace, view: View) -> Group:
    """Return the whole answer: the run's header, and the listing."""
    return Group(header(trace), SourceListing(found, trace, view))


class SourceListing:
    """A listing as a Rich renderable; results stand beside the code where the width has room, else below it. The line
    of a step that is ``marked`` has a sign of its own.
    """

    def __init__(self, found: Listing, trace: Trace, view: View, *, marked: Step | None = None) -> None:
        self._found = found
        self._trace = trace
        self._view = view
        self._marked = None if marked is None else marked.id

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        signs = _ASCII if options.ascii_only else _Signs()
        pages = [
            _Page(function, self._trace, self._view, width=options.max_width, signs=signs, marked=self._marked)
            for function in self._found.functions
        ]
        rows = [row for page in pages for row in page.rows()]
        for row in [*_title(self._found), *rows, *_legend(self._found, signs)]:
            yield from segments(row)
            yield Segment.line()


class _Page:
    """One function."""

    def __init__(
        self,
        function: FunctionListing,
        trace: Trace,
        view: View,
        *,
        width: int,
        signs: _Signs,
        marked: int | None,
    ) -> None:
        self._function, self._trace, self._view, self._signs = function, trace, view, signs
        self._marked = marked
        self._width, self._wide = width, width >= _WIDE
        margin = min((indent_of(line.text) for line in function.lines if line.text.strip()), default=0)
        code = highlighted([line.text[margin:] for line in function.lines])
        self._code = [
            dimmed(text) if line.ran is False else text for line, text in zip(function.lines, code, strict=True)
        ]
        notes = [self._note(made) for line in function.lines for made in line.made]
        noted = [text for line, text in zip(function.lines, code, strict=True) if line.made or line.calls]
        self._makes = any(made.how == "made" for line in function.lines for made in line.made)
        sizes = _columns(notes)
        stats = _STATS if view.stats else 0
        widest = max((text.cell_len for text in noted), default=0) + _APART
        self._beside = _GUTTER + widest + sum(sizes) + stats <= width
        self._column = widest if self._beside else 0
        if not self._beside:
            sizes[0] += max((indent_of(text.plain) for text in noted), default=0) + _SET_IN
        self._sizes = _fitted(sizes, width - _GUTTER)
        self._stats_in_row = view.stats and _GUTTER + self._column + sum(self._sizes) + stats <= width

    def rows(self) -> Iterator[Cell]:
        """Yield the function's rows."""
        yield from _heading(self._function)
        for line, text in zip(self._function.lines, self._code, strict=True):
            code = list(broken(text, self._width - _GUTTER))
            notes = list(self._notes(line, 0 if self._beside else indent_of(text.plain) + _SET_IN))
            if line.left_out:
                code.append([(f"{self._signs.cut} {plural(line.left_out, 'line')} of documentation left out", DIM)])
            if not self._beside:
                code, notes = [*code, *notes], []
            for place in range(max(len(code), len(notes))):
                row = self._gutter(line, first=place == 0) + (code[place] if place < len(code) else [])
                if place < len(notes):
                    row += [(" " * (_GUTTER + self._column - length(row)), PLAIN), *notes[place]]
                yield row

    def _gutter(self, line: ListingLine, *, first: bool) -> Cell:
        signs = self._signs
        rule = signs.ran if line.ran else signs.idle if line.ran is False else signs.untold
        if first and any(made.how == "made" and made.step.id == self._marked for made in line.made):
            return [(f"{line.number:>{_NUMBER}} ", NAME), (f"{signs.marked} ", LAYER)]
        return [(f"{line.number if first else '':>{_NUMBER}} {rule} ", DIM)]

    def _notes(self, line: ListingLine, indent: int) -> Iterator[Cell]:
        """Yield the rows that say what a line made."""
        for made in line.made:
            note = self._note(made)
            note[0] = [(" " * indent, PLAIN), *note[0]]
            row: Cell = []
            used = max((place for place, cell in enumerate(note) if cell), default=0)
            for place, (cell, size) in enumerate(zip(note, self._sizes, strict=True)):
                shown = cut(cell, size - 1, self._signs.cut) if length(cell) >= size > 0 else cell if size else []
                row += [*shown, (" " * (size - length(shown) if place < used else 0), PLAIN)]
            yield from self._with_numbers(made, row, indent)
        for name in line.calls:
            yield [(" " * indent, PLAIN), (self._signs.called, LAYER), (f"{safe_text(name)}, below", NAME)]

    def _with_numbers(self, made: Made, row: Cell, indent: int) -> Iterator[Cell]:
        """Yield a tensor's row, with its statistics in it or below it, and its values."""
        tensor, view = made.tensor, self._view
        # What is returned has shown its numbers where it was made, unless nothing was made here (torch.nn).
        shows = made.how == "made" or (made.how == "returned" and not self._makes)
        kept = tensor if isinstance(tensor, TensorOut) and shows else None
        stats = _statistics(kept, made.step) if view.stats and kept is not None else []
        pad = [(" " * (indent + 2), PLAIN)]
        if stats and self._stats_in_row:
            yield [*row, (" " * (sum(self._sizes) - length(row)), PLAIN), *stats]
        else:
            yield row
            if stats:
                yield [*pad, *stats]
        if kept is not None and kept.unread:
            yield [*pad, (safe_text(f"no numbers: it is {kept.unread}"), DIM)]
        if view.values and kept is not None:
            room = self._width - _GUTTER - self._column - indent - 2
            for line in matrix(kept, self._trace.input, label=made.step.label, width=room, cut=self._signs.cut):
                yield [*pad, *line]

    def _note(self, made: Made) -> list[Cell]:
        """Return the cells of a tensor's row: label, op or class, shape, dtype, its name in transformers."""
        step, tensor = made.step, made.tensor
        what: Cell = []
        names: Sequence[str] = ()
        if made.how == "received":
            from_ = getattr(tensor, "from_", None)
            label = "given" if from_ is None else f"from {self._trace.steps[from_].label}"
        elif made.how == "returned":
            label = "returned" if tensor is None or tensor.name.startswith("output") else f"returned {tensor.name}"
        else:
            first = not step.outputs or tensor is step.outputs[0]
            label = step.label if first or tensor is None else f"{step.label}, {tensor.name}"
            names = known_names(step) if first else ()
            what = self._what(step)
        style = NAME if made.how == "made" else PLAIN
        cell: Cell = [(getattr(self._signs, made.how), LAYER), (safe_text(label), style)]
        if tensor is None:
            return [cell, what, [("" if step.failed else "none", DIM)], [], []]
        named = named_shape(tensor, self._signs.times) if self._view.axes else ""
        known: Cell = [(safe_text(", ".join(names)), KNOWN)] if names and self._wide else []
        return [cell, what, [(named or shape(tensor.shape), PLAIN)], [(safe_text(tensor.dtype), DIM)], known]

    def _what(self, step: Step) -> Cell:
        arguments = brief(step.arguments) if self._wide else ""
        if arguments and not arguments.startswith("["):
            arguments = f"({arguments})"
        marks: Cell = [("no-op ", MASKED)] if step.no_op else []
        marks += [("edited ", BAD)] if step.edited else []
        marks += [("failed here ", BAD)] if step.failed else []
        return [*marks, (safe_text(step.type + arguments), OP if step.kind == "op" else DIM)]


def _columns(notes: Sequence[Sequence[Cell]]) -> list[int]:
    """Return the widths of the columns, what lies between two of them included."""
    widest = [max((length(note[place]) for note in notes), default=0) for place in range(5)]
    return [size + 2 if size else 0 for size in widest]


def _fitted(sizes: Sequence[int], width: int) -> list[int]:
    """Cut columns that are too wide together: ops and classes, which the code beside says too, then labels."""
    sizes = list(sizes)
    for place, least in ((4, 0), (1, 0), (0, 16)):
        sizes[place] -= min(max(0, sum(sizes) - width), max(0, sizes[place] - least))
    if 0 < sizes[1] < _LEAST:
        sizes[1] = 0
    return sizes


def _statistics(tensor: TensorOut, step: Step) -> Cell:
    row: Cell = []
    if tensor.stats is not None:
        for name in STATS:
            text, style = statistic(tensor, name, step.label)
            row += [(f"{name} ", DIM), (text.ljust(10), style)]
        row.append((not_finite(tensor.stats), BAD))
    return row


def _title(found: Listing) -> Iterator[Cell]:
    step = found.step
    yield [(safe_text(step.path or step.type), NAME), (safe_text(f"  {step.label}"), PLAIN)]
    if found.calls > 1:
        which = f"call {step.call}, counted from 0" if step.call else "the first call"
        yield [(f"called {found.calls} times; this is {which}", DIM)]


def _heading(function: FunctionListing) -> Iterator[Cell]:
    yield []
    if not function.name:
        yield [(f"{safe_text(function.file, most=_NAMED)} as the trace recorded it: {function.why}", NAME)]
        return
    by = f"  called by {function.caller}, line {function.at}" if function.caller else ""
    yield [(safe_text(function.name), LAYER), (safe_text(by), DIM)]
    numbers = [line.number for line in function.lines]
    yield [(safe_text(f"{function.file}, lines {numbers[0]} to {numbers[-1]}"), DIM)]


def _legend(found: Listing, signs: _Signs) -> Iterator[Cell]:
    states = {line.ran for function in found.functions for line in function.lines}
    told = [f"{signs.idle} did not run"] if False in states else []
    told += [f"{signs.untold} the trace does not say whether it ran"] if None in states else []
    kinds = {without_layer(step.path, step.layer): step for step in reversed(found.inside)}
    if told or kinds:
        yield []
    if told:
        yield [("; ".join(told), DIM)]
    for place, step in enumerate(reversed(kinds.values())):
        lead = " " * 11 if place else "inside it: "
        yield [(lead, DIM), (safe_text(f"bert-inspect source {step.path}"), PLAIN)]
