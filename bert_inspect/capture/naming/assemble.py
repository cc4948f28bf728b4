"""From the tracer's notes to the steps of the trace: names, origins, totals, and only what was selected."""

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
from ..tracing.step_record import Note, Seen
from ..tracing.tracer import Tracer
from .labels import name_steps


@dataclass(frozen=True, kw_only=True)
class Assembled:
    """The steps that the selection keeps, numbered from 0; the note of each; and what all notes are called.

    ``tensors`` are the kept steps' full tensors by the key that the trace gives each, ``known_as`` the names under
    which transformers returns a tensor, by its number.
    """

    steps: list[Step]
    tensors: dict[str, torch.Tensor]
    notes: list[Note]
    labels: list[str]
    known_as: dict[int, list[str]]


def assemble(tracer: Tracer, model: nn.Module, modules: Mapping[str, nn.Module], selection: Selection) -> Assembled:
    """Turn the tracer's notes into the steps of the trace.

    Raises:
        UsageError: nothing that ran was selected.
    """
    notes = tracer.scribe.notes
    if not notes:
        return Assembled(steps=[], tensors={}, notes=[], labels=[], known_as={})
    _drop_what_only_built_the_mask(notes)
    names = name_steps(notes, activation=_activation(model), parameters=tracer.tensors.parameters)
    known_as = _known_as(notes)
    own, total = _parameters(notes, model)
    total_flops = [note.flops for note in notes]
    for note in reversed(notes):
        if note.parent is not None:
            total_flops[note.parent] += total_flops[note.id]
    keep = _keep(notes, selection)
    new_ids = {old: number for number, old in enumerate(sorted(keep))}
    origins = _origins(notes, keep)
    given = {seen.number: seen.name for seen in notes[0].inputs}
    tensors: dict[str, torch.Tensor] = {}
    layers = {path: layer_of(path) for path in modules}
    wanted = {path: selection.wants(path) for path in modules}

    def out(note: Note, seen: Seen, keeps: bool) -> TensorOut:
        key = None
        if keeps and seen.number in tracer.kept.copies:
            key = f"{new_ids[note.id]}.{note.path + '.' if note.path else ''}{note.type}.{seen.name}"
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
            id=new_ids[note.id],
            parent=None if note.parent is None else new_ids[note.parent],
            kind=note.kind,
            path=note.path,
            call=note.call,
            type=note.type,
            arguments=written(note.type, note.given, note.options)
            if note.kind == "op"
            else modules[note.path].extra_repr(),
            layer=layers[note.path],
            label=names.labels[note.id],
            inputs=[
                TensorIn(
                    name=seen.name,
                    from_=new_ids.get(origins.get((note.id, seen.number), -1)),
                    shape=list(seen.shape),
                    dtype=seen.dtype,
                    axes=names.axes.get(seen.number),
                    parameter=tracer.tensors.parameters.get(seen.number),
                    argument=given.get(seen.number),
                )
                for seen in note.inputs
            ],
            outputs=[out(note, seen, wanted[note.path]) for seen in note.outputs],
            parameters=own[note.id],
            flops=note.flops,
            total_parameters=total[note.id],
            total_flops=total_flops[note.id],
            known_as=[name for seen in note.outputs for name in known_as.get(seen.number, [])],
            source=source_of(note.line),
            no_op=note.no_op,
            seconds=note.seconds,
            failed=note.failed,
        )
        for note in notes
        if note.id in keep
    ]
    chosen = [note for note in notes if note.id in keep]
    return Assembled(steps=steps, tensors=tensors, notes=chosen, labels=names.labels, known_as=known_as)


def _keep(notes: Sequence[Note], selection: Selection) -> set[int]:
    """Return the ids of the notes to keep: what is selected and, of a forward that failed, always where it did."""
    failed = next((note for note in notes if note.failed), None)
    try:
        keep = kept(notes, selection)
    except UsageError:
        if failed is None:
            raise
        keep = set()
    above = None if failed is None else failed.id
    while above is not None:
        keep.add(above)
        above = notes[above].parent
    return keep


def _drop_what_only_built_the_mask(notes: Sequence[Note]) -> None:
    """Leave a mask step the tensors that some other step received: the mask, or nothing where none was needed."""
    for mask in (note for note in notes if note.mask):
        received = {seen.number for note in notes if note is not mask for seen in note.inputs}
        mask.outputs = [seen for seen in mask.outputs if seen.number in received]


def _origins(notes: Sequence[Note], keep: set[int]) -> dict[tuple[int, int], int]:
    """Return, for each step and tensor that it received, the kept step that the tensor came from: the innermost one
    that returned it last, or that last changed the memory which it shares.
    """
    above: list[set[int]] = []
    returned: dict[int, list[Note]] = {}
    origins: dict[tuple[int, int], int] = {}
    for note in notes:
        above.append(set() if note.parent is None else above[note.parent] | {note.parent})
        for seen in (*note.outputs, *note.also_changed):
            returned.setdefault(seen.number, []).append(note)
    for note in notes:
        for seen in note.inputs:
            # A module around this step has not returned yet when the step receives its inputs.
            before = [
                other
                for other in returned.get(seen.number, [])
                if other.id < note.id and other.id in keep and other.id not in above[note.id]
            ]
            if before:
                leaves = [other for other in before if other.leaf]
                origins[note.id, seen.number] = leaves[-1].id if leaves else before[-1].id
    return origins


def _known_as(notes: Sequence[Note]) -> dict[int, list[str]]:
    """Return the names under which transformers returns a tensor, by its number.

    ``hidden_states`` are what the first encoder layer receives and what each layer returns, ``attentions`` the second
    thing that each self-attention returns; the rest are the keys of the model's own outputs.
    """
    known: dict[int, list[str]] = {}

    def name(number: int, as_: str) -> None:
        names = known.setdefault(number, [])
        if as_ not in names:
            names.append(as_)

    modules = [note for note in notes if note.kind == "module" and note.outputs]
    # In the order of the calls, as transformers collects them: one layer may be called twice.
    layers = [note for note in modules if re.search(r"encoder\.layer\.\d+$", note.path)]
    for place, note in enumerate(layers):
        if place == 0 and note.inputs:
            name(note.inputs[0].number, "hidden_states[0]")
        name(note.outputs[0].number, f"hidden_states[{place + 1}]")
    attentions = [note for note in modules if re.search(r"encoder\.layer\.\d+\.attention\.self$", note.path)]
    for place, note in enumerate(note for note in attentions if len(note.outputs) > 1):
        name(note.outputs[1].number, f"attentions[{place}]")
    for note in modules:
        for seen in note.outputs:
            if seen.name in ("last_hidden_state", "pooler_output", "logits", "loss"):
                name(seen.number, seen.name)
    return known


def _parameters(notes: Sequence[Note], model: nn.Module) -> tuple[list[int], list[int]]:
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
    own, total = [0] * len(notes), [0] * len(notes)
    counted: set[int] = set()
    for note in notes:
        if note.kind == "module":
            inside = below.get(note.path, {})
            # What is below a module of torch.nn is recorded in no other step.
            mine = inside if note.leaf else direct.get(note.path, {})
            own[note.id] = sum(size for key, size in mine.items() if key not in counted)
            counted.update(mine)
            total[note.id] = sum(inside.values())
    return own, total


def _activation(model: nn.Module) -> str:
    config: Any = model.config
    return config.hidden_act if isinstance(config.hidden_act, str) else getattr(config.hidden_act, "__name__", "?")
