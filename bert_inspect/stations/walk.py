"""The tour of a run: its stations with their source, numbers and arithmetic."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..cells.follow import Source, needed_for
from ..cells.run_numbers import Numbers
from ..errors import TraceFileError, UsageError
from ..families.heads import SEQUENCE_CLASSIFICATION
from ..source_view.statement import Statements
from ..traces.record import Trace
from ..traces.values import VALUES_LIMIT
from ..traces.vocabulary import known_as
from ..traces.vocabulary.axes import TOKEN_AXES
from . import attention, embeddings, head, input, layers, scores
from . import layer as one_layer
from .followed import Followed, followed
from .names import NAMES
from .station import Station
from .stops import Guide, Stop
from .tour import Tour, joined


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
        if wanted == "loss" and self.trace.model.task == SEQUENCE_CLASSIFICATION.task:
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
    guide = Guide(source=source, tour=tour, followed=found, statements=Statements(trace))
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
    inside = [each for part in (attention, scores, one_layer) for each in _present(part.stations(tour))]
    # The model at hand decides the order: some norm before the attention, some after, some scale keys, some scores.
    yield from sorted(inside, key=lambda station: station.steps[-1])
    yield from _present(layers.stations(tour))
    yield from _present(head.stations(tour))


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
    if sum(math.prod(output.shape) for at in steps for output in trace.steps[at].outputs) > VALUES_LIMIT:
        return source.links
    return source.numbers(steps)
