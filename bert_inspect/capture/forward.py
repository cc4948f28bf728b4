"""One traced forward, from loaded model and encoded batch to the finished traces."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from msgspec import structs
from torch import nn

from ..errors import UsageError
from ..loading.loaded import Loaded
from ..traces.edits import Edit
from ..traces.record import FORMAT, VERSION, Failure, Input, Trace
from ..traces.selection import Selection
from .describe import described, environment
from .editing.plan import Plan, plan_edits, with_edited_tokens
from .failure import broken_by, cause_of_failure
from .keep import Keep, TooManyValues, TraceSpec
from .model_inputs import VisibleTokens, as_given, model_inputs
from .naming.assemble import Assembled, Named, assemble, named
from .naming.links import links
from .naming.of_run import naming_of
from .outputs.by_head import output_of
from .tracing.activations import TooManyNumbers
from .tracing.editing import Editing
from .tracing.hooks import exclusively
from .tracing.recording import Outcome, Recording
from .tracing.tracer import observe
from .undisturbed import no_collector, undisturbed, without_gradients
from .verify.other_inputs import other_inputs
from .verify.replay import Replay
from .verify.verification import Verification


class Linked(NamedTuple):
    """A trace of all steps with the tensors that were kept, and what of which is known besides: of which step's output
    an input is, and which step inside a module made an output of it; each by the step's id and the place in it.
    """

    trace: Trace
    tensors: Mapping[str, torch.Tensor]
    received: Mapping[tuple[int, int], tuple[int, int]]
    made: Mapping[tuple[int, int], tuple[int, int]]


class Traced(NamedTuple):
    """A trace and, where they were asked for, the selected steps' full tensors by the key that the trace gives each."""

    trace: Trace
    tensors: Mapping[str, torch.Tensor]


def run_forward(
    loaded: Loaded,
    batch: Input,
    *,
    selection: Selection = Selection(),  # noqa: B008 - frozen
    keep: Keep = Keep(),  # noqa: B008
    verify: bool = False,
    edits: Sequence[Edit] = (),
) -> Traced:
    """Run the model once over the batch and return its trace; arguments and errors are those of `run_for_traces`."""
    return run_for_traces(loaded, batch, [TraceSpec(selection=selection, keep=keep)], verify=verify, edits=edits)[0]


def run_for_traces(
    loaded: Loaded, batch: Input, specs: Sequence[TraceSpec], *, verify: bool = False, edits: Sequence[Edit] = ()
) -> list[Traced]:
    """Run the model once over the batch and return a trace of that run for each spec.

    With ``verify`` every step is run again and the model thrice, and the first trace bears the proof. With ``edits``
    the model is run as it is too, to find what they mean, and what is traced is the edited run. While another thread
    traces the model, or one that shares modules with it, this waits.

    Raises:
        UsageError: a selection or an edit matches nothing, more numbers would be kept than allowed, or the model is
            being traced by this very thread.
        BertInspectError: nothing can be edited, as the model's own forward fails.
    """
    with exclusively(loaded.model):
        traces, parts = _run(loaded, as_given(loaded, batch), specs, verify=verify, edits=edits)
    return [Traced(trace, part.tensors) for trace, part in zip(traces, parts, strict=True)]


def run_linked(loaded: Loaded, batch: Input, *, keep: Keep, edits: Sequence[Edit] = ()) -> Linked:
    """Run the model once over the batch and return the trace of all steps with its links; errors are those of
    `run_for_traces`.
    """
    with exclusively(loaded.model):
        (trace,), (part,) = _run(loaded, as_given(loaded, batch), [TraceSpec(keep=keep)], verify=False, edits=edits)
    return Linked(trace, part.tensors, *links(part))


def _run(
    loaded: Loaded, batch: Input, specs: Sequence[TraceSpec], *, verify: bool, edits: Sequence[Edit]
) -> tuple[list[Trace], list[Assembled]]:
    modules = dict(loaded.model.named_modules())  # each once, though it bear several names
    _check(loaded, modules, specs, verify=verify)
    batch = with_edited_tokens(loaded, batch, edits)
    plan = plan_edits(loaded, batch, edits)
    verification = Verification(loaded, batch) if verify else None
    inputs = model_inputs(loaded, batch)
    recording, outcome = _record(loaded, batch, inputs, modules, specs, verification, plan)
    with no_collector():
        found = named(recording, loaded.model, modules, naming_of(loaded, batch, recording))
        parts = [assemble(found, kept) for kept in recording.kept]
    traces = [
        _trace(loaded, batch, spec.selection, found, part, outcome, inputs, modules, plan.edits)
        for spec, part in zip(specs, parts, strict=True)
    ]
    if verification is not None:
        proof = verification.prove(traces[0], outcome, found, parts[0], modules)
        traces[0] = structs.replace(traces[0], proof=proof)
    return traces, parts


