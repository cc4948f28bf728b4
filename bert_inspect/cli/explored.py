"""What `explore` shows and asks: a saved trace, or a run of the model and what only the model can answer."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import BertInspectError, UsageError
from ..terminal import Terminal
from .flags import in_flags
from .inputs import saved
from .options import TextOptions
from .prepare import check_before_loading, encode_sentences, find, prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..analysis.attention import LayerAttention
    from ..analysis.cell import Runs
    from ..analysis.explain.explanation import By, Explanation
    from ..cells.follow import Source
    from ..cells.record import CellReport
    from ..loading.loaded import Loaded
    from ..loading.spec import ModelSpec
    from ..source_view.listing import Listing
    from ..traces.record import Input, Step, Trace
    from ..traces.selection import Selection
    from ..tui.run import Rerun, Run

T = TypeVar("T")

_TERMS = 12


def of_saved(text: TextOptions, selection: "Selection") -> "Run":
    """Return a saved trace, with what can be answered without its model.

    Raises:
        TraceFileError: it cannot be read.
        UsageError: sentences are given too, or the selection matches nothing.
    """
    from ..source_view.listing import listing
    from ..traces.selection import narrowed
    from ..tui.run import Run

    trace = narrowed(saved(text), selection)

    def explain(by: "By") -> "Explanation":
        raise UsageError(
            "why the model answers so takes the model, which a saved trace does not hold",
            "bert-inspect explain TEXT, or bert-inspect explore TEXT",
        )

    def cell(step: int, output: int, index: tuple[int, ...]) -> "CellReport":
        from ..cells.run_numbers import Missing
        from ..cells.saved import Saved

        try:
            return _cell(Saved(trace, text.trace), step, output, index)
        except Missing as error:
            file = shlex.quote(text.trace or "")
            places = ",".join(f"axis {axis}={at}" for axis, at in enumerate(index))
            at = f' --at "{places}"' if places else ""
            hint = f'bert-inspect cell "#{step}" --trace {file}{at} loads the model that made the trace'
            raise UsageError(error.message, None if trace.selection else hint) from error

    no_values = _NOT_SELECTED if _has_values(trace) else _NOT_RECORDED
    return Run(
        trace=trace,
        listing=lambda step: listing(trace, step),
        attention=lambda: _attention(trace, no_values),
        cell=cell,
        explain=explain,
        no_values=no_values,
    )


def of_model(text: TextOptions, spec: "ModelSpec", selection: "Selection", terminal: Terminal) -> "tuple[Run, Rerun]":
    """Load the model and run it; returns the run, and what runs another sentence.

    Raises:
        UsageError: unusable sentences, or a selection that matches nothing.
        ModelError: the model cannot be loaded.
    """
    loaded, batch = prepare(text, spec, terminal, selection=selection)
    with terminal.waiting("running the model"):
        run = Session(loaded, batch, selection).run()

    def again(sentence: str) -> "Run":
        from ..capture.encode import Sentences

        heard: list[str] = []
        quiet = _Overheard(heard=heard)
        checkpoint = find(spec, quiet)
        pairs = None if batch.pairs is None or text.choice else batch.pairs[:1]
        sentences = Sentences(texts=[sentence], pairs=pairs, choices=text.choice or None)
        check_before_loading(checkpoint, sentences, spec, selection)
        encoded = encode_sentences(checkpoint, loaded.tokenizer, sentences, text, quiet, spec=spec)
        return Session(loaded, encoded, selection, notes=heard).run()

    return run, _advising_flags(again)


@dataclass(frozen=True, kw_only=True)
class _Overheard(Terminal):
    """Keeps what is said while the screen belongs to the program, which shows it."""

    heard: list[str]

    def say(self, text: str) -> None:
        self.heard.append(text)


@dataclass
class Session:
    """One batch on one model, and the answers that take the model."""

    loaded: "Loaded"
    batch: "Input"
    selection: "Selection"
    notes: "list[str]" = field(default_factory=list)

    def run(self) -> "Run":
        """Run the model: with all values, or with statistics where those are too many."""
        from ..tui.run import Run

        trace, no_values = self._traced()
        self._trace = trace
        self._executed: dict[str, Any] = {}
        return Run(
            trace=trace,
            listing=_advising_flags(self._listing),
            attention=lambda: _attention(trace, no_values),
            cell=_advising_flags(self._cell),
            explain=_advising_flags(self._explain),
            no_values=no_values,
            notes=list(self.notes),
        )

    def _traced(self) -> "tuple[Trace, str]":
        from ..capture.forward import run_forward
        from ..capture.keep import Keep, TooManyValues
        from ..traces.values import VALUES_LIMIT

        if self.loaded.weights == "none":
            trace = run_forward(self.loaded, self.batch, selection=self.selection).trace
            return trace, "without weights there are no numbers, only shapes: leave --weights none out"
        keep = Keep(stats=True, values="full", limit=VALUES_LIMIT)
        try:
            return run_forward(self.loaded, self.batch, selection=self.selection, keep=keep).trace, _NOT_SELECTED
        except TooManyValues as error:
            told = f"{error.message}: statistics are shown in their place; {in_flags(error.hint or '')}"
        self.notes.append(told)
        return run_forward(self.loaded, self.batch, selection=self.selection, keep=Keep(stats=True)).trace, told

    def _listing(self, step: "Step") -> "Listing":
        """Return a module's source with the lines that ran in its first call, seen in a run of their own."""
        from ..capture.keep import Keep
        from ..capture.line_trace import run_watched
        from ..source_view.listing import listing

        if step.call or self._trace.failure is not None:
            return listing(self._trace, step)
        if step.path not in self._executed:
            self._executed[step.path] = run_watched(self.loaded, self.batch, step.path, keep=Keep())[1]
        return listing(self._trace, step, executed=self._executed[step.path])

    def _explain(self, by: "By") -> "Explanation":
        from ..analysis.explain.explain import explain

        if self.loaded.weights != "pretrained":
            raise UsageError(
                "the weights are not trained, so that there is no answer to explain",
                "name a trained model: --model FOLDER",
            )
        return explain(self.loaded, self.batch, by=by)

    def _cell(self, step: int, output: int, index: tuple[int, ...]) -> "CellReport":
        from ..cells.run_numbers import Missing

        try:
            return _cell(self._held, step, output, index)
        except Missing:
            if self._trace.selection:
                raise
        return _cell(self._runs, step, output, index)

    @cached_property
    def _held(self) -> "Source":
        """The numbers of the trace, and the model's own."""
        from ..analysis.cell import parameters_of
        from ..cells.saved import Saved

        return Saved(self._trace, None, parameters_of(self.loaded.model))

    @cached_property
    def _runs(self) -> "Runs":
        """Further runs, for what the trace does not hold."""
        from ..analysis.cell import Runs

        return Runs(self.loaded, self.batch)


