"""Makes stops out of stations: the statements, the numbers, the arithmetic and the commands that belong to each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from msgspec import structs

from ..cells.along import keys_of
from ..cells.becomes import becomes
from ..cells.build import Builder
from ..cells.find import PROBABILITIES, find_step
from ..cells.follow import Source
from ..cells.record import Cell
from ..cells.run_numbers import Missing, Numbers
from ..cells.tell import Asked, cell_of
from ..cells.where import Where
from ..errors import UsageError
from ..source_view.statement import Statement, Statements
from ..traces.record import Step, Trace
from ..traces.values import masked_below
from ..traces.vocabulary import labels
from ..traces.vocabulary.axes import FOLDED, TOKEN_AXES
from .excerpt import Excerpt, excerpt
from .followed import Followed
from .station import Command, Station
from .tour import Tour

_TERMS = 5
_OF_KEYS = (labels.KEY_PROJECTION, labels.KEY_SPLIT, labels.KEY_HEADS, labels.ROTATED_KEY)
"""Tensors whose tokens are those that are looked at."""
_OF_SENTENCES = frozenset(("batch", FOLDED, *TOKEN_AXES))
"""Axes of which only the sentence says what stands at a place."""


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A station with what is shown there. ``cell`` is the arithmetic of one number; where there is none although one
    was to be told, ``no_cell`` says why. ``commands`` show more.
    """

    station: Station
    code: tuple[Statement, ...]
    excerpts: tuple[Excerpt, ...]
    cell: Cell | None
    no_cell: str
    commands: tuple[Command, ...]


@dataclass(frozen=True)
class _Held:
    """The numbers that a tour holds, as a source for cells."""

    trace: Trace
    links: Numbers
    held: Numbers

    def numbers(self, steps: object) -> Numbers:
        return self.held


@dataclass(frozen=True, kw_only=True)
class Guide:
    """Makes stops out of stations."""

    source: Source
    tour: Tour
    followed: Followed
    statements: Statements

    @property
    def has_numbers(self) -> bool:
        """Whether the numbers of the run are at hand: those of the layer, for the answer is in every trace."""
        steps = [step for step in self.tour.trace.steps if step.layer == self.tour.first and step.outputs]
        return any(self.tour.numbers.has(step, 0) for step in steps)

    def stop(self, station: Station) -> Stop:
        """Return a station with all that is shown there."""
        steps = self.tour.trace.steps
        if isinstance(station.component, int) and station.depth is None:
            station = replace(station, depth=self.tour.depth(station.component))
        cell, why, index = self._cell(station)
        excerpts = tuple(
            excerpt(self.tour, tensor, self.followed, index=index if tensor == station.told else None)
            for tensor in station.shown
        )
        return Stop(
            station=station,
            code=tuple(self.statements.of(steps[at] for at in station.steps)),
            excerpts=excerpts,
            cell=cell,
            no_cell=why,
            commands=tuple(self._commands(station, cell)),
        )

    def _cell(self, station: Station) -> tuple[Cell | None, str, tuple[int, ...] | None]:
        """Return the cell that a station tells, why there is none, and where its number stands."""
        if not self.has_numbers or (station.told is None and not station.probability):
            return None, "", None
        index: tuple[int, ...] | None = None
        try:
            if station.probability:
                return self._probability(), "", None
            assert station.told is not None
            step = self.tour.trace.steps[station.told.step]
            index = self._index(step, station.told.place)
            if index is None:
                return None, "", None
            builder = Builder(numbers=self.tour.numbers, names=self.tour.names, most=_TERMS)
            cell = builder.cell(step, station.told.place, Where(index=index, row=self.tour.row))
            return self._with_what_follows(cell, builder, step, station.told.place, index), "", index
        except Missing as error:
            why = "its weights are not in the trace" if error.parameters else error.message
            return None, why, index
        except UsageError as error:
            return None, error.message, index

    def _with_what_follows(self, cell: Cell, builder: Builder, step: Step, place: int, index: tuple[int, ...]) -> Cell:
        made = builder.maker(step, place)
        after = becomes(self.tour.numbers, self.tour.names, (made[0].id, made[1]), index, self.tour.row)
        return structs.replace(cell, becomes=after)

    def _probability(self) -> Cell:
        held = _Held(self.tour.trace, self.source.links, self.tour.numbers)
        found = find_step(self.tour.trace, PROBABILITIES)
        return cell_of(held, found, Asked(sentence=self.tour.row + 1, terms=_TERMS))

    def _index(self, step: Step, place: int) -> tuple[int, ...] | None:
        """Return where the number stands that is told: at what is followed, and of the rest where the largest is."""
        output, whole = step.outputs[place], self.tour.values(step, place)
        if whole is None or 0 in output.shape:
            return None
        axes: Sequence[str] = output.axes or [f"axis {at}" for at in range(len(output.shape))]
        fixed = [self._fixed(step, axis, size) for axis, size in zip(axes, output.shape, strict=True)]
        part = np.asarray(whole[tuple(slice(None) if at is None else at for at in fixed)], dtype=np.float64)
        if part.ndim == 0:
            return tuple(at for at in fixed if at is not None)
        below = masked_below(step.label, output.dtype)
        sizes = part if axes[-1] in ("labels", "vocabulary", "choices") else np.abs(part)
        sizes = np.where(np.isfinite(part) & (part > (-np.inf if below is None else below)), sizes, -np.inf)
        best = iter(int(at) for at in np.unravel_index(int(sizes.argmax()), part.shape))
        return tuple(next(best) if at is None else at for at in fixed)

    def _fixed(self, step: Step, axis: str, size: int) -> int | None:
        found = self.followed.place(self.tour, axis, size)
        if axis == "tokens" and step.label in _OF_KEYS and size > 1:
            return self.followed.key
        return found

    def _commands(self, station: Station, cell: Cell | None) -> Iterator[Command]:
        if cell is not None:
            yield self._cell_command(cell)
        yield station.more

    def _cell_command(self, cell: Cell) -> Command:
        """Return the command that tells the same cell again."""
        after: list[str] = []
        if cell.step is None:
            name = PROBABILITIES
        else:
            name = self._named(cell)
            after += [] if cell.layer is None else ["--layer", str(cell.layer)]
        at = []
        for each in cell.place:
            if each.axis in ("batch", "broadcast") or not each.name:
                continue
            (key,) = keys_of([each.axis])[:1] or [each.axis]
            index = each.index
            if each.axis == FOLDED:
                key, index = "head", each.index % self.tour.names.heads
            value = each.name if each.axis in TOKEN_AXES and _is_plain(each.name) else str(index)
            at.append(f"{key}={value}")
        after += ["--at", ",".join(at)] if at else []
        if len(self.tour.batch.texts) > 1 and any(each.axis in _OF_SENTENCES for each in cell.place):
            after += ["--sentence", str(self.tour.row + 1)]
        return Command(("cell", name), tuple(after))

    def _named(self, cell: Cell) -> str:
        """Return words that mean the step of a cell and no other."""
        for words in (cell.label, f"{cell.path}:{cell.label}", cell.path):
            try:
                found = find_step(self.tour.trace, words, layer=cell.layer)
            except UsageError:
                continue
            if found.step.id == cell.step:
                return words
        return f"#{cell.step}"


def _is_plain(token: str) -> bool:
    """Whether a token names itself in ``--at``."""
    return token.isalpha() and token.isascii()
