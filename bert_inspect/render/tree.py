"""The tree: one line a step, in columns that fit the width at hand.

Lines are built as Rich segments directly: they are styled and measured, but never parsed as markup, and a tree of a
thousand lines takes milliseconds.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.style import Style

from ..outline import Node, outline
from ..record import Input, Step, TensorOut, Trace
from ..safetext import safe_text
from .matrix import matrix
from .words import (
    BAD,
    DIM,
    KNOWN,
    LAYER,
    MASKED,
    NAME,
    OP,
    PLAIN,
    count,
    is_masked,
    named_shape,
    not_finite,
    number,
    plural,
    shape,
    short_count,
)

_SLACK = 12
"""How much of the arguments may be cut before the names in transformers lose their column."""

Cell = list[tuple[str, Style]]
"""A piece of a line: texts with their styles."""

_STATS = ("min", "max", "mean", "std")

# From these widths on there is room for wider branches, for a module's name beside its label, for statistics in
# columns, for arguments in full, for named axes.
_ROOMY = 140
_BOTH_NAMES = 100
_BOTH_NAMES_AND_STATS = 150
_STATS_COLUMNS = 112
_FULL = 160
_NAMED_AXES = 170

# Where a tensor's name in transformers is shown. Several steps hold the same tensor (a layer, its output, its norm);
# the one that people look for bears the name.
_KNOWN_AT = {
    "embeddings": "hidden_states",
    "layer": "hidden_states",
    "encoder": "last_hidden_state",
    "attention probabilities": "attentions",
    "pooler": "pooler_output",
    "logits": "logits",
    "loss": "loss",
}


@dataclass(frozen=True, kw_only=True)
class View:
    """What of a trace is shown: how deep, folded or not, with statistics, with values, with named axes."""

    depth: int | None = None
    fold: bool = False
    stats: bool = False
    values: bool = False
    axes: bool = False


@dataclass(frozen=True)
class _Signs:
    """What the tree is drawn with, in Unicode or without."""

    branch: str = "├─ "
    last: str = "└─ "
    down: str = "│  "
    blank: str = "   "
    rule: str = "━"
    op: str = "· "
    cut: str = "…"
    times: str = "×"


_UNICODE = _Signs()
_ASCII = _Signs(branch="|- ", last="`- ", down="|  ", rule="=", op="- ", cut="~", times="x")


def _signs(options: ConsoleOptions) -> _Signs:
    signs = _ASCII if options.ascii_only else _UNICODE
    if options.max_width >= _ROOMY:
        return signs
    slim = {name: getattr(signs, name)[::2] for name in ("branch", "last", "down", "blank")}
    return replace(signs, **slim)


@dataclass(frozen=True)
class _Row:
    """A step with the lines that lead to it."""

    node: Node
    lead: str
    below: str
    """What stands in front of further lines of the same step."""


class Tree:
    """The steps of a trace as a Rich renderable."""

    def __init__(self, trace: Trace, view: View) -> None:
        self._trace = trace
        self._view = view

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        signs = _signs(options)
        view = self._view
        roots = outline(self._trace.steps, depth=view.depth, fold=view.fold)
        rows = [row for root in roots for row in _rows(root, signs)]
        layout = _Layout(rows, view, signs, options.max_width)
        newline = Segment.line()
        yield from layout.header()
        yield newline
        for row in rows:
            yield from layout.line(row)
            yield newline
            if view.stats and not layout.stats_in_columns:
                yield from layout.stats_line(row)
            if view.values:
                for cell in _values(row, self._trace.input, signs, options.max_width):
                    yield from _segments(cell)
                    yield newline


def _rows(node: Node, signs: _Signs, lead: str = "", below: str = "") -> Iterator[_Row]:
    yield _Row(node, lead, below + (signs.down if node.children else signs.blank))
    for child in node.children:
        final = child is node.children[-1]
        yield from _rows(
            child,
            signs,
            below + (signs.last if final else signs.branch),
            below + (signs.blank if final else signs.down),
        )


class _Layout:
    """Columns: step, what it is, shape, parameters or statistics, time, name in transformers."""

    def __init__(self, rows: Sequence[_Row], view: View, signs: _Signs, width: int) -> None:
        self._signs = signs
        self._width = width
        self._shows_numbers = view.stats or view.values
        self._axes = view.axes or (width >= _NAMED_AXES and not view.stats)
        self.stats_in_columns = view.stats and width >= _STATS_COLUMNS
        timed = any(row.node.step.seconds is not None for row in rows)
        numbers = _STATS if self.stats_in_columns else ("params",)
        self._titles = ("step", "what", "shape", *numbers, *(["ms"] if timed else []), "in transformers")
        self._numbers = range(3, len(self._titles) - 1)
        cells = [self._cells(row) for row in rows]
        beside = self._excess(self._widest(cells)) > _SLACK
        if beside:
            known = [row.pop() for row in cells]
            cells = [[*row, []] for row in cells]
        self._widths = self._fit(self._widest(cells))
        if beside:
            # No room for a column of its own: the names in transformers go beside those of modules, where they fit.
            for row, cell, names in zip(rows, cells, known, strict=True):
                fits = _length(cell[0]) + 2 + _length(names) <= self._widths[0]
                if names and fits and row.node.step.kind == "module" and names[0][0] != row.node.step.label:
                    cell[0] = [*cell[0], ("  ", PLAIN), *names]
        self._cache = {id(row): cell for row, cell in zip(rows, cells, strict=True)}

    def _widest(self, cells: Sequence[Sequence[Cell]]) -> list[int]:
        columns = range(len(self._titles))
        widest = [max([0, *(_length(row[i]) for row in cells)]) for i in columns]
        return [max(size, cell_len(self._titles[i])) if size else 0 for i, size in enumerate(widest)]

    def _excess(self, widths: list[int]) -> int:
        return sum(widths) + 2 * (sum(1 for size in widths if size) - 1) - self._width

    def _fit(self, widths: list[int]) -> list[int]:
        """Cut what is too wide where it costs least: first what can be read elsewhere, the labels last."""
        for column, least in ((1, 14), (0, 36), (2, 12), (1, 6), (0, 10)):
            cut = min(max(0, self._excess(widths)), max(0, widths[column] - least))
            widths = [*widths[:column], widths[column] - cut, *widths[column + 1 :]]
        return widths

    def _cells(self, row: _Row) -> list[Cell]:
        node, step = row.node, row.node.step
        cells: list[Cell] = [self._name(row), self._what(node), self._shape(step)]
        if self.stats_in_columns:
            cells += self._stats_cells(step)
        else:
            amount = step.total_parameters
            written = "" if not amount else count(amount) if self._width >= _BOTH_NAMES else short_count(amount)
            cells.append([(written, DIM)])
        if "ms" in self._titles:
            cells.append([("" if step.seconds is None else f"{step.seconds * 1000:.2f}", DIM)])
        return [*cells, self._known(node)]

    def _name(self, row: _Row) -> Cell:
        step = row.node.step
        lead: Cell = [(row.lead, DIM)]
        if step.kind == "op":
            return [*lead, (self._signs.op, OP), (step.label, PLAIN)]
        name = step.path.rsplit(".", 1)[-1]
        if _is_layer(step):
            title = f"layer {step.layer}"
            if row.node.folded:
                others = row.node.folded
                title = f"layers {step.layer} to {others[-1].step.layer} ({self._signs.times} {len(others)})"
                title += f", numbers of {step.layer}" if self._shows_numbers else ""
            return [*lead, (title, LAYER)]
        if not step.path:
            return [*lead, (safe_text(step.type), NAME)]
        again = f" (call {step.call})" if step.call else ""
        label = "" if _says_the_same(step.label, name) else safe_text(step.label)
        if label and self._width < (_BOTH_NAMES_AND_STATS if self.stats_in_columns else _BOTH_NAMES):
            return [*lead, (label, NAME), (again, DIM)]
        return [*lead, (safe_text(name), NAME), (f"  {label}" if label else "", PLAIN), (again, DIM)]

    def _what(self, node: Node) -> Cell:
        step = node.step
        cell: Cell = []
        main = main_output(step)
        if self.stats_in_columns and main is not None and main.stats is not None and (bad := not_finite(main.stats)):
            cell.append((bad + "  ", BAD))
        if step.path or step.kind == "op":
            cell.append((safe_text(step.type), OP if step.kind == "op" else PLAIN))
        arguments = safe_text(step.arguments if self._width >= _FULL else _brief(step.arguments))
        if arguments:
            cell.append((arguments if arguments.startswith("[") else f"({arguments})", DIM))
        if step.no_op:
            cell.append((" no-op", MASKED))
        if step.failed:
            cell.append((" failed here", BAD))
        if node.hidden:
            cell.append((f" {self._signs.cut} {plural(node.hidden, 'step')}", DIM))
        return cell

    def _shape(self, step: Step) -> Cell:
        main = main_output(step)
        if main is None:
            return [("none" if step.label == "attention mask" and not step.failed else "", DIM)]
        text = named_shape(main, self._signs.times) if self._axes else shape(main.shape)
        return [(text, PLAIN)]

    def _stats_cells(self, step: Step) -> list[Cell]:
        main = main_output(step)
        if main is None or main.stats is None:
            return [[] for _ in _STATS]
        return [[_statistic(main, name, step.label)] for name in _STATS]

    def _known(self, node: Node) -> Cell:
        names = known_names(node.step)
        if node.folded and names and (last := known_names(node.folded[-1].step)):
            names = [f"{names[0]} to {last[0][last[0].index('[') :]}"]
        return [(", ".join(names), KNOWN)] if names else []

    def header(self) -> Iterator[Segment]:
        """Yield the columns' titles."""
        titles: list[Cell] = [[(title, DIM)] for title in self._titles]
        yield from self._join(titles, fill=None)

    def line(self, row: _Row) -> Iterator[Segment]:
        """Yield a step's line, without its end. A layer's line is ruled, to be found among hundreds."""
        yield from self._join(self._cache[id(row)], fill=self._signs.rule if _is_layer(row.node.step) else None)

    def _join(self, cells: Sequence[Cell], *, fill: str | None) -> Iterator[Segment]:
        last = max((i for i, cell in enumerate(cells) if _length(cell) and self._widths[i]), default=0)
        for i, (cell, width) in enumerate(zip(cells, self._widths, strict=True)):
            if not width or i > last:
                continue
            if i:
                yield Segment("  ")
            length = _length(cell)
            if length > width:
                cell, length = _cut(cell, width, self._signs.cut), width
            pad = width - length
            if i in self._numbers:  # numbers stand to the right
                yield Segment(" " * pad)
                pad = 0
            yield from _segments(cell)
            if pad and i == 0 and fill:
                yield Segment(" " + fill * (pad - 1), LAYER)
            elif pad and i < last:
                yield Segment(" " * pad)

    def stats_line(self, row: _Row) -> Iterator[Segment]:
        """Yield the statistics below the step, where the terminal is too narrow for columns."""
        step = row.node.step
        main = main_output(step)
        if main is None or main.stats is None:
            return
        yield Segment(row.below, DIM)
        for name in _STATS:
            text, style = _statistic(main, name, step.label)
            yield Segment(f"{name} ", DIM)
            yield Segment(text.ljust(10) + " ", style)
        if bad := not_finite(main.stats):
            yield Segment(bad, BAD)
        yield Segment.line()


