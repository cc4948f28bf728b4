"""The tour of a run: its stations with their source, numbers and arithmetic."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from msgspec import structs

from ..cells.along import keys_of
from ..cells.becomes import becomes
from ..cells.build import Builder
from ..cells.find import PROBABILITIES, find_step
from ..cells.follow import Source, needed_for
from ..cells.record import Cell
from ..cells.run_numbers import Missing, Numbers
from ..cells.tell import Asked, cell_of
from ..cells.where import Where
from ..errors import TraceFileError, UsageError
from ..source_view.statement import Statement, Statements
from ..traces.record import Step, Trace
from ..traces.values import masked_below
from ..traces.vocabulary import known_as, labels
from ..traces.vocabulary.axes import FOLDED, TOKEN_AXES
from . import attention, embeddings, head, input
from . import layer as rest_of_layer
from .excerpt import Excerpt, excerpt
from .followed import Followed, followed
from .names import NAMES
from .station import Command, Station
from .tour import Tour, joined

MOST_NUMBERS = 50_000_000
"""Up to how many numbers of a run are held at once; of a larger run the tour has shapes alone."""
_TERMS = 5
_OF_KEYS = (labels.KEY_PROJECTION, labels.KEY_SPLIT, labels.KEY_HEADS, labels.ROTATED_KEY)
"""Tensors whose tokens are those that are looked at."""


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


@dataclass(frozen=True, kw_only=True)
class Walk:
    """The tour of one sentence, ``row`` from 0, of a trace. ``layer`` is the encoder layer that is walked through, None
    where there is none; ``has_numbers`` says whether the run's numbers were kept.
    """

    trace: Trace
    row: int
    layer: int | None
    stops: tuple[Stop, ...]
    followed: Followed
    has_numbers: bool

    def place(self, name: str) -> int:
        """Return where a station stands, by its name or by a part of its name or title that no other has.

        Raises:
            UsageError: there is no such station, or several.
        """
        wanted = "-".join(name.casefold().split())
        names = [stop.station.name for stop in self.stops]
        if wanted in names:
            return names.index(wanted)
        if wanted.isdecimal() and 1 <= int(wanted[:6]) <= len(names):
            return int(wanted) - 1
        found = [
            at
            for at, stop in enumerate(self.stops)
            if wanted in stop.station.name or wanted in "-".join(stop.station.title.casefold().split())
        ]
        if wanted and len(found) == 1:
            return found[0]
        if found and wanted:
            raise UsageError(f"{name!r} may be several stations", f"name one of {', '.join(names[at] for at in found)}")
        if wanted == "loss":
            raise UsageError("there is a loss only with labels", "give them: `labels`")
        which = "this model has no station" if wanted in NAMES else "there is no station"
        raise UsageError(f"{which} {name!r}", f"there are {', '.join(names)}")


def walk(source: Source, *, row: int = 0, layer: int | None = None) -> Walk:
    """Return the tour of a run.

    Args:
        source: where the numbers of the run come from.
        row: the sentence, from 0.
        layer: the encoder layer that is walked through, by default the first.

    Raises:
        UsageError: there is no such sentence or layer, or the trace is not of a whole run.
        TraceFileError: its tensors are not those of its text.
    """
    trace = source.trace
    _check(trace, row, layer)
    _check_tokens(trace)
    numbers = _numbers(source, layer)
    tour = Tour(trace, numbers, row, layer=layer)
    found = followed(tour)
    guide = _Guide(source=source, tour=tour, followed=found, statements=Statements(trace))
    stops = tuple(guide.stop(station) for station in stations(tour))
    return Walk(trace=trace, row=row, layer=tour.first, stops=stops, followed=found, has_numbers=guide.has_numbers)


def _check(trace: Trace, row: int, of: int | None) -> None:
    if trace.failure is not None:
        raise UsageError(f"the forward failed: {trace.failure.cause}", "bert-inspect show shows how far it came")
    if trace.selection:
        raise UsageError("this trace holds a part of the run, and the tour needs all of it", "trace it without filters")
    count = len(trace.input.texts)
    if not 0 <= row < count:
        there = f"there are sentences 1 to {count}" if count > 1 else "there is one sentence"
        raise UsageError(f"there is no sentence {row + 1}", there)
    layers = sorted({step.layer for step in trace.steps if step.layer is not None})
    if of is not None and of not in layers:
        there = f"layers 0 to {layers[-1]}" if len(layers) > 1 else "only layer 0" if layers else "no layers"
        raise UsageError(f"there is no layer {of}: this model has {there}", "layers are counted from 0")


def _check_tokens(trace: Trace) -> None:
    """Refuse a trace whose tensors have other tokens than its text."""
    counts = {len(tokens) for tokens in trace.input.tokens}
    for step in trace.steps:
        for output in step.outputs:
            for axis, size in zip(output.axes or (), output.shape, strict=False):
                if axis in TOKEN_AXES and size > 1 and counts != {size}:
                    texts = joined([str(count) for count in sorted(counts)] or ["no"])
                    said = f"{step.label} has {size} tokens, and its texts have {texts}"
                    raise TraceFileError(f"the trace does not fit together: {said}", "trace the text again")


def stations(tour: Tour) -> Iterator[Station]:
    """Yield the stations of a tour in the order in which the model runs."""
    yield input.text(tour)
    yield input.tokens(tour)
    yield input.configuration(tour)
    yield from _present(embeddings.stations(tour))
    inside = [*_present(attention.stations(tour)), *_present(rest_of_layer.stations(tour))]
    # The model at hand decides the order: some norm before the attention, some after, some scale keys, some scores.
    yield from sorted(inside, key=lambda station: station.steps[-1])
    yield from _present(_above(tour))
    yield from _present(head.stations(tour))


def _above(tour: Tour) -> Iterator[Station | None]:
    yield rest_of_layer.convolution(tour)
    yield rest_of_layer.other_layers(tour)
    yield rest_of_layer.final_norm(tour)


def _present(found: Iterator[Station | None] | Sequence[Station | None]) -> Iterator[Station]:
    yield from (station for station in found if station is not None)


def _numbers(source: Source, of: int | None) -> Numbers:
    """Return the numbers of the steps that a tour may show; none at all where they are too many."""
    trace = source.trace
    if trace.model.weights == "none":
        return source.links
    layers = sorted({step.layer for step in trace.steps if step.layer is not None})
    walked = of if of is not None else next(iter(layers), None)
    steps = {step.id for step in trace.steps if step.layer in (None, walked)}
    steps |= {step.id for step in trace.steps if any(name.startswith(known_as.HIDDEN_STATES) for name in step.known_as)}
    steps |= needed_for(source, [(step.id, 0) for step in trace.steps if step.id in steps and step.outputs])
    if sum(math.prod(output.shape) for at in steps for output in trace.steps[at].outputs) > MOST_NUMBERS:
        return source.links
    return source.numbers(steps)


@dataclass(frozen=True)
class _Held:
    """The numbers that a tour holds, as a source for cells."""

    trace: Trace
    links: Numbers
    held: Numbers

    def numbers(self, steps: object) -> Numbers:
        return self.held


@dataclass(frozen=True, kw_only=True)
class _Guide:
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
        if len(self.tour.batch.texts) > 1 and any(each.axis in ("batch", FOLDED) for each in cell.place):
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
