"""The tour as one self-contained HTML page, and as a part of the report."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ...families import family_of
from ...safetext import safe_document, safe_text
from ...source_view.statement import Statement
from ...stations.walk import Walk
from ..cell import Told, told
from ..report.document import inlined, policy, template
from ..report.sources import coloured_lines
from ..words import sentence
from .matrix import Matrix, matrix
from .pictures import PAGE_STYLE, Picture, component_svg, whole_svg
from .sections import Section, sections
from .words import Typed, introduced, typed_commands

_STYLES = ("page.css", "explain.css", "walk/walk.css")
_SCRIPTS = ("walk/walk.js",)
_TITLE = 300


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A station as the templates take it.

    Attributes:
        id: its anchor.
        section: the station, its tables and its component.
        text: its answer.
        code: statements of source: where each stands, and its lines as pieces of a kind and a text.
        picture: the diagram with its steps marked; None where there is none, or too much for one.
        matrices: the tensors.
        cell: the arithmetic of a number; ``no_cell`` says why there is none where one was to be told.
        commands: what shows more.
    """

    id: str
    section: Section
    text: str
    code: Sequence[tuple[str, Sequence[Sequence[tuple[str, str]]]]]
    picture: Markup | None
    matrices: Sequence[Matrix]
    cell: Told | None
    no_cell: str
    commands: Sequence[str]


def walk_html(walk: Walk, typed: Typed | None = None, *, only: int | None = None) -> str:
    """Return the page on a tour.

    Args:
        walk: the tour.
        typed: writes the commands that show more; without it there are none.
        only: one station, by its place from 0, in place of all.
    """
    style, script = inlined(_STYLES, _SCRIPTS)
    family = family_of(walk.trace.model.family).name
    batch = walk.trace.input
    text = sentence(batch.texts[walk.row], most=_TITLE)
    page = template("walk/page.html.j2").render(
        title=f"{family}, station by station",
        policy=policy([style, PAGE_STYLE], [script]),
        style=Markup(style),
        pictures=Markup(PAGE_STYLE),
        script=Markup(script),
        text=text,
        pair=None if batch.pairs is None else sentence(batch.pairs[walk.row], most=_TITLE),
        name=safe_text(walk.trace.model.name or walk.trace.model.class_),
        class_=safe_text(walk.trace.model.class_),
        introduced=introduced(walk),
        stations=_shown(walk, typed, only=only, prefix=""),
        whole=_whole(walk) if only is None else None,
    )
    return safe_document(page)


def walk_part(walk: Walk, typed: Typed | None = None) -> str:
    """Return the tour as a part of another page: its style, and its stations, each closed until it is opened. The page
    must have the styles of `report` and allow the style in it.
    """
    texts = walk.trace.input.texts
    part = template("walk/part.html.j2").render(
        pictures=Markup(PAGE_STYLE),
        text=sentence(texts[walk.row], most=_TITLE),
        others=len(texts) > 1,
        stations=_shown(walk, typed, only=None, prefix="walk-"),
    )
    return safe_document(part)


def _whole(walk: Walk) -> Markup | None:
    text = whole_svg(walk, name="picture-of-all")
    return None if text is None else Markup(Picture(key="picture-of-all", text=text).drawn(frozenset()))


def _shown(walk: Walk, typed: Typed | None, *, only: int | None, prefix: str) -> list[Shown]:
    pictures: dict[str, Picture | None] = {}
    return [_station(walk, each, typed, prefix, pictures) for each in sections(walk, only=only)]


def _station(
    walk: Walk, section: Section, typed: Typed | None, prefix: str, pictures: dict[str, Picture | None]
) -> Shown:
    stop = section.stop
    return Shown(
        id=f"{prefix}{stop.station.name}",
        section=section,
        text=safe_text(" ".join(stop.station.text)),
        code=[_code(statement) for statement in stop.code],
        picture=_picture(walk, section, pictures),
        matrices=[matrix(excerpt) for excerpt in stop.excerpts],
        cell=None if stop.cell is None else told(stop.cell),
        no_cell=safe_text(stop.no_cell),
        commands=typed_commands(stop, typed),
    )


def _picture(walk: Walk, section: Section, pictures: dict[str, Picture | None]) -> Markup | None:
    """Return the diagram of a station's component: where it comes first the diagram, afterwards a reference to it."""
    station, at = section.stop.station, section.drawn_at
    if station.component is None:
        return None
    first = at not in pictures
    if first:
        text = component_svg(walk, station, name=f"picture-{at}")
        pictures[at] = None if text is None else Picture(key=f"picture-{at}", text=text)
    held = pictures[at]
    steps = frozenset(station.steps)
    if held is None or not (first or steps):
        return None
    return Markup(held.drawn(steps) if first else held.again(steps, f"Diagram of {section.component}"))


def _code(statement: Statement) -> tuple[str, list[list[tuple[str, str]]]]:
    return safe_text(f"{statement.file}:{statement.line}"), coloured_lines(list(statement.lines))
