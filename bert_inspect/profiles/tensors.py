"""The tensors of a profile, each with the numbers that it shares with others."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..traces.vocabulary import known_as
from .record import Dimensions, Numbers, OutputProfile, Profile, StepProfile

_HIDDEN_STATE = re.compile(rf"{re.escape(known_as.HIDDEN_STATES)}\[(\d{{1,6}})\]")


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """A tensor that a step returned, with its numbers, wherever in the profile these stand. ``own`` says that they
    stand here, and ``made_as`` is the label of the step in which they do.
    """

    step: StepProfile
    output: OutputProfile
    at: int
    numbers: Numbers | None
    dimensions: Dimensions | None
    own: bool
    made_as: str

    @property
    def label(self) -> str:
        """What it is: by its own label, else by that of its step, else by what the code calls it."""
        return self.output.label or self.step.label or self.step.type


def tensors(profile: Profile) -> list[Tensor]:
    """Return the tensors of a profile, in the order in which its steps ran."""
    held = {(step.id, at): (step, output) for step in profile.steps for at, output in enumerate(step.outputs)}
    found = []
    for step in profile.steps:
        for at, output in enumerate(step.outputs):
            made, holder = step, output
            for _ in held:  # one after the other, and never in a circle
                if holder.same_as is None or holder.same_as not in held:
                    break
                made, holder = held[holder.same_as]
            found.append(
                Tensor(
                    step=step,
                    output=output,
                    at=at,
                    numbers=holder.numbers,
                    dimensions=holder.dimensions,
                    own=output.same_as is None or output.same_as not in held,
                    made_as=holder.label or made.label,
                )
            )
    return found


def hidden_states(profile: Profile) -> Iterator[tuple[int, Tensor]]:
    """Yield the hidden states whose numbers are there by dimension, each with its number: 0 is what the first layer
    receives, n what layer n - 1 returns.
    """
    found: dict[int, Tensor] = {}
    for tensor in tensors(profile):
        for name in tensor.output.known_as:
            match = _HIDDEN_STATE.fullmatch(name)
            if match and tensor.dimensions is not None:
                found.setdefault(int(match[1]), tensor)
    yield from sorted(found.items())
