"""From the tracer's records to the steps of the trace: names, origins, totals, and only what was selected."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ...errors import UsageError
from ...traces.record import Step, TensorIn, TensorOut
from ...traces.selection import Selection, kept, layer_of
from ..tracing.arguments import written
from ..tracing.call_site import source_of
from ..tracing.step_record import StepRecord, TensorRecord
from ..tracing.tracer import Tracer
from .labels import name_steps


@dataclass(frozen=True, kw_only=True)
class Assembled:
    """The steps that the selection keeps, numbered from 0; the record of each; and what all records are called.

    ``tensors`` are the kept steps' full tensors by the key that the trace gives each, ``known_as`` the names under
    which transformers returns a tensor, by its number.
    """

    steps: list[Step]
    tensors: dict[str, torch.Tensor]
    records: list[StepRecord]
    labels: list[str]
    known_as: dict[int, list[str]]


def assemble(tracer: Tracer, model: nn.Module, modules: Mapping[str, nn.Module], selection: Selection) -> Assembled:
    """Turn the tracer's records into the steps of the trace.

    Raises:
        UsageError: nothing that ran was selected.
    """
    records = tracer.recorder.records
    if not records:
        return Assembled(steps=[], tensors={}, records=[], labels=[], known_as={})
    _drop_what_only_built_the_mask(records)
    names = name_steps(records, activation=_activation(model), parameters=tracer.tensors.parameters)
    known_as = _known_as(records)
    own, total = _parameters(records, model)
    total_flops = [record.flops for record in records]
    for record in reversed(records):
        if record.parent is not None:
            total_flops[record.parent] += total_flops[record.id]
    keep = _keep(records, selection)
    new_ids = {old: number for number, old in enumerate(sorted(keep))}
    origins = _origins(records, keep)
    given = {seen.number: seen.name for seen in records[0].inputs}
    tensors: dict[str, torch.Tensor] = {}
    layers = {path: layer_of(path) for path in modules}
    wanted = {path: selection.wants(path) for path in modules}

    def out(record: StepRecord, seen: TensorRecord, keeps: bool) -> TensorOut:
        key = None
        if keeps and seen.number in tracer.kept.copies:
            key = f"{new_ids[record.id]}.{record.path + '.' if record.path else ''}{record.type}.{seen.name}"
            tensors[key] = tracer.kept.copies[seen.number]
        return TensorOut(
            name=seen.name,
            shape=list(seen.shape),
            dtype=seen.dtype,
            axes=names.axes.get(seen.number),
            stats=tracer.kept.stats.get(seen.number) if keeps else None,
            values=tracer.kept.values.get(seen.number) if keeps else None,
            tensor=key,
        )

    steps = [
        Step(
            id=new_ids[record.id],
            parent=None if record.parent is None else new_ids[record.parent],
            kind=record.kind,
            path=record.path,
            call=record.call,
            type=record.type,
            arguments=written(record.type, record.given, record.options)
            if record.kind == "op"
            else modules[record.path].extra_repr(),
            layer=layers[record.path],
            label=names.labels[record.id],
            inputs=[
                TensorIn(
                    name=seen.name,
                    from_=new_ids.get(origins.get((record.id, seen.number), -1)),
                    shape=list(seen.shape),
                    dtype=seen.dtype,
                    axes=names.axes.get(seen.number),
                    parameter=tracer.tensors.parameters.get(seen.number),
                    argument=given.get(seen.number),
                )
                for seen in record.inputs
            ],
            outputs=[out(record, seen, wanted[record.path]) for seen in record.outputs],
            parameters=own[record.id],
            flops=record.flops,
            total_parameters=total[record.id],
            total_flops=total_flops[record.id],
            known_as=[name for seen in record.outputs for name in known_as.get(seen.number, [])],
            source=source_of(record.line),
            no_op=record.no_op,
            seconds=record.seconds,
            failed=record.failed,
        )
        for record in records
        if record.id in keep
    ]
    chosen = [record for record in records if record.id in keep]
    return Assembled(steps=steps, tensors=tensors, records=chosen, labels=names.labels, known_as=known_as)


def _keep(records: Sequence[StepRecord], selection: Selection) -> set[int]:
    """Return the ids of the records to keep: what is selected and, of a forward that failed, always where it did."""
    failed = next((record for record in records if record.failed), None)
    try:
        keep = kept(records, selection)
    except UsageError:
        if failed is None:
            raise
        keep = set()
    above = None if failed is None else failed.id
    while above is not None:
        keep.add(above)
        above = records[above].parent
    return keep


def _drop_what_only_built_the_mask(records: Sequence[StepRecord]) -> None:
    """Leave a mask step the tensors that some other step received: the mask, or nothing where none was needed."""
    for mask in (record for record in records if record.mask):
        received = {seen.number for record in records if record is not mask for seen in record.inputs}
        mask.outputs = [seen for seen in mask.outputs if seen.number in received]


def _origins(records: Sequence[StepRecord], keep: set[int]) -> dict[tuple[int, int], int]:
    """Return, for each step and tensor that it received, the kept step that the tensor came from: the innermost one
    that returned it last, or that last changed the memory which it shares.
    """
    above: list[set[int]] = []
    returned: dict[int, list[StepRecord]] = {}
    origins: dict[tuple[int, int], int] = {}
    for record in records:
        above.append(set() if record.parent is None else above[record.parent] | {record.parent})
        for seen in (*record.outputs, *record.also_changed):
            returned.setdefault(seen.number, []).append(record)
    for record in records:
        for seen in record.inputs:
            # A module around this step has not returned yet when the step receives its inputs.
            before = [
                other
                for other in returned.get(seen.number, [])
                if other.id < record.id and other.id in keep and other.id not in above[record.id]
            ]
            if before:
                leaves = [other for other in before if other.leaf]
                origins[record.id, seen.number] = leaves[-1].id if leaves else before[-1].id
    return origins


def _known_as(records: Sequence[StepRecord]) -> dict[int, list[str]]:
    """Return the names under which transformers returns a tensor, by its number.

    ``hidden_states`` are what the first encoder layer receives and what each layer returns, ``attentions`` the second
    thing that each self-attention returns; the rest are the keys of the model's own outputs.
    """
    known: dict[int, list[str]] = {}

    def name(number: int, as_: str) -> None:
        names = known.setdefault(number, [])
        if as_ not in names:
            names.append(as_)

    modules = [record for record in records if record.kind == "module" and record.outputs]
    # In the order of the calls, as transformers collects them: one layer may be called twice.
    layers = [record for record in modules if re.search(r"encoder\.layer\.\d+$", record.path)]
    for place, record in enumerate(layers):
        if place == 0 and record.inputs:
            name(record.inputs[0].number, "hidden_states[0]")
        name(record.outputs[0].number, f"hidden_states[{place + 1}]")
    attentions = [record for record in modules if re.search(r"encoder\.layer\.\d+\.attention\.self$", record.path)]
    for place, record in enumerate(record for record in attentions if len(record.outputs) > 1):
        name(record.outputs[1].number, f"attentions[{place}]")
    for record in modules:
        for seen in record.outputs:
            if seen.name in ("last_hidden_state", "pooler_output", "logits", "loss"):
                name(seen.number, seen.name)
    return known


def _parameters(records: Sequence[StepRecord], model: nn.Module) -> tuple[list[int], list[int]]:
    """Return each step's own parameters, those counted in an earlier step left out, and all of its module's."""
    below: dict[str, dict[int, int]] = {}  # by path: the size of each parameter at or below it, by identity
    direct: dict[str, dict[int, int]] = {}
    for path, module in model.named_modules(remove_duplicate=False):
        sizes = {id(tensor): tensor.numel() for tensor in module._parameters.values() if tensor is not None}
        if sizes:
            direct[path] = sizes
            segments = path.split(".")
            for length in range(len(segments) + 1):
                below.setdefault(".".join(segments[:length]), {}).update(sizes)
    own, total = [0] * len(records), [0] * len(records)
    counted: set[int] = set()
    for record in records:
        if record.kind == "module":
            inside = below.get(record.path, {})
            # What is below a module of torch.nn is recorded in no other step.
            mine = inside if record.leaf else direct.get(record.path, {})
            own[record.id] = sum(size for key, size in mine.items() if key not in counted)
            counted.update(mine)
            total[record.id] = sum(inside.values())
    return own, total


def _activation(model: nn.Module) -> str:
    config: Any = model.config
    return config.hidden_act if isinstance(config.hidden_act, str) else getattr(config.hidden_act, "__name__", "?")
