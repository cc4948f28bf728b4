"""The tables of a comparison: a line for each part of the model, or one for every step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rich import box
from rich.cells import set_cell_size
from rich.table import Table
from rich.text import Text

from ...diff import StepDiff, Unmatched
from ...diff.words import times, where
from ...safetext import safe_text
from ...traces.values import Number
from ...traces.vocabulary import labels, roles
from ..words import BAD, DIM, LAYER, NAME, PLAIN, number, shape

_ROOMY = 110
_BETWEEN = 3
"""What Rich puts between two columns of this box."""


@dataclass(frozen=True, kw_only=True)
class TableFormat:
    """How wide the tables may be, the sign for what was cut off, and whether the differences are shown by their sizes
    alone, with no tolerance to hold them against.
    """

    width: int
    sign: str
    sizes: bool = False

    @property
    def roomy(self) -> bool:
        """Whether there is room for the relative difference and the worst step of each part."""
        return self.width >= _ROOMY

    def clip(self, text: Text, width: int) -> Text:
        """Return the text, cut visibly if it is wider."""
        if text.cell_len <= width:
            return text
        return Text(set_cell_size(text.plain, max(0, width - 1)) + self.sign, style=text.style)


class _Column(NamedTuple):
    title: str
    side: Literal["left", "right"] = "right"
    gives: bool = False
    """Whether it is cut where the width does not suffice."""


def part_of(step: StepDiff | Unmatched) -> str:
    """Return the part of the model that a step belongs to."""
    if step.layer is not None:
        return labels.layer(step.layer)
    if step.label in labels.MASKS:
        return step.label
    return {"": "whole model", roles.HEAD: "classifier"}.get(step.part, step.part)


def parts_table(steps: Sequence[StepDiff], form: TableFormat) -> Table:
    """Return a line for each part of the model: how many of its steps agree, and the worst of them."""
    roomy = form.roomy
    unknown = any(step.status == "unknown" for step in steps)
    columns = [_Column("", "left"), _Column("steps"), _Column("equal")]
    columns += [] if form.sizes else [_Column("noise")]
    columns += [_Column("differ")]
    columns += [_Column("no numbers")] if unknown else []
    columns += _number_columns(form)
    columns += [_Column("largest relative difference" if form.sizes else "worst step", "left", gives=True)] * roomy
    parts: dict[str, list[StepDiff]] = {}
    for step in steps:
        parts.setdefault(part_of(step), []).append(step)
    rows = []
    for name, inside in parts.items():
        counts = [sum(1 for step in inside if step.status == s) for s in ("identical", "noise", "different", "unknown")]
        compared = [step for step in inside if _badness(step, form) is not None]
        worst = max(compared, key=lambda step: float(_badness(step, form) or 0), default=None)
        row = [Text(safe_text(name), style=LAYER), Text(str(len(inside)))]
        row += [_count(counts[0])] + ([] if form.sizes else [_count(counts[1])])
        row += [_count(counts[2], bad=not form.sizes)]
        row += [_count(counts[3])] if unknown else []
        row += _numbers(worst, form)
        if roomy:
            row.append(Text("" if worst is None or worst.status == "identical" else safe_text(_inside(worst))))
        rows.append(row)
    return _table(columns, rows, form)


def steps_table(steps: Sequence[StepDiff], form: TableFormat) -> Table:
    """Return a line for every step, in the order in which A's ended."""
    roomy = form.roomy
    columns = [_Column("step", "left", gives=True), *_number_columns(form)]
    columns[1:1] = [_Column("shape", "left")] if roomy else []
    columns.append(_Column("", "left", gives=True))
    rows = []
    before = ""
    for step in steps:
        if (part := part_of(step)) != before:
            rows.append([Text(safe_text(part), style=LAYER), *[Text()] * (len(columns) - 1)])
            before = part
        sizes = "" if step.shape_a is None else shape(step.shape_a)
        if step.shape_b is not None and step.shape_b != step.shape_a:
            sizes += f" | {shape(step.shape_b)}"
        remark, style = _REMARKS[step.status], BAD if step.status == "different" and not form.sizes else DIM
        if step.note and step.status in ("different", "unknown"):
            remark = step.note
        name = Text("  " + safe_text(_inside(step)), style=PLAIN if step.kind == "op" else NAME)
        rows.append([name, *_numbers(step, form), Text(safe_text(remark), style=style)])
        rows[-1][1:1] = [Text(sizes)] if roomy else []
    return _table(columns, rows, form)


_REMARKS = {"identical": "equal", "noise": "noise", "different": "differs", "unknown": "no numbers"}


def _table(columns: Sequence[_Column], rows: Sequence[Sequence[Text]], form: TableFormat) -> Table:
    widths = [max([len(column.title), *(row[i].cell_len for row in rows)]) for i, column in enumerate(columns)]
    excess = sum(widths) + _BETWEEN * (len(columns) - 1) - form.width
    for place in [i for i, column in enumerate(columns) if column.gives][::-1]:
        taken = min(max(0, excess), max(0, widths[place] - 8))
        widths[place] -= taken
        excess -= taken
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style=DIM)
    for column, size in zip(columns, widths, strict=True):
        table.add_column(column.title, justify=column.side, no_wrap=True, overflow="crop", min_width=size)
    for row in rows:
        table.add_row(*(form.clip(cell, size) for cell, size in zip(row, widths, strict=True)))
    return table


def _number_columns(form: TableFormat) -> Iterator[_Column]:
    yield _Column("largest")
    if form.roomy or form.sizes:
        yield _Column("relative")
    if not form.sizes:
        yield _Column("x tolerance" if form.roomy else "x tol.")
    yield _Column("cosine")


def _inside(step: StepDiff) -> str:
    """Return a step's name without the part of the model, which stands beside it."""
    label = where(step).removeprefix(part_of(step)).removeprefix(", ") or step.label
    return label if step.label_b == step.label else f"{label} | {step.label_b}"


def _count(amount: int, *, bad: bool = False) -> Text:
    return Text(str(amount), style=BAD if bad else PLAIN) if amount else Text(".", style=DIM)


def _badness(step: StepDiff, form: TableFormat) -> Number | None:
    """Return what makes one step worse than another: multiples of the tolerance, else the relative difference."""
    return step.max_rel if form.sizes else step.times


def _numbers(step: StepDiff | None, form: TableFormat) -> list[Text]:
    """Return the largest difference as it is, relative to the tensor, in multiples of the tolerance; and the cosine."""
    blank = [Text("", style=DIM)] * len(list(_number_columns(form)))
    if step is None or step.max_abs is None:
        return blank
    if step.status == "identical":
        return [Text("0", style=DIM), *blank[1:]]
    style = BAD if step.status == "different" and not form.sizes else PLAIN
    cells = [Text(number(step.max_abs), style=style)]
    if form.roomy or form.sizes:
        cells.append(Text("" if step.max_rel is None else number(step.max_rel)))
    if not form.sizes:
        cells.append(Text(times(step.times), style=style))
    return [*cells, Text("" if step.cosine is None else _cosine(step.cosine))]


def _cosine(value: float | str) -> str:
    """Return a similarity in four digits, or in six where it is closer to 1 than those tell."""
    if isinstance(value, str) or value == 1:
        return "1" if value == 1 else str(value)
    return f"{value:.6f}" if value > 0.9999 else f"{value:.4f}"