def _says_the_same(label: str, name: str) -> bool:
    """Whether a module's label only repeats its name (``layer norm`` is ``LayerNorm``)."""
    return label.replace(" ", "").lower() in (name.replace("_", "").lower(), "bert")


def main_output(step: Step) -> TensorOut | None:
    """Return the output that a step is about: the logits of the whole model, else the first one."""
    named = {tensor.name: tensor for tensor in step.outputs}
    return named.get("logits") or (step.outputs[0] if step.outputs else None)


def known_names(step: Step) -> list[str]:
    """Return the names in transformers that are shown at this step."""
    prefix = _KNOWN_AT.get("layer" if _is_layer(step) else step.label)
    if prefix is None or (step.kind == "op") != (prefix in ("attentions", "loss")):
        return []
    names = [name for name in step.known_as if name.startswith(prefix)]
    return names if not step.no_op else []


def _statistic(tensor: TensorOut, name: str, label: str) -> tuple[str, Style]:
    stats = tensor.stats
    value = getattr(stats, name)
    if value is None:
        return "-", DIM
    if stats is not None and stats.min is not None and is_masked(stats.min, label=label, dtype=tensor.dtype):
        # The mask's lowest number drowns what was computed: its mean and spread say nothing of the scores.
        if name == "min":
            return "masked", MASKED
        if name != "max":
            return "-", DIM
    return number(value), PLAIN


