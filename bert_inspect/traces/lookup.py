"""From the words for a module, as people write them, to its path."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..errors import UsageError
from ..families import family_of
from .matching import matching
from .record import Model, Step, TensorIn, TensorOut, Trace


class Module(NamedTuple):
    """A module's class (empty: not known), and the encoder layer that it is in."""

    type: str
    layer: int | None


def find_module(wanted: str, modules: Mapping[str, Module]) -> tuple[str, str | None]:
    """Return the path of the module that is meant and, where it was not given in full, a note that says which.

    ``wanted`` is what `matching` understands: a path, a pattern, the end of a path or a class. Of modules that differ
    only in their layer the first is taken.

    Args:
        wanted: the user's words.
        modules: the modules by their paths, in the model's order.

    Raises:
        UsageError: no module is meant, or several that differ in more than their layer.
    """
    if wanted in modules:
        return wanted, None
    found = matching(wanted, types_of(modules))
    kinds = {without_layer(path, modules[path].layer): path for path in reversed(found)}
    if len(kinds) > 1:
        several = list(kinds.values())[::-1]
        names = ", ".join(path or modules[path].type for path in several[:3]) + (", ..." if len(several) > 3 else "")
        raise UsageError(f"{wanted!r} may be several modules", f"name one of {names}")
    others = f", the first of {len(found)}" if len(found) > 1 else ""
    return found[0], f"{wanted} is {found[0] or modules[found[0]].type}{others}"


def types_of(modules: Mapping[str, Module]) -> dict[str, str]:
    """Return the classes of modules by their paths."""
    return {path: module.type for path, module in modules.items()}


def without_layer(path: str, layer: int | None) -> str:
    """Return a path without the number of its layer: what modules that differ only in their layer have in common."""
    segments = path.split(".")
    if layer is not None and str(layer) in segments:
        segments.remove(str(layer))
    return ".".join(segments)


def modules_of(trace: Trace) -> dict[str, Module]:
    """Return the modules of a trace by their paths; of one that was never called the class is not known."""
    family = family_of(trace.model.family)
    called = {step.path: Module(step.type, step.layer) for step in trace.steps if step.kind == "module"}
    return called | {path: Module("", family.layer_in_path(path)) for path in trace.not_called}


def origin(steps: Sequence[Step], tensor: TensorIn) -> tuple[Step, TensorOut] | None:
    """Return the step that a tensor came from, and which of its outputs it is: the first that is like it. None where
    the tensor came from outside of the steps.
    """
    if tensor.from_ is None:
        return None
    source = steps[tensor.from_]
    alike = (out for out in source.outputs if out.shape == tensor.shape and out.dtype == tensor.dtype)
    output = next(alike, next(iter(source.outputs), None))
    return None if output is None else (source, output)


def first_call(trace: Trace, path: str) -> Step:
    """Return the step of a module's first call.

    Raises:
        UsageError: it was never called.
    """
    for step in trace.steps:
        if step.kind == "module" and step.path == path:
            return step
    raise UsageError(
        f"{path} was never called in this run",
        "'not_called' in the JSON lists the modules that were not",
    )


def gives_several_labels(model: Model) -> bool:
    """Whether a sentence may have several labels, each with a probability of its own."""
    return model.config.get("problem_type") == "multi_label_classification"


def class_name(model: Model, place: int) -> str:
    """Return the name of one of a model's classes, as its configuration has it; ``LABEL_0`` where it names none."""
    named = model.config.get("id2label")
    default = f"LABEL_{place}"
    return str(named.get(str(place), default)) if isinstance(named, dict) else default
