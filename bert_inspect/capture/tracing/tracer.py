"""Sees every module call and every op of one forward, in the order they ran.

It only looks, unless something is to be edited: edits are made first, and what goes on is what is looked at. A
`Recorder` makes records of what it saw. It looks between every two steps of the model, which have swept the caches by
then, so all that can wait is left on a tape until the model has run; only where somebody wants to look at the tensors
themselves (a `LiveRecorder`) is each event noted at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from torch import nn

from ...families import Family
from ..keep import TraceSpec
from ..undisturbed import no_collector
from ..verify.replay import Replay
from .activations import Activations
from .arguments import refs_in
from .editing import Editing, Unedited
from .events import Event, Ran
from .function_mode import FunctionMode
from .hooks import Attachment
from .live_recorder import LiveRecorder
from .module_calls import ModuleCalls
from .recorder import Recorder
from .recording import Outcome, Recording
from .scripted import Scripted
from .tensor_registry import TensorRegistry, TensorState

_NOBODY = -1  # no thread's number


class Tracer:
    """What was seen of one forward so far.

    What the looking itself raises never comes up inside the model, which might catch it or seem to have failed: from
    then on nothing is looked at, the model runs to its end, and the error is here.

    Attributes:
        error: what the looking raised.
        tensors: which tensor is which.
        thread: the one that is looked at.
        depth: how many modules are running whose steps are recorded.
        tape: what was seen and can wait.
        live: notes each event at once, where that is needed.
        editing: what is changed while the model runs; None where nothing is.
    """

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        family: Family,
        *,
        specs: Sequence[TraceSpec],
        replay: Replay | None,
        editing: Editing | None = None,
        tape: list[Event] | None = None,
    ) -> None:
        self.editing = editing
        self.error: Exception | None = None
        self.tensors = TensorRegistry(modules)
        self.thread = get_ident()
        self.depth = 0
        self.tape: list[Event] = [] if tape is None else tape
        self.live: LiveRecorder | None = None
        types = {path: type(module).__name__ for path, module in modules.items()}
        self._kept = [Activations(spec, spec.selection.of(types), self.tensors) for spec in specs]
        self._recorder = Recorder(modules, self.tensors, family)
        seconds = any(spec.keep.seconds for spec in specs)
        if seconds or replay is not None or any(spec.keep.any for spec in specs):
            self.live = LiveRecorder(self._recorder, self._kept, seconds=seconds, replay=replay)

    def begin(self) -> None:
        """Look at another forward of the same model, in this thread; nothing is known of the one before."""
        self.error = None
        self.thread, self.depth = get_ident(), 0
        self.tensors.forget()

    def tell(self, event: Event, unedited: Unedited | None = None) -> None:
        """Note an event, or leave it on the tape; ``unedited`` is what an op returned before it was edited."""
        if self.live is None:
            self.tape.append(event)
        elif isinstance(event, Ran):
            self.live.ran(event, unedited)
        else:
            self._recorder.write(event)

    def sharing_memory(self, output: Any) -> Sequence[TensorState]:
        """Return the living tensors that share memory with those that a step returned, with the refs in their place."""
        return self.tensors.sharing_memory([tensor_ref for _, tensor_ref in refs_in(output, "")])

    def give_up(self, error: Exception) -> None:
        """Look at nothing more, as the looking has failed."""
        if self.error is None:
            self.error = error
        self.stop()

    def stop(self) -> None:
        """Look at nothing more."""
        self.thread, self.depth = _NOBODY, 0

    def finish(self, *, raised: bool) -> Recording:
        """Write down what can wait until the model has run, and return everything that was recorded."""
        for event in self.tape:
            self._recorder.write(event)
        self.tape.clear()
        recorder = self._recorder
        return Recording(
            steps=recorder.records,
            calls=recorder.calls,
            tensors=self.tensors,
            kept=self._kept,
            stopped=recorder.stopped() if raised else None,
        )


def observe(
    forward: Callable[[], Any],
    modules: Mapping[str, nn.Module],
    family: Family,
    *,
    specs: Sequence[TraceSpec],
    replay: Replay | None = None,
    editing: Editing | None = None,
) -> tuple[Tracer, Outcome]:
    """Run a forward of a model, given by all its modules under their paths, with a tracer attached; afterwards the
    model is as it was, whatever happened. A ``replay`` checks every step as it runs; ``specs`` say what is kept of
    tensors, ``editing`` what is changed of them. An exception of the model's is its outcome.

    Raises:
        UsageError: the forward is one that is being traced already.
    """
    tracer = Tracer(modules, family, specs=specs, replay=replay, editing=editing)
    with no_collector(), attached(tracer, modules) as run:
        outcome = run(forward)
    return tracer, outcome


@contextmanager
def attached(tracer: Tracer, modules: Mapping[str, nn.Module]) -> Iterator[Callable[[Callable[[], Any]], Outcome]]:
    """Attach a tracer to the modules of a model for the block, and yield what runs a forward while it looks.

    Raises:
        UsageError: the model is being traced already.
    """
    attachment, scripted = Attachment(), Scripted()
    mode = FunctionMode(tracer)

    def end() -> None:
        tracer.stop()
        mode.end()

    def run(forward: Callable[[], Any]) -> Outcome:
        try:
            mode.begin()
            try:
                return Outcome(output=forward())
            except Exception as error:  # whatever a model's code raises
                return Outcome(error=error)
        finally:
            end()

    def restore() -> None:
        scripted.detach()
        attachment.detach()
        end()

    try:
        attachment.attach(ModuleCalls(tracer, mode), modules.values())
        scripted.attach(mode.run_scripted, modules.values())
        yield run
    finally:
        try:
            restore()
        except KeyboardInterrupt:
            restore()
            raise
