"""The guided tour as the Python API hands it out: it displays itself in a notebook, and so does a station."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .cells.record import Cell
from .files import replacing
from .stations import walk


@dataclass(frozen=True, kw_only=True)
class Walk(walk.Walk):
    """The tour of one sentence of a run, from its text to the answer; in a notebook it displays itself.

    ``tour["attention-scores"]`` is one station, by its name, its number from 1, or a part of its name that no other
    has. ``stops``, ``followed`` and the rest are those of `bert_inspect.stations.walk.Walk`.
    """

    @classmethod
    def of(cls, found: walk.Walk) -> "Walk":
        """Return a tour as this class; nothing is copied."""
        return cls(**vars(found))

    @property
    def names(self) -> list[str]:
        """The names of its stations, in order."""
        return [stop.station.name for stop in self.stops]

    def __len__(self) -> int:
        return len(self.stops)

    def __iter__(self) -> Iterator["Stop"]:
        yield from (Stop(tour=self, at=at) for at in range(len(self.stops)))

    def __getitem__(self, name: str | int) -> "Stop":
        """Return a station.

        Raises:
            UsageError: there is no such station, or several.
        """
        return Stop(tour=self, at=self.place(str(name)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the tour as one self-contained HTML page, whole or not at all.

        Raises:
            UsageError: the file cannot be written.
        """
        from .render.walk.page import walk_html  # jinja2 and rich are needed only to be shown

        with replacing(path) as stream:
            stream.write(walk_html(self).encode())

    def __repr__(self) -> str:
        return f"<Walk through {self.trace!r}: {len(self.stops)} stations>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """Show all stations in a notebook."""
        from .render.walk.notebook import tour_bundle

        return tour_bundle(self)


@dataclass(frozen=True, kw_only=True)
class Stop:
    """One station of a tour, the one at the place ``at`` from 0; in a notebook it displays itself."""

    tour: Walk
    at: int

    @property
    def name(self) -> str:
        """Its name."""
        return self.tour.stops[self.at].station.name

    @property
    def arithmetic(self) -> "Arithmetic | None":
        """The arithmetic of the number that the station tells; None where it tells none."""
        cell = self.tour.stops[self.at].cell
        return None if cell is None else Arithmetic(cell=cell)

    def __repr__(self) -> str:
        return f"<Station {self.at + 1} of {len(self.tour)}: {self.name}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """Show it in a notebook."""
        from .render.walk.notebook import station_bundle

        return station_bundle(self.tour, self.at)


@dataclass(frozen=True, kw_only=True)
class Arithmetic:
    """Where one number of a run comes from, term by term; in a notebook it displays itself.

    ``cell`` has the terms and the factors: `bert_inspect.cells.record.Cell`.
    """

    cell: Cell

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """Show it in a notebook."""
        from .render.walk.notebook import arithmetic_bundle

        return arithmetic_bundle(self.cell)
