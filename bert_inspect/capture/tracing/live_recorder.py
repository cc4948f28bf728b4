"""Looks at the tensors of every step as it runs: keeps what was asked for, takes the time, lets a replay check."""

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch._C import DisableTorchFunction

from ..verify.replay import Replay
from .activations import Activations
from .editing import Unedited
from .events import Called, Ran, Returned
from .in_place import works_in_place
from .recorder import Recorder
from .step_record import StepRecord


class LiveRecorder:
    """Has each event noted at once, while the tensors that it tells of are as they were.

    It looks with torch's functions, which neither another tracer nor a type of tensor of somebody else's is to see; a
    step that is run again is run as it was.
    """

    def __init__(
        self, recorder: Recorder, kept: Sequence[Activations], *, seconds: bool, replay: Replay | None
    ) -> None:
        self._recorder = recorder
        self._kept = kept
        self._seconds = seconds
        self._replay = replay
        self._early: StepRecord | None = None  # of an op that works in place
        self._begun = 0.0

    def called(self, event: Called, args: tuple[Any, ...], kwargs: dict[str, Any], *, leaf: bool) -> None:
        """A module was called; a ``leaf`` is run again when it has returned."""
        with DisableTorchFunction():
            record = self._received(self._recorder.called(event))
            if leaf and self._replay is not None:
                self._replay.before(args, kwargs, copies=works_in_place(event.module), module=event.module)
        record.started = time.perf_counter()

    def returned(self, event: Returned, unedited: Unedited | None, *, leaf: bool) -> None:
        """A module returned; ``unedited`` is what was done to that."""
        now = time.perf_counter()
        with DisableTorchFunction():
            record = self._recorder.returned(event)
            if self._seconds:
                record.seconds = now - record.started
            results = self._look(record)
            if unedited is not None:
                results = self._before(record, results, unedited)
        if leaf and self._replay is not None:
            calls = dict(self._recorder.calls)
            self._replay.recompute_module(record, event.module, results)
            self._recorder.calls = calls  # what a container of torch.nn called again does not count

    def before(self, event: Ran, args: tuple[Any, ...], kwargs: dict[str, Any], *, changes: bool) -> None:
        """An op is about to run; what it ``changes`` must be looked at now."""
        with DisableTorchFunction():
            self._early = self._received(self._recorder.op(event)) if changes else None
            if self._replay is not None:
                self._replay.before(args, kwargs, copies=changes)
        self._begun = time.perf_counter()

    def ran(self, event: Ran, unedited: Unedited | None) -> None:
        """An op ran, or failed; ``unedited`` is what was done to what it returned."""
        now = time.perf_counter()
        with DisableTorchFunction():
            record = self._early or self._received(self._recorder.op(event))
            step = self._recorder.ran(event, record)
            if event.failed:
                return
            if self._seconds:
                step.seconds = (step.seconds or 0.0) + now - self._begun
            results = self._look(record)
            if unedited is not None:
                results = self._before(record, results, unedited)
        if self._replay is not None:
            self._replay.recompute(record, event.func, results)

    def _received(self, record: StepRecord) -> StepRecord:
        if self._replay is not None:
            self._replay.received(record, [(seen.name, seen.tensor) for seen in record.inputs])
        return record

    def _before(
        self, record: StepRecord, results: list[tuple[str, torch.Tensor]], unedited: Unedited
    ) -> list[tuple[str, torch.Tensor]]:
        """Return what a step returned before it was edited; a replay holds the edited tensor against it."""
        place, before = unedited.step.output, unedited.before
        if self._replay is not None:
            self._replay.edited(record, results[place][1], unedited)
        if before is None:
            return results
        return [(name, before if at == place else tensor) for at, (name, tensor) in enumerate(results)]

    def _look(self, record: StepRecord) -> list[tuple[str, torch.Tensor]]:
        """Look at what a step returned, and return it."""
        results = [(seen.name, seen.tensor) for seen in record.outputs]
        if self._replay is not None:
            self._replay.changed(record, [(seen, seen.tensor) for seen in record.also_changed])
            self._replay.returned(record, results)
        for kept in self._kept:
            if not kept.wants(record):
                continue
            for seen in record.outputs:
                kept.take(record, seen, seen.tensor)
                if self._replay is not None:
                    self._replay.kept(record, seen, seen.tensor, kept)
        return results
