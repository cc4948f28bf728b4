"""What a station asks of a trace: its steps by what they are, its sizes in words, the numbers that were kept."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..cells.names import Names
from ..cells.run_numbers import Numbers
from ..families import Family, family_of, heads
from ..traces.record import Step, Trace
from ..traces.vocabulary import known_as, labels, roles
from .station import Command, Station, Tensor

Array = Any


class Tour:
    """One sentence of a traced run, and one encoder layer of it that is walked through.

    ``row`` is the sentence, from 0; of multiple choice it is one of the choices. ``first`` is the layer, None where the
    trace has none.
    """

    def __init__(self, trace: Trace, numbers: Numbers, row: int, *, layer: int | None = None) -> None:
        self.trace = trace
        self.numbers = numbers
        self.row = row
        self.batch = trace.input
        self.names = Names(trace)
        self.layers = sorted({step.layer for step in trace.steps if step.layer is not None})
        self.first = layer if layer is not None else next(iter(self.layers), None)

    @property
    def family(self) -> Family:
        """The architecture."""
        return family_of(self.trace.model.family)

    @cached_property
    def _parents(self) -> set[int | None]:
        return {step.parent for step in self.trace.steps}

    def is_leaf(self, step: Step) -> bool:
        """Whether a step contains no others."""
        return step.id not in self._parents

    def steps(self, *wanted: str, part: str | None = None, layer: int | None = None) -> list[Step]:
        """Return the innermost steps with these labels, of one part of the model and of one layer, in the order in
        which they ran; a layer of None stands for those outside of layers.
        """
        return [
            step
            for step in self.trace.steps
            if step.label in wanted
            and step.layer == layer
            and (part is None or step.part == part)
            and self.is_leaf(step)
            and step.outputs
        ]

    def step(self, *wanted: str, part: str | None = None, layer: int | None = None) -> Step | None:
        """Return the first of `steps` that computed something, else the first of them."""
        found = self.steps(*wanted, part=part, layer=layer)
        return next((step for step in found if not step.no_op), next(iter(found), None))

    def in_layer(self, *wanted: str, part: str | None = None) -> Step | None:
        """Return the step with one of these labels in the layer that is walked through."""
        return None if self.first is None else self.step(*wanted, part=part, layer=self.first)

    def module(self, role: str, *, layer: int | None = None) -> Step | None:
        """Return the first module that plays a role."""
        return next(
            (step for step in self.trace.steps if step.kind == "module" and step.role == role and step.layer == layer),
            None,
        )

    def around(self, step: Step | None) -> int | None:
        """Return the module in whose forward a step ran, by its step."""
        return None if step is None else step.parent

    def station(
        self,
        step: Step,
        *,
        name: str,
        title: str,
        question: str,
        text: tuple[str, ...],
        steps: tuple[int, ...] = (),
        shown: tuple[Tensor, ...] = (),
        more: Command | None = None,
    ) -> Station:
        """Return the station of a step: what it returned is shown and one number of it told, in the diagram of the
        module in whose forward it ran, unless something else is named.
        """
        return Station(
            name=name,
            title=title,
            question=question,
            text=text,
            steps=steps or (step.id,),
            shown=shown or (Tensor(step=step.id),),
            told=Tensor(step=step.id),
            component=self.around(step),
            more=more or self.code(step),
        )

    def depth(self, module: int) -> int | None:
        """Return how many levels of a module its diagram opens: one of what holds the layers, else all."""
        return 1 if self.trace.steps[module].layer is None and self._holds_layers(module) else None

    def _holds_layers(self, module: int) -> bool:
        return any(module in self._above(step) for step in self.trace.steps if step.role == roles.LAYER)

    def _above(self, step: Step) -> Iterator[int]:
        while step.parent is not None:
            yield step.parent
            step = self.trace.steps[step.parent]

    def code(self, step: Step) -> Command:
        """Return the command that shows the source of the forward in which a step ran."""
        around = self.around(step)
        return Command(("source", self.trace.steps[around].path if around else step.path))

    def with_numbers(self, command: Command, *, otherwise: Command) -> Command:
        """Return a command that needs numbers, another where the model has none."""
        return otherwise if self.trace.model.weights == "none" else command

    def explained(self, *after: str, otherwise: Command) -> Command:
        """Return the command that explains the answer; another where there is no answer that says anything, or where a
        sentence has no mask that is filled in.
        """
        output, task = self.trace.output, self.trace.model.task
        masked = set() if output is None else {mask.sentence for mask in output.masks}
        unmasked = task == heads.MASKED_LM.task and len(masked) < len(self.batch.texts)
        if output is None or self.is_random or unmasked or task == heads.NO_HEAD.task:
            return otherwise
        return Command(("explain",), after)

    def known(self, name: str) -> Step | None:
        """Return the innermost step that made what transformers returns under a name."""
        held = [step for step in self.trace.steps if name in step.known_as and step.outputs]
        return next((step for step in held if self.is_leaf(step)), next(iter(held), None))

    def hidden_state(self, number: int) -> Step | None:
        """Return the outermost step that returned a hidden state, and nothing besides."""
        name = known_as.hidden_state(number)
        return next((step for step in self.trace.steps if name in step.known_as and len(step.outputs) == 1), None)

    def values(self, step: Step, place: int = 0) -> Array | None:
        """Return the numbers of a step's output; None where they are not at hand."""
        if place >= len(step.outputs) or not self.numbers.has(step, place):
            return None
        read = self.numbers.output(step, place)
        return np.asarray(read(tuple(slice(None) for _ in step.outputs[place].shape)))

    def size(self, name: str) -> int | None:
        """Return a size of the model, None where it states none."""
        found: int | None = getattr(self.trace.model.sizes, name)
        return found

    @property
    def head_size(self) -> int | None:
        """How many numbers a head works with."""
        hidden, heads = self.size("hidden"), self.size("heads")
        return None if not hidden or not heads else hidden // heads

    @cached_property
    def is_padded(self) -> bool:
        """Whether a sentence of the batch has padding."""
        return any(0 in seen for seen in self.batch.attention_mask)

    @property
    def is_random(self) -> bool:
        """Whether all weights were drawn at random."""
        return self.trace.model.weights == "random"

    @cached_property
    def activation(self) -> str:
        """The name of the activation in the feed-forward part: ``gelu``."""
        step = next(
            (
                step
                for step in self.trace.steps
                if step.layer == self.first and step.part == roles.FEED_FORWARD and labels.is_activation(step.label)
            ),
            None,
        )
        return "" if step is None else step.label.removesuffix(" activation")


def several(count: int, noun: str) -> str:
    """Return a number with its noun: ``1 token``, ``9 tokens``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def joined(words: Sequence[str]) -> str:
    """Return words as a sentence lists them: ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))
