"""Looks at the tensors of every step as it runs: keeps what was asked for, takes the time, lets a witness check."""

import time
from typing import Any

import torch

from ...traces.selection import Selection
from ..verify.replay import Witness
from .activations import Keeper
from .events import Called, Ran, Returned
from .recorder import Scribe
from .step_record import Note
from .tensor_registry import works_in_place


class Attendant:
    """Has each event noted at once, while the tensors that it tells of are as they were."""

    def __init__(
        self, scribe: Scribe, kept: Keeper, *, selection: Selection, seconds: bool, witness: Witness | None
    ) -> None:
        self._scribe = scribe
        self._kept = kept
        self._selection = selection
        self._seconds = seconds
        self._witness = witness
        self._wanted: dict[str, bool] = {}
        self._early: Note | None = None  # of an op that works in place
        self._begun = 0.0

    def called(self, event: Called, args: tuple[Any, ...], kwargs: dict[str, Any], *, leaf: bool) -> None:
        """A module was called; a ``leaf`` is run again when it has returned."""
        note = self._received(self._scribe.called(event))
        if leaf and self._witness is not None:
            self._witness.before(args, kwargs, copies=works_in_place(event.module))
        note.started = time.perf_counter()

    def returned(self, event: Returned, *, leaf: bool) -> None:
        """A module returned."""
        now = time.perf_counter()
        note = self._scribe.returned(event)
        if self._seconds:
            note.seconds = now - note.started
        results = self._look(note, wanted=self._wants(note.path))
        if leaf and self._witness is not None:
            calls = dict(self._scribe.calls)
            self._witness.recompute_module(note, event.module, results)
            self._scribe.calls = calls  # what a container of torch.nn called again does not count

    def before(self, event: Ran, args: tuple[Any, ...], kwargs: dict[str, Any], *, changes: bool) -> None:
        """An op is about to run; what it ``changes`` must be looked at now."""
        self._early = self._received(self._scribe.op(event)) if changes else None
        if self._witness is not None:
            self._witness.before(args, kwargs, copies=changes)
        self._begun = time.perf_counter()

    def ran(self, event: Ran) -> None:
        """An op ran, or failed."""
        now = time.perf_counter()
        note = self._early or self._received(self._scribe.op(event))
        step = self._scribe.ran(event, note)
        if event.failed:
            return
        if self._seconds:
            step.seconds = (step.seconds or 0.0) + now - self._begun
        results = self._look(note, wanted=self._selection.level == "op" and self._wants(note.path))
        if self._witness is not None:
            self._witness.recompute(note, event.func, results)

    def _received(self, note: Note) -> Note:
        if self._witness is not None:
            self._witness.received(note, [(seen.name, seen.tensor) for seen in note.inputs])
        return note

    def _look(self, note: Note, *, wanted: bool) -> list[tuple[str, torch.Tensor]]:
        """Look at what a step returned, and return it."""
        results = [(seen.name, seen.tensor) for seen in note.outputs]
        if self._witness is not None:
            self._witness.changed(note, [(seen, seen.tensor) for seen in note.also_changed])
            self._witness.returned(note, results)
        if wanted and self._kept.keeps:
            for seen in note.outputs:
                self._kept.take(note, seen, seen.tensor)
                if self._witness is not None:
                    self._witness.kept(note, seen, seen.tensor, self._kept)
        return results

    def _wants(self, path: str) -> bool:
        wanted = self._wanted.get(path)
        if wanted is None:
            wanted = self._wanted[path] = self._selection.wants(path)
        return wanted
