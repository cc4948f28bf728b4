"""Which steps are wanted: by encoder layer, by path pattern, with or without ops."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from msgspec import structs

from ..errors import UsageError
from .lookup import modules_of, types_of
from .matching import matching, with_everything_below
from .record import Kind, Step, TensorOut, Trace

Level = Literal["module", "op"]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What the user wants to see. Empty ``layers`` or ``patterns`` mean: no filter of that kind.

    A pattern names modules as `matching` says, and selects them with everything below. With ``exact`` the patterns are
    paths, nothing below them is meant, and what is in no layer is wanted besides the layers.
    """

    layers: frozenset[int] = frozenset()
    patterns: tuple[str, ...] = ()
    level: Level = "op"
    exact: bool = False

    @classmethod
    def parse(cls, *, layer: str | None = None, module: Sequence[str] = (), level: Level = "op") -> "Selection":
        """Build from the command line's words.

        Raises:
            UsageError: the layer spec is not one.
        """
        layers = parse_layers(layer) if layer is not None else frozenset()
        return cls(layers=layers, patterns=tuple(pattern.strip() for pattern in module), level=level)

    @property
    def filters(self) -> bool:
        """Whether anything but the level is restricted."""
        return bool(self.layers or self.patterns)

    def of(self, modules: Mapping[str, str]) -> "Wanted":
        """Return what is wanted of a model; ``modules`` are the classes of its modules by their paths (empty: not
        known).

        Raises:
            UsageError: a pattern names no module; the message names the nearest that there are.
        """
        if not self.patterns:
            return Wanted(layers=self.layers, level=self.level)
        if self.exact:
            return Wanted(layers=self.layers, paths=frozenset(self.patterns), level=self.level, outside=True)
        found = [path for pattern in self.patterns for path in matching(pattern, modules)]
        return Wanted(layers=self.layers, paths=with_everything_below(found, modules), level=self.level)

    def described(self) -> dict[str, str]:
        """Return the active filters as the trace records them."""
        parts = {
            "layer": ",".join(str(layer) for layer in sorted(self.layers)),
            "module": ", ".join(self.patterns),
            "level": "module" if self.level == "module" else "",
        }
        return {name: value for name, value in parts.items() if value}

    def check_layers(self, count: int) -> None:
        """Refuse layers that a model of ``count`` encoder layers does not have.

        Raises:
            UsageError: names them, and the layers there are.
        """
        if missing := sorted(layer for layer in self.layers if layer >= count):
            names = ", ".join(str(layer) for layer in missing)
            there = f"layers 0 to {count - 1}" if count > 1 else "only layer 0" if count else "no layers"
            raise UsageError(
                f"there is no layer {names}: this model has {there}",
                "layers are counted from 0, as in the module paths" if count else None,
            )


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a selection comes to in one model: its layers (empty: all) and its modules (None: all). ``outside`` says
    that what is in no layer is wanted whatever the layers.
    """

    layers: frozenset[int] = frozenset()
    paths: frozenset[str] | None = None
    level: Level = "op"
    outside: bool = False

    def wants(self, path: str, layer: int | None) -> bool:
        """Whether the module at ``path``, called in this encoder layer (None: in none), and the ops in its forward are
        wanted.
        """
        within = not self.layers or layer in self.layers or (self.outside and layer is None)
        return within and (self.paths is None or path in self.paths)

    def check(self, places: Iterable[tuple[str, int | None]]) -> None:
        """Refuse layers and modules that exclude each other; ``places`` are all paths, each with a layer it is in.

        Raises:
            UsageError: there is no step that is in both.
        """
        if self.layers and self.paths is not None and not any(self.wants(path, layer) for path, layer in places):
            raise UsageError("the layers and the modules have no step in common", "a step has to match both")


def parse_layers(spec: str) -> frozenset[int]:
    """Parse ``3``, ``0,11`` or ``2-4`` (both ends included).

    Raises:
        UsageError: the spec is not of that form.
    """
    layers: set[int] = set()
    for part in spec.split(","):
        found = re.fullmatch(r"\s*(\d{1,6})(?:\s*-\s*(\d{1,6}))?\s*", part, re.ASCII)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if first > last:
            raise UsageError(f"{spec!r} does not name layers", 'write `layer=3`, `layer="0,11"` or `layer="2-4"`')
        layers.update(range(first, last + 1))
    return frozenset(layers)


class AnyStep(Protocol):
    """What selecting needs to know of a step, recorded or just noted down."""

    @property
    def id(self) -> int:
        """Its place in the order of steps."""

    @property
    def parent(self) -> int | None:
        """The id of the module step around it."""

    @property
    def kind(self) -> Kind:
        """Module or op."""

    @property
    def path(self) -> str:
        """The module's path."""

    @property
    def layer(self) -> int | None:
        """The encoder layer that it is in."""


