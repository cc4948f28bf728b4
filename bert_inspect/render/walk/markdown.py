"""The tour as Markdown with a picture of each component beside it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from ...families import family_of
from ...safetext import safe_document
from ...stations.excerpt import Excerpt
from ...stations.station import Table
from ...stations.walk import Walk
from ...traces.record import Step
from ..cell import Told, told
from ..words import sentence, shape
from .escaping import block, plain, span, table
from .narrowed import narrowed
from .pictures import component_svg, whole_svg
from .sections import Section, sections
from .words import Typed, gaps, introduced, left_out, numbers_of, shape_of, typed_commands

_COLUMNS = 8
"""How many of hundreds of columns are shown."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A text, and the pictures that it shows, by the names of their files."""

    text: str
    pictures: Mapping[str, str]


def walk_markdown(walk: Walk, folder: str, typed: Typed | None = None, *, only: int | None = None) -> Document:
    """Return the tour as Markdown.

    Args:
        walk: the tour.
        folder: the folder of the pictures, as seen from the file.
        typed: writes the commands that show more; without it there are none.
        only: one station, by its place from 0, in place of all.
    """
    found = list(sections(walk, only=only))
    pictures: dict[str, str] = {}
    lines = [*_head(walk), *(_contents(found) if len(found) > 1 else [])]
    for section in found:
        lines += _section(walk, section, folder, typed, pictures)
    if only is None:
        lines += _whole(walk, folder, pictures)
    return Document(text=safe_document("\n".join(lines).rstrip() + "\n"), pictures=pictures)


def _whole(walk: Walk, folder: str, pictures: dict[str, str]) -> Iterator[str]:
    """Yield the picture of the whole model, where it can be drawn."""
    picture = whole_svg(walk)
    if picture is not None:
        pictures[_WHOLE] = picture
        yield from (
            "## The whole model",
            "",
            "All of it in one picture; equal layers stand once.",
            "",
        )
        yield from (f"![Diagram of the whole model]({quote(f'{folder}/{_WHOLE}')})", "")


_WHOLE = "whole-model.svg"


def _head(walk: Walk) -> Iterator[str]:
    batch, model = walk.trace.input, walk.trace.model
    yield from (f"# {family_of(model.family).name}, station by station", "")
    shown = plain(sentence(batch.texts[walk.row]))
    yield from (f"> {shown}" + (f" — {plain(sentence(batch.pairs[walk.row]))}" if batch.pairs is not None else ""), "")
    name = f" ({plain(model.name)})" if model.name and model.name != model.class_ else ""
    yield f"One real forward pass of {span(model.class_)}{name}, {introduced(walk)}"
    yield ""


def _contents(found: list[Section]) -> Iterator[str]:
    for section in found:
        yield f"{section.number}. [{plain(section.stop.station.title)}](#{section.stop.station.name})"
    yield ""


def _section(walk: Walk, section: Section, folder: str, typed: Typed | None, pictures: dict[str, str]) -> Iterator[str]:
    stop = section.stop
    station = stop.station
    yield from (f'<a id="{station.name}"></a>', "", f"## {section.number}. {plain(station.title)}", "")
    yield from (f"**{plain(station.question)}**", "", plain(" ".join(station.text)), "")
    for held in section.tables:
        yield from _table(held)
    if section.structure:
        yield from ("What the model is made of:", "", *block(section.structure, "text"), "")
    if section.not_called:
        yield from (f"Modules that no forward called: {', '.join(map(span, section.not_called))}.", "")
    for statement in stop.code:
        yield from (span(f"{statement.file}:{statement.line}"), "", *block(statement.lines, "python"), "")
    yield from _component(walk, section, folder, pictures)
    if section.said:
        yield from (plain(section.said) + (" It is set in bold type." if section.has_numbers else ""), "")
    for excerpt in stop.excerpts:
        yield from _matrix(excerpt)
    if stop.cell is not None:
        yield from _cell(told(stop.cell))
    elif stop.no_cell:
        yield from (f"The arithmetic: {plain(stop.no_cell)}", "")
    if commands := typed_commands(stop, typed):
        yield from (*block([f"$ {line}" for line in commands], "console"), "")


