"""Runs a model once more over a few sentences, as a profile of a corpus was made, and holds the run against that."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from msgspec import structs
from torch import Tensor

from ...capture.describe import described
from ...errors import UsageError
from ...loading.loaded import Loaded
from ...loading.weights.digest import digest_of
from ...profiles.placement.dimensions import Bounds, State, bounds_of, state_of
from ...profiles.placement.placement import Placement, placement
from ...profiles.record import Profile
from ...profiles.tensors import hidden_states
from ...profiles.total import Place, outputs, without_numbers
from ...traces.output import Prediction
from ...traces.record import Input
from ...traces.selection import Level, Selection, Wanted
from ...traces.sentences import real_places
from .batch import BatchWatcher
from .plan import Wish
from .profiler import Profiler

AGAIN = "profile the corpus with this very model"
_NO_SETTING = {"transformers_version", "architectures"}
"""What a configuration says of who wrote it."""


def placed(
    loaded: Loaded,
    batch: Input,
    corpus: Profile,
    *,
    predictions: list[Prediction],
    wanted: Wanted | None = None,
) -> Placement:
    """Return where a run over these sentences lies in a corpus.

    Args:
        loaded: the model, with its tokenizer.
        batch: the sentences.
        corpus: its profile.
        predictions: what the model answers.
        wanted: which steps are told; None: all.

    Raises:
        UsageError: the profile is of other steps; `check_model` tells whether it is of this model.
        BertInspectError: the forward fails.
    """
    watchers: list[_Watcher] = []
    profiler = Profiler(
        loaded,
        loaded.tokenizer,
        selection=_selection(corpus),
        batch_size=len(batch.texts),
        limit=corpus.input.max_length,
        truncate=True,
        watcher=partial(_watching, watchers, _bounds(corpus)),
    )
    total = profiler.begin(structs.replace(corpus.input, blocks=1))
    if total.frame.steps != without_numbers(corpus).steps:
        made, ours = corpus.environment, total.frame.environment
        raise UsageError(
            "the profile is of other steps than this model runs here: it was made with "
            f"transformers {made.transformers} and torch {made.torch}, here are {ours.transformers} and {ours.torch}",
            AGAIN,
        )
    profiler.add_batch(total, batch)
    return placement(
        corpus,
        total.record(),
        states=watchers[-1].states,
        places=[(row, place) for row in range(len(batch.texts)) for place in real_places(batch, row)],
        predictions=predictions,
        wanted=wanted,
    )


def check_model(loaded: Loaded, corpus: Profile) -> None:
    """Refuse a profile that was made of another model.

    Raises:
        UsageError: says what differs.
    """
    theirs, ours = corpus.model, described(loaded)
    for what, other, own in (
        ("class", theirs.class_, ours.class_),
        ("dtype", theirs.dtype, ours.dtype),
        ("weights", corpus.weights[:12], digest_of(loaded.model)[:12]),
    ):
        if other != own:
            raise UsageError(
                f"the profile is of another model: {theirs.name}, whose {what} {_verb(what)} {other}; "
                f"{'those' if what == 'weights' else 'that'} of {ours.name} {_verb(what)} {own}",
                AGAIN,
            )
    if theirs.attention != ours.attention:
        raise UsageError(
            f"the profile was made with {theirs.attention} attention, and this run has {ours.attention}: "
            "they run other steps",
            f'give the same: `attention="{theirs.attention}"`',
        )
    for name in sorted(theirs.config.keys() & ours.config.keys() - _NO_SETTING):
        if theirs.config[name] != ours.config[name]:
            raise UsageError(f"the profile is of a model that is configured otherwise: {name} differs", AGAIN)


def _verb(what: str) -> str:
    return "are" if what == "weights" else "is"


def _selection(corpus: Profile) -> Selection:
    """Return the filters with which a profile was made."""
    found = corpus.selection
    patterns = found["module"].split(", ") if "module" in found else []
    level: Level = "module" if found.get("level") == "module" else "op"
    return Selection.parse(layer=found.get("layer"), module=patterns, level=level)


def _bounds(corpus: Profile) -> dict[Place, tuple[int, Bounds]]:
    """Return what a corpus showed of its hidden states, each with its number, by the place that has its numbers."""
    places = {id(output.dimensions): place for place, output in outputs(corpus.steps) if output.dimensions is not None}
    known = bounds_of(corpus)
    states = [(number, held.dimensions) for number, held in hidden_states(corpus) if number in known]
    return {places[id(dimensions)]: (number, known[number]) for number, dimensions in states}


class _Watcher(BatchWatcher):
    """Sums up the tensors of one run, and holds its hidden states against a corpus; none of them is kept."""

    def __init__(self, bounds: Mapping[Place, tuple[int, Bounds]], *given: Any, **settings: Any) -> None:
        super().__init__(*given, **settings)
        self.states: dict[int, State] = {}
        self._bounds = bounds

    def take(self, wish: Wish, tensor: Tensor) -> None:
        """Sum up a tensor."""
        super().take(wish, tensor)
        if wish.layout is None or wish.place not in self._bounds:
            return
        number, bounds = self._bounds[wish.place]
        rows = self._real.rows(wish.layout.view(tensor)).taken
        self.states[number] = state_of(rows.detach().double().cpu().numpy(), bounds)


def _watching(
    made: list[_Watcher], bounds: Mapping[Place, tuple[int, Bounds]], *given: Any, **settings: Any
) -> _Watcher:
    """Make a watcher and note it: the last one made is of the run that counted."""
    watcher = _Watcher(bounds, *given, **settings)
    made.append(watcher)
    return watcher