def _values(row: _Row, batch: Input, signs: _Signs, width: int) -> Iterable[Cell]:
    step = row.node.step
    main = main_output(step)
    if main is None or main.values is None:
        return
    for line in matrix(main, batch, label=step.label, width=width - cell_len(row.below) - 2, cut=signs.cut):
        yield [(row.below + "  ", DIM), *line]


def _is_layer(step: Step) -> bool:
    return step.kind == "module" and step.layer is not None and step.path.endswith(f"layer.{step.layer}")


# What a layer's own constructor says of arguments that everybody leaves as they are, or names that everybody knows.
_USUAL = (
    ", bias=True",
    ", inplace=False",
    ", elementwise_affine=True",
    ", training=False",
    ", reduction='mean'",
    ", label_smoothing=0.0",
    "in_features=",
    "out_features=",
)


def _brief(arguments: str) -> str:
    """Return arguments as one would type them: ``Linear(768, 3072)``."""
    for usual in _USUAL:
        arguments = arguments.replace(usual, "")
    return re.sub(r"\((\d+),\)", r"\1", arguments)


def _length(cell: Cell) -> int:
    return sum(cell_len(text) for text, _ in cell)


def _cut(cell: Cell, width: int, sign: str) -> Cell:
    """Cut a cell visibly to a width."""
    result: Cell = []
    room = width - 1
    for text, style in cell:
        if cell_len(text) > room:
            result += [(set_cell_size(text, room), style), (sign, DIM)]
            break
        result.append((text, style))
        room -= cell_len(text)
    return result


def _segments(cell: Cell) -> Iterator[Segment]:
    return (Segment(text, style) for text, style in cell if text)
