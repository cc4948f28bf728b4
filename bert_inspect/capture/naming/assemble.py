"""From what was recorded to the steps of a trace: everything is named once, then each trace takes what it selects."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from ...errors import UsageError
from ...traces.record import Step, TensorIn, TensorOut
from ...traces.selection import Wanted, kept
from ..tracing.activations import Activations
from ..tracing.arguments import written
from ..tracing.call_site import source_of
from ..tracing.recording import Recording
from ..tracing.step_record import StepRecord, TensorRecord
from .known_as import declared_paths, known_names
from .labels import Names, name_steps
from .modules import Naming
from .origins import drop_what_only_built_the_mask, origins
from .parameters import count_parameters, total_flops


@dataclass(frozen=True, kw_only=True)
class Named:
    """A recording with the names of its steps and tensors, and its steps' totals.

    ``known_as`` are the names under which transformers returns a tensor, by its number; ``arguments`` the constructor's
    of each module, by its path.
    """

    recording: Recording
    names: Names
    known_as: Mapping[int, list[str]]
    parameters: list[int]
    total_parameters: list[int]
    total_flops: list[int]
    arguments: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Assembled:
    """The steps that a selection keeps, numbered from 0, the record of each, and their full tensors by the key that the
    trace gives each.
    """

    steps: list[Step]
    records: list[StepRecord]
    tensors: dict[str, torch.Tensor]


def named(recording: Recording, model: nn.Module, modules: Mapping[str, nn.Module], naming: Naming) -> Named:
    """Name everything that was recorded of a run of a model."""
    steps = recording.steps
    drop_what_only_built_the_mask(steps)
    names = name_steps(steps, naming)
    own, total = count_parameters(steps, model, recording.tensors.parameters.values())
    return Named(
        recording=recording,
        names=names,
        known_as=known_names(steps, names.labels, declared_paths(model, modules)),
        parameters=own,
        total_parameters=total,
        total_flops=total_flops(steps),
        arguments={step.path: modules[step.path].extra_repr() for step in steps if step.kind == "module"},
    )


def assemble(found: Named, activations: Activations) -> Assembled:
    """Return the steps of one trace, with what was kept of their tensors.

    Raises:
        UsageError: nothing that ran was selected.
    """
    recording = found.recording
    keep = _keep(recording, activations.wanted)
    assembly = _Assembly(found, activations, keep)
    records = [record for record in recording.steps if record.id in keep]
    return Assembled(steps=[assembly.step(record) for record in records], records=records, tensors=assembly.tensors)


def _keep(recording: Recording, wanted: Wanted) -> set[int]:
    """Return the ids of the steps to keep: what is selected and, of a forward that failed, always where it did."""
    steps = recording.steps
    failed = next((step for step in steps if step.failed), None)
    try:
        keep = kept(steps, wanted)
    except UsageError:
        if failed is None:
            raise
        keep = set()
    above = None if failed is None else failed.id
    while above is not None:
        keep.add(above)
        above = steps[above].parent
    return keep


class _Assembly:
    """Writes the steps of one trace."""

    def __init__(self, found: Named, activations: Activations, keep: set[int]) -> None:
        self.tensors: dict[str, torch.Tensor] = {}
        self._found = found
        self._activations = activations
        self._ids = {old: number for number, old in enumerate(sorted(keep))}
        steps = found.recording.steps
        self._origins = origins(steps, keep)
        self._arguments = {seen.number: seen.name for step in steps[:1] for seen in step.inputs}

    def step(self, record: StepRecord) -> Step:
        """Return a step as the trace has it."""
        found = self._found
        wanted = self._activations.wanted.wants(record.path, record.layer)
        outputs = [self._output(record, seen, keeps=wanted) for seen in record.outputs]
        return Step(
            id=self._ids[record.id],
            parent=None if record.parent is None else self._ids[record.parent],
            kind=record.kind,
            path=record.path,
            call=record.call,
            type=record.type,
            arguments=found.arguments[record.path]
            if record.kind == "module"
            else written(record.type, record.given, record.options),
            layer=record.layer,
            label=found.names.labels[record.id],
            inputs=[self._input(record, seen) for seen in record.inputs],
            outputs=outputs,
            parameters=found.parameters[record.id],
            flops=record.flops,
            total_parameters=found.total_parameters[record.id],
            total_flops=found.total_flops[record.id],
            known_as=list(
                dict.fromkeys(name for seen in record.outputs for name in found.known_as.get(seen.number, []))
            ),
            source=source_of(record.line),
            no_op=record.no_op,
            seconds=record.seconds,
            failed=record.failed,
            role=record.role,
            part=record.part,
            edited=record.edited,
        )

    def _input(self, record: StepRecord, seen: TensorRecord) -> TensorIn:
        return TensorIn(
            name=seen.name,
            from_=self._ids.get(self._origins.get((record.id, seen.number), -1)),
            shape=list(seen.shape),
            dtype=seen.dtype,
            axes=self._found.names.axes.get(seen.number),
            parameter=self._found.recording.tensors.parameters.get(seen.number),
            argument=self._arguments.get(seen.number),
        )

    def _output(self, record: StepRecord, seen: TensorRecord, *, keeps: bool) -> TensorOut:
        kept, names, key = self._activations, self._found.names, None
        if keeps and seen.number in kept.copies:
            key = f"{self._ids[record.id]}.{record.path + '.' if record.path else ''}{record.type}.{seen.name}"
            self.tensors[key] = kept.copies[seen.number]
        return TensorOut(
            name=seen.name,
            shape=list(seen.shape),
            dtype=seen.dtype,
            axes=names.axes.get(seen.number),
            stats=kept.stats.get(seen.number) if keeps else None,
            values=kept.values.get(seen.number) if keeps else None,
            tensor=key,
            label=names.tensors.get(seen.number, "") if record.leaf else "",
            unread=kept.unread.get(seen.number, "") if keeps else "",
        )
