"""From the user's words for a step to the step: a label, a path, a known name, or where in the model with a label."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from ..errors import UsageError
from ..traces.lookup import Module, find_module, modules_of, without_layer
from ..traces.record import Step, Trace
from ..traces.selection import layer_count
from ..traces.vocabulary import known_as, labels

PROBABILITIES = "probabilities"
"""The softmax of what the model answers, which is no step of it."""
_PROBABILITY = (PROBABILITIES, "probability", "final softmax")


@dataclass(frozen=True, kw_only=True)
class Found:
    """A step, and which of its outputs is meant; a note says what was taken where several may be meant. The final
    softmax is of the step's output.
    """

    step: Step
    place: int = 0
    note: str | None = None
    probabilities: bool = False


def find_step(trace: Trace, wanted: str, *, layer: int | None = None) -> Found:
    """Return the step that is meant.

    Raises:
        UsageError: none is, or several that differ in more than their layer; or there is no such layer.
    """
    words = " ".join(wanted.split())
    count = layer_count(trace)
    if layer is not None and layer >= count:
        there = f"layers 0 to {count - 1}" if count > 1 else "only layer 0" if count else "no layers"
        raise UsageError(f"there is no layer {layer}: this model has {there}", "layers are counted from 0")
    if re.fullmatch(r"#\d{1,9}", words):
        return _by_number(trace, int(words[1:]))
    if words.casefold() in _PROBABILITY:
        return _probabilities(trace)
    search = _Search(trace, layer)
    found = search.known(words) or search.labelled(words, within=None)
    if found is None and ":" in words:
        path, _, label = words.rpartition(":")
        found = search.labelled(label.strip(), within=path.strip())
        if found is None:
            raise UsageError(f"no step in {path.strip()!r} is called {label.strip()!r}", search.labels_in(path.strip()))
    return found or search.module(words)


def _by_number(trace: Trace, number: int) -> Found:
    if number >= len(trace.steps):
        raise UsageError(f"there is no step {number}", f"the steps are #0 to #{len(trace.steps) - 1}")
    return Found(step=trace.steps[number])


def _probabilities(trace: Trace) -> Found:
    """Return the step that made the logits of the answer."""
    for name in (known_as.LOGITS, known_as.PREDICTION_LOGITS, known_as.START_LOGITS):
        held = [step for step in trace.steps if name in step.known_as]
        if held:
            root = trace.steps[0]
            place = next((at for at, output in enumerate(root.outputs) if output.name == name), None)
            return (
                Found(step=root, place=place, probabilities=True)
                if place is not None
                else Found(step=held[-1], probabilities=True)
            )
    raise UsageError("this model returns no logits, so there are no probabilities", "bert-inspect run shows its steps")


def _called(step: Step, label: str) -> str:
    """Return words that mean a step of a label, whatever its layer."""
    segments = step.path.split(".")
    if step.layer is not None and str(step.layer) in segments:
        at = segments.index(str(step.layer))
        segments = [*segments[max(at - 1, 0) : at], "*", *segments[at + 1 :]]
    path = ".".join(segments)
    return f'"{path}"' if step.kind == "module" else f'"{path}:{label}"'


class _Search:
    """Looks for a step in one trace, in one layer where that is named."""

    def __init__(self, trace: Trace, layer: int | None) -> None:
        self.trace = trace
        self.layer = layer
        self._parents = {step.parent for step in trace.steps}

    def known(self, words: str) -> Found | None:
        """Return the step that made what transformers returns under a name."""
        held = [step for step in self.trace.steps if words in step.known_as]
        if not held:
            start = words.partition("[")[0]
            names = sorted(
                {name for step in self.trace.steps for name in step.known_as if name.startswith(start + "[")},
                key=lambda name: (len(name), name),
            )
            if "[" in words and names:
                raise UsageError(f"there is no {words}", f"there are {names[0]} to {names[-1]}")
            return None
        leaves = [step for step in held if step.id not in self._parents and step.outputs]
        made = [step for step in leaves if not step.no_op]
        step = next(iter(made or leaves or held))
        if self.layer is not None and step.layer != self.layer:
            raise UsageError(f"{words} is not in layer {self.layer}", "leave --layer out")
        called = words.replace("_", " ")
        place = next((at for at, output in enumerate(step.outputs) if called in (output.label, output.name)), 0)
        return Found(step=step, place=next((at for at, out in enumerate(step.outputs) if out.name == words), place))

    def labelled(self, words: str, within: str | None) -> Found | None:
        """Return the step of a label, perhaps in a module alone."""
        label = words.casefold()
        held = [
            (step, place)
            for step in self.trace.steps
            for place, output in enumerate(step.outputs)
            if (output.label or step.label).casefold() == label and (place == 0 or output.label)
        ]
        if within is not None:
            path, _ = find_module(within, self._modules())
            held = [(step, place) for step, place in held if self._is_in(step, path)]
        if not held:
            if within is None and any(step.label.casefold() == label and not step.outputs for step in self.trace.steps):
                raise UsageError(f"{words} returned no tensor in this run: nothing needed it", "name another step")
            return None
        layers = list(dict.fromkeys(step.layer for step, _ in held))
        if self.layer is not None:
            held = [(step, place) for step, place in held if step.layer == self.layer]
            if not held:
                there = ", ".join(str(layer) for layer in layers if layer is not None)
                hint = f"it is in layers {there}" if there else "it is in no layer: leave --layer out"
                raise UsageError(f"there is no {words} in layer {self.layer}", hint)
        leaves = [(step, place) for step, place in held if step.id not in self._parents]
        made = [(step, place) for step, place in leaves if not step.no_op]
        return self._one(words, made or leaves or held, layers)

    def _one(self, words: str, held: Sequence[tuple[Step, int]], layers: Sequence[int | None]) -> Found:
        first = held[0][0]
        kinds = {without_layer(step.path, step.layer): step for step, _ in reversed(held)}
        if len(kinds) > 1:
            several = [_called(step, words) for step in kinds.values()][::-1]
            names = ", ".join(several[:4]) + (", ..." if len(several) > 4 else "")
            raise UsageError(f"{words!r} may be several steps", f"name one of {names}")
        note = None
        if self.layer is None and len({step.layer for step, _ in held}) > 1:
            note = f"{words} is in {len(layers)} layers, this is layer {first.layer}: --layer names another"
        elif len(held) > 1 and len({step.call for step, _ in held}) > 1:
            note = f"{words} is made {len(held)} times, this is the first"
        return Found(step=first, place=held[0][1], note=note)

    def module(self, words: str) -> Found:
        """Return the step of a module's first call, in the layer that is asked for.

        Raises:
            UsageError: no module is meant.
        """
        modules = self._modules()
        try:
            path, note = find_module(words, modules)
        except UsageError as error:
            if error.message.startswith("no module") and "." not in words:
                raise UsageError(f"no step is called {words!r}", self._why_not(words) or self._near(words)) from error
            raise
        called = [step for step in self.trace.steps if step.kind == "module" and step.path == path]
        steps = [step for step in called if self.layer is None or step.layer == self.layer]
        if not steps:
            why = "was never called in this run" if not called else f"is not in layer {self.layer}"
            raise UsageError(f"{path} {why}", "bert-inspect run shows the steps")
        if not steps[0].outputs:
            raise UsageError(f"{path} returned no tensor", "name a step inside it")
        return Found(step=steps[0], note=note)

    def _modules(self) -> dict[str, Module]:
        modules = modules_of(self.trace)
        if self.layer is None:
            return modules
        paths = {step.path for step in self.trace.steps if step.layer == self.layer}
        inside = {path: module for path, module in modules.items() if path in paths}
        return inside or modules

    def _is_in(self, step: Step, path: str) -> bool:
        return step.path == path or not path or step.path.startswith(path + ".")

    def labels_in(self, path: str) -> str:
        """Return what the steps in a module are called."""
        found, _ = find_module(path, self._modules())
        names = list(dict.fromkeys(step.label for step in self.trace.steps if self._is_in(step, found)))
        return f"there are {', '.join(names[:12])}{' ...' if len(names) > 12 else ''}"

    def _why_not(self, words: str) -> str | None:
        """Return why a step that other runs have is not in this one, and how it would be."""
        if words.casefold() == known_as.LOSS:
            return "there is a loss only with labels: `labels`"
        if self.trace.steps and words in {tensor.name for tensor in self.trace.steps[0].inputs}:
            return f"{words} is what the model was given, which no step made: bert-inspect tokens shows it"
        of_attention = (labels.ATTENTION_SCORES, labels.ATTENTION_PROBABILITIES, labels.CONTEXT, labels.KEY_TRANSPOSED)
        fused = any(step.label == labels.FUSED_ATTENTION for step in self.trace.steps)
        if fused and (words.casefold().endswith(of_attention) or words.startswith(known_as.ATTENTIONS)):
            return f'{labels.FUSED_ATTENTION} is all of it in one step here: `attention="eager"` shows the steps'
        return None

    def _near(self, words: str) -> str:
        steps = self.trace.steps
        known = {name for step in steps for name in step.known_as}
        names = (
            {step.label for step in steps}
            | {out.label for step in steps for out in step.outputs}
            | known
            | {PROBABILITIES}
        )
        lower = {name.casefold(): name for name in sorted(names - {""})}
        near = [lower[name] for name in get_close_matches(words.casefold(), list(lower), n=3, cutoff=0.6)]
        if near:
            return "did you mean " + " or ".join(near) + "?"
        return "a step is named by its label, its path or its name in transformers: bert-inspect run shows them"