def _check(loaded: Loaded, modules: Mapping[str, nn.Module], specs: Sequence[TraceSpec], *, verify: bool) -> None:
    count = loaded.layers
    known = [(path, layer) for path in modules for layer in loaded.family.layers_of(path, count)]
    types = {path: type(module).__name__ for path, module in modules.items()}
    for spec in specs:
        spec.selection.check_layers(count)
        spec.selection.of(types).check(known)
        if loaded.weights == "none" and (spec.keep.any or verify):
            raise UsageError("without weights there are no numbers, only shapes", 'leave `weights="none"` out')


def _record(
    loaded: Loaded,
    batch: Input,
    inputs: Mapping[str, torch.Tensor],
    modules: Mapping[str, nn.Module],
    specs: Sequence[TraceSpec],
    verification: Verification | None,
    plan: Plan,
) -> tuple[Recording, Outcome]:
    """Run the model and return what was recorded, and how the forward ended."""
    on_meta = loaded.weights == "none"
    answers: AbstractContextManager[object] = VisibleTokens(batch) if on_meta else nullcontext()
    replay = None if verification is None else verification.replay

    def again(others: Mapping[str, torch.Tensor]) -> Recording:
        return _run_traced(loaded, others, modules, (), None, plan.editing(modules))[0]

    def unedited(replay: Replay) -> Outcome:
        return _run_traced(loaded, inputs, modules, (), replay)[1]

    with undisturbed(loaded.model), without_gradients(loaded.model), answers:
        if verification is not None:
            verification.begin()
        editing = plan.editing(modules)
        recording, outcome = _run_traced(loaded, inputs, modules, specs, replay, editing)
        if editing is not None and outcome.error is None:
            editing.check_done()
        if verification is not None:
            others = other_inputs(inputs, batch.special, loaded.model.config)
            verification.run_after(inputs, others, recording, again, unedited if plan.steps else None)
    return recording, outcome


def _run_traced(
    loaded: Loaded,
    inputs: Mapping[str, torch.Tensor],
    modules: Mapping[str, nn.Module],
    specs: Sequence[TraceSpec],
    replay: Replay | None,
    editing: Editing | None = None,
) -> tuple[Recording, Outcome]:
    """Run the model once while it is traced, and edited.

    Raises:
        TooManyValues: more numbers would be kept than allowed.
    """
    tracer, outcome = observe(
        lambda: loaded.model(**inputs), modules, loaded.family, specs=specs, replay=replay, editing=editing
    )
    if isinstance(tracer.error, TooManyNumbers):
        raise TooManyValues(
            f"the values are more than {tracer.error.limit:,} numbers", "select steps with `layer` or `module`"
        )
    if tracer.error is not None:
        raise tracer.error  # ours: the model has run to its end
    with no_collector():
        return tracer.finish(raised=outcome.error is not None), outcome


def _trace(
    loaded: Loaded,
    batch: Input,
    selection: Selection,
    found: Named,
    assembled: Assembled,
    outcome: Outcome,
    inputs: Mapping[str, torch.Tensor],
    modules: Mapping[str, nn.Module],
    edits: Sequence[Edit],
) -> Trace:
    failure = output = None
    if outcome.error is not None:
        failure = _failure(outcome.error, found.recording, assembled, loaded.model, inputs)
    elif loaded.weights != "none":
        output = output_of(loaded, batch, outcome.output)
    return Trace(
        format=FORMAT,
        version=VERSION,
        environment=environment(),
        model=described(loaded, edits),
        input=batch,
        selection=selection.described(),
        steps=assembled.steps,
        not_called=[path for path, module in modules.items() if module not in found.recording.calls],
        output=output,
        failure=failure,
    )


def _failure(
    error: Exception,
    recording: Recording,
    assembled: Assembled,
    model: nn.Module,
    inputs: Mapping[str, torch.Tensor],
) -> Failure:
    stopped = recording.stopped
    done = [step for step, record in enumerate(assembled.records) if record.leaf and record is not stopped]
    broken = None if stopped is None else broken_by(stopped)
    return Failure(
        path=None if stopped is None else stopped.path,
        exception=type(error).__name__,
        message=str(error),
        cause=cause_of_failure(error, stopped, model, inputs),
        step=next((step for step, record in enumerate(assembled.records) if record is stopped), None),
        tensor=None if broken is None else broken.name,
        last_good=done[-1] if done else None,
    )
