"""What a file shows of each station besides its text: where a component is drawn, and what is told only there."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ...safetext import safe_text
from ...stations.parts import batch_tables, not_called, received_by, steps_in, structure
from ...stations.station import TOKENIZER, Table
from ...stations.walk import Stop, Walk
from .words import first_followed, followed, no_numbers


@dataclass(frozen=True, kw_only=True)
class Section:
    """A station of a file; the text of its tables and the structure are safe to show.

    Attributes:
        number: its number on the tour, from 1.
        stop: the station with what is shown there.
        tables: its facts, and those that only a file has room for.
        structure: the modules of the model, a line each; ``not_called`` those that no forward called.
        drawn_at: the name of the station at which its component is drawn, its own if it is this one; empty if it has
            none.
        component: the class of its component, ``the tokenizer`` before the model.
        received: what its component receives, by name and shape, where the component is drawn; ``steps`` is every step
            of it there.
        said: which numbers are followed through the tour, or why there are none, where the first ones are.
        has_numbers: whether the run's numbers were kept.
    """

    number: int
    stop: Stop
    tables: tuple[Table, ...]
    structure: tuple[str, ...] = ()
    not_called: tuple[str, ...] = ()
    drawn_at: str = ""
    component: str = ""
    received: tuple[tuple[str, str], ...] = ()
    steps: Table | None = None
    said: str = ""
    has_numbers: bool = False

    @property
    def is_drawn_here(self) -> bool:
        """Whether its component is drawn at this station."""
        return self.drawn_at == self.stop.station.name


def sections(walk: Walk, *, only: int | None = None) -> Iterator[Section]:
    """Yield what a file shows of each station, or of one alone, by its place from 0."""
    drawn: dict[object, str] = {}
    said_at = first_followed(walk) if only is None else only
    for at, stop in enumerate(walk.stops):
        station, name = stop.station, stop.station.name
        component = station.component
        if only not in (None, at):
            continue
        if component is not None:
            drawn.setdefault(component, name)
        inside = component if isinstance(component, int) and drawn[component] == name else None
        yield Section(
            number=at + 1,
            stop=stop,
            tables=tuple(map(_safe, (*station.tables, *(batch_tables(walk.trace) if name == "tokens" else ())))),
            structure=tuple(map(safe_text, structure(walk.trace))) if name == "configuration" else (),
            not_called=tuple(map(safe_text, not_called(walk.trace))) if name == "configuration" else (),
            drawn_at="" if component is None else drawn[component],
            component=_called(walk, component),
            received=() if inside is None else received_by(walk.trace, inside),
            steps=None if inside is None else _safe(steps_in(walk.trace, inside)),
            said=_said(walk) if at == said_at and stop.excerpts else "",
            has_numbers=walk.has_numbers,
        )


def _said(walk: Walk) -> str:
    told = followed(walk) or no_numbers(walk)
    return told[:1].upper() + told[1:] + ("" if told.endswith(".") else ".")


def _safe(table: Table) -> Table:
    return replace(table, rows=tuple(tuple(map(safe_text, row)) for row in table.rows), note=safe_text(table.note))


def _called(walk: Walk, component: int | str | None) -> str:
    if component is None:
        return ""
    return "the tokenizer" if component == TOKENIZER else safe_text(walk.trace.steps[int(component)].type)