def _table(held: Table) -> Iterator[str]:
    rows = [[plain(cell) for cell in row] for row in held.rows]
    yield from (*table([plain(header) for header in held.headers], rows, held.numbers), "")
    if held.note:
        yield from (f"*{plain(held.note)}*", "")


def _component(walk: Walk, section: Section, folder: str, pictures: dict[str, str]) -> Iterator[str]:
    """Yield what runs at a station, and the picture of its component where it comes first."""
    station = section.stop.station
    if station.steps:
        there = f" (the diagram of [{plain(section.component)}](#{section.drawn_at}) shows where)"
        yield from (f"What runs here{there if section.drawn_at and not section.is_drawn_here else ''}:", "")
        yield from (f"- {_with_shapes(walk.trace.steps[at])}" for at in station.steps)
        yield ""
    if not section.is_drawn_here:
        return
    picture = component_svg(walk, station)
    if picture is not None:
        name = f"{section.number:02d}-{station.name}.svg"
        pictures[name] = picture
        yield from (f"![Diagram of {plain(section.component)}]({quote(f'{folder}/{name}')})", "")
    if section.steps is not None:
        given = ", ".join(f"{plain(name)} {span(size)}" for name, size in section.received)
        yield from (f"{span(section.component)} receives {given or 'no tensor'}. All its steps, with their shapes:", "")
        rows = [
            [plain(label), *(span(cell) if cell else "" for cell in (name, made, size))]
            for label, name, made, size in section.steps.rows
        ]
        yield from (*table(section.steps.headers, rows), "")


def _with_shapes(step: Step) -> str:
    """Return a step's label, and of each tensor that it returned the shape and the names of its axes."""
    tensors = []
    for output in step.outputs:
        axes = "one number" if not output.shape else " x ".join(output.axes or [])
        tensors.append(span(shape(output.shape)) + (f", {axes}" if axes else ""))
    return plain(step.label) + (f": {'; '.join(tensors)}" if tensors else "")


def _matrix(excerpt: Excerpt) -> Iterator[str]:
    if excerpt.numbers is None:  # its shape stands with its step
        return
    held = narrowed(excerpt, _COLUMNS)
    where = f", {plain(held.where)}" if held.where else ""
    yield from (f"**{plain(held.label)}** {span(shape_of(held))}{where}", "")
    after = gaps(held)
    written = numbers_of(held)
    rows = []
    for at, name in enumerate(held.rows):
        cells = [f"**{cell}**" if (at, place) == held.marked else cell for place, cell in enumerate(written[at])]
        rows.append([plain(name), *cells])
    headers = [f"… {plain(name)}" if at in after else plain(name) for at, name in enumerate(held.columns)]
    yield from (*table(["", *headers], rows, range(1, len(headers) + 1)), "")
    axes = f"down: {held.row_axis}; across: {held.column_axis}" if held.row_axis and any(held.columns) else ""
    if said := "; ".join(part for part in (axes, left_out(held)) if part):
        yield from (f"*{said}*", "")


def _cell(cell: Told) -> Iterator[str]:
    yield from (f"**{plain(cell.name)} = {cell.value}**", "", f"= {plain(cell.words)}  ", span(cell.symbols), "")
    rows = [
        [
            plain(row.name),
            ("  " if row.sign == "->" else " × ").join(row.factors),
            row.sign.replace("->", "→"),
            row.value,
        ]
        for row in cell.rows
    ]
    yield from (*table(["", "", "", ""], rows, (1, 3)), "", plain(cell.check), "")
    if cell.becomes:
        yield from (plain(cell.becomes.replace("->", "→")), "")
