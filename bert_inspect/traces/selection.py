"""Which steps are wanted: by encoder layer, by path pattern, with or without ops."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Literal, Protocol

from msgspec import structs

from ..errors import UsageError
from ..families import family_of
from .record import Kind, Step, TensorOut, Trace

Level = Literal["module", "op"]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What the user wants to see. Empty ``layers`` or ``patterns`` mean: no filter of that kind."""

    layers: frozenset[int] = frozenset()
    patterns: tuple[str, ...] = ()
    level: Level = "op"

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

    def wants(self, path: str, layer: int | None) -> bool:
        """Whether the module at ``path``, called in this encoder layer (None: in none), and the ops in its forward are
        wanted.
        """
        if self.layers and layer not in self.layers:
            return False
        return not self.patterns or any(matches(pattern, path) for pattern in self.patterns)

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

    def check_paths(self, modules: Iterable[tuple[str, int | None]]) -> None:
        """Refuse patterns that no module of the model matches; ``modules`` are paths, each with the layer it is in.

        Raises:
            UsageError: names the first such pattern and the nearest paths.
        """
        if not self.patterns:
            return
        known = list(dict.fromkeys(modules))
        for pattern in self.patterns:
            if not any(matches(pattern, path) for path, _ in known):
                raise no_such_module(pattern, list(dict.fromkeys(path for path, _ in known)))
        if self.layers and not any(self.wants(path, layer) for path, layer in known):
            raise UsageError("the layers and the modules have no step in common", "a step has to match both")


def no_such_module(pattern: str, known: Sequence[str]) -> UsageError:
    """Return the error for a path that the model does not have, with the nearest ones that it has."""
    near = near_paths(pattern, known)
    hint = "did you mean " + " or ".join(near) + "?" if near else "bert-inspect model lists the paths"
    if pattern and not any(sign in pattern for sign in "*?["):
        hint += f" (** stands for any number of segments: '**.{pattern}')" if "." not in pattern else ""
    return UsageError(f"no module matches {pattern!r}", hint)


def near_paths(pattern: str, known: Sequence[str], *, count: int = 3) -> list[str]:
    """Return the module paths most like ``pattern``: those that end alike first, then those spelled alike."""
    plain = re.sub(r"[*?\[\]]+\.?", "", pattern).strip(".")
    if not plain:
        return []
    ends = [path for path in known if path.endswith("." + plain)]
    if ends:
        return ends[:count]
    last = plain.rsplit(".", 1)[-1]
    near = difflib.get_close_matches(plain, known, n=count, cutoff=0.6)
    if near:
        return near
    names = {path.rsplit(".", 1)[-1] for path in known if path}
    alike = difflib.get_close_matches(last, sorted(names), n=1, cutoff=0.6)
    return [path for path in known if alike and path.rsplit(".", 1)[-1] == alike[0]][:count]


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


@lru_cache(maxsize=65536)
def matches(pattern: str, path: str) -> bool:
    """Whether a path pattern matches a module path: ``*``, ``?`` and ``[...]`` within a segment, ``**`` for any
    number of segments, none included. The root's path is empty and has no segments.
    """
    return _match(_segments(pattern), _segments(path))


def _segments(path: str) -> list[str]:
    return path.split(".") if path else []


def _match(patterns: list[str], segments: list[str]) -> bool:
    """Match segment by segment; where it goes wrong, the last ``**`` takes one more. No pattern takes longer than
    its length times the path's.
    """
    at = here = 0
    stars, taken = -1, 0
    while here < len(segments):
        if at < len(patterns) and patterns[at] == "**":
            stars, taken = at, here
            at += 1
        elif at < len(patterns) and fnmatchcase(segments[here], patterns[at]):
            at += 1
            here += 1
        elif stars >= 0:
            taken += 1
            at, here = stars + 1, taken
        else:
            return False
    return all(pattern == "**" for pattern in patterns[at:])


def kept(steps: Sequence[AnyStep], selection: Selection) -> set[int]:
    """Return the ids of the steps that the selection wants, and of the modules around them.

    Raises:
        UsageError: nothing matches; names the nearest paths.
    """
    keep: set[int] = set()
    for step in steps:
        if (step.kind == "module" or selection.level == "op") and selection.wants(step.path, step.layer):
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
    called = [(step.path, step.layer) for step in trace.steps]
    selection.check_layers(layer_count(trace))
    family = family_of(trace.model.family)
    selection.check_paths([*called, *((path, family.layer_in_path(path)) for path in trace.not_called)])
    keep = kept(trace.steps, selection)
    steps = [
        step
        if selection.wants(step.path, step.layer)
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