def kept(steps: Sequence[AnyStep], wanted: Wanted) -> set[int]:
    """Return the ids of the steps that are wanted, and of the modules around them.

    Raises:
        UsageError: nothing matches; names the nearest paths.
    """
    keep: set[int] = set()
    for step in steps:
        if (step.kind == "module" or wanted.level == "op") and wanted.wants(step.path, step.layer):
            above: int | None = step.id
            while above is not None and above not in keep:
                keep.add(above)
                above = steps[above].parent
    if not keep and steps:
        raise UsageError(
            "what you selected was never called in this run",
            "'not_called' in the JSON, and bert-inspect model, list the modules that were not",
        )
    return keep


def narrowed(trace: Trace, selection: Selection) -> Trace:
    """Return the trace with only what the selection wants, as if it had been captured so.

    Raises:
        UsageError: nothing matches; names the nearest paths.
    """
    if not selection.filters and selection.level == "op":
        return trace
    modules = modules_of(trace)
    selection.check_layers(layer_count(trace))
    wanted = selection.of(types_of(modules))
    called = [(step.path, step.layer) for step in trace.steps]
    wanted.check([*called, *((path, modules[path].layer) for path in trace.not_called)])
    keep = kept(trace.steps, wanted)
    steps = [
        step
        if wanted.wants(step.path, step.layer)
        else structs.replace(step, outputs=[_bare(tensor) for tensor in step.outputs])
        for step in renumbered(trace.steps, keep)
    ]
    new: dict[int | None, int] = {old: number for number, old in enumerate(sorted(keep))}
    failure, proof = trace.failure, trace.proof
    if failure is not None:
        failure = structs.replace(failure, step=new.get(failure.step), last_good=new.get(failure.last_good))
    if proof is not None and proof.fault is not None:
        proof = structs.replace(proof, fault=structs.replace(proof.fault, step=new.get(proof.fault.step)))
    return structs.replace(
        trace,
        steps=steps,
        selection={**trace.selection, **selection.described()},
        failure=failure,
        proof=proof,
    )


def layer_count(trace: Trace) -> int:
    """Return how many encoder layers the model of a trace has."""
    seen = 1 + max((step.layer for step in trace.steps if step.layer is not None), default=-1)
    return max(seen, trace.model.sizes.layers or 0)


def _bare(tensor: TensorOut) -> TensorOut:
    """Return an output without what is kept of selected steps alone."""
    return structs.replace(tensor, stats=None, values=None, tensor=None)


def renumbered(steps: Sequence[Step], keep: set[int]) -> list[Step]:
    """Return the steps to keep with ids that count from 0; what came from a dropped step comes from outside."""
    new = {old: number for number, old in enumerate(sorted(keep))}
    return [
        structs.replace(
            step,
            id=new[step.id],
            parent=None if step.parent is None else new[step.parent],
            inputs=[
                structs.replace(tensor, from_=None if tensor.from_ is None else new.get(tensor.from_))
                for tensor in step.inputs
            ],
        )
        for step in steps
        if step.id in keep
    ]