_NOT_SELECTED = "its values were not kept: only those of selected steps are"
_NOT_RECORDED = "this trace holds no values: bert-inspect run TEXT --values -o FILE records them"


def _has_values(trace: "Trace") -> bool:
    return any(tensor.values is not None for step in trace.steps for tensor in step.outputs)


def _attention(trace: "Trace", no_values: str) -> "Sequence[LayerAttention]":
    """Return the attention that a trace holds.

    Raises:
        UsageError: it holds none; ``no_values`` says why.
        TraceFileError: what it holds is none.
    """
    from ..analysis.attention import attentions

    try:
        return attentions(trace)
    except UsageError as error:
        if _has_values(trace):
            raise UsageError("no step whose values were kept is attention from tokens to tokens") from error
        raise UsageError(error.message, no_values) from error


def _cell(source: "Source", step: int, output: int, index: "Sequence[int]") -> "CellReport":
    """Return the arithmetic of one number.

    Raises:
        Missing: numbers that it needs are not at hand.
        UsageError: the arithmetic of the step is not known.
    """
    from ..cells.find import Found
    from ..cells.record import CellReport
    from ..cells.tell import Asked, cell_of

    trace = source.trace
    at = {f"axis {axis}": str(place) for axis, place in enumerate(index)}
    found = cell_of(source, Found(step=trace.steps[step], place=output), Asked(at=at, terms=_TERMS))
    return CellReport(environment=trace.environment, model=trace.model, input=trace.input, cell=found)


def _advising_flags(function: Callable[..., T]) -> Callable[..., T]:
    """Return the function with the advice of its errors in the words of the command line."""

    def advising(*arguments: Any) -> T:
        try:
            return function(*arguments)
        except BertInspectError as error:
            raise type(error)(error.message, error.hint and in_flags(error.hint)) from error

    return advising
