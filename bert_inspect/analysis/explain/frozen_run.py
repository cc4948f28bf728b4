"""One forward of the frozen network and one backward: what a number that the model returned is made of."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from ...capture.editing.run import with_edits
from ...capture.model_inputs import model_inputs
from ...capture.outputs.returned import returned_tensors
from ...capture.tracing.editing import EditedStep, Place
from ...capture.tracing.hooks import exclusively
from ...capture.undisturbed import no_hook_stays, undisturbed
from ...errors import BertInspectError, UsageError
from ...families.heads import MULTIPLE_CHOICE
from ...loading.loaded import Loaded
from ...traces.record import Input
from ...traces.vocabulary import labels, roles
from .affine import NotAffine, check_affine
from .explanation import Bias, Total
from .frozen_network import FrozenNetwork, frozen
from .parts import Constant, Part
from .quantity import Quantity
from .target import quantities
from .totals import total
from .wanted import Wanted

_NO_STEPS: Mapping[Place, EditedStep] = {}


@dataclass(frozen=True, kw_only=True)
class FrozenRun:
    """What one forward and one backward of the frozen network found.

    Attributes:
        quantities: what is explained of each sentence.
        parts: what the sums are made of besides biases.
        gradients: of each part, None where nothing explained depends on it; like its tensor.
        hidden_states: those of `hidden_states[l]` that were asked for, each with its gradient and its place in the run.
        constants: the biases.
        frozen: what was held.
        values: the explained numbers, by quantity.
    """

    quantities: Sequence[Quantity]
    parts: Sequence[Part]
    gradients: Sequence[torch.Tensor | None]
    hidden_states: Sequence[tuple[torch.Tensor, torch.Tensor, int]]
    constants: Sequence[Constant]
    frozen: list[str]
    values: list[float]
    rounding: torch.Tensor
    loaded: Loaded

    def rows(self, quantity: Quantity) -> list[int]:
        """Return the rows of the batch that a number follows from: of choices that are compared, two."""
        rows = [quantity.row]
        if self.loaded.head is MULTIPLE_CHOICE and quantity.against is not None:
            rows.append(quantity.against[1])
        return rows

    @cached_property
    def _shares(self) -> list[list[float]]:
        """What each bias contributes to each row, read once for all cuts; empty where nothing depends on it."""
        return [constant.shares.tolist() if constant.found else [] for constant in self.constants]

    def biases_above(self, quantity: Quantity, order: int) -> float:
        """Return what all biases contribute to a number that were added after a place in the run."""
        rows, each = self.rows(quantity), zip(self.constants, self._shares, strict=True)
        return sum(shares[row] for constant, shares in each if constant.order > order and shares for row in rows)

    def biases(self, quantity: Quantity) -> list[Bias]:
        """Return what each bias contributes to a number."""
        rows, family = self.rows(quantity), self.loaded.family
        found: dict[tuple[str, int | None], list[float]] = {}
        of: dict[tuple[str, int | None], Constant] = {}
        for constant, shares in zip(self.constants, self._shares, strict=True):
            if shares:
                key = (constant.parameter or f"({constant.order})", constant.layer)
                found.setdefault(key, []).append(sum(shares[row] for row in rows))
                of[key] = constant
        return [
            Bias(
                label=constant.role or labels.CONSTANT,
                part=family.part(constant.parameter.rpartition(".")[0]) if constant.parameter else "",
                layer=constant.layer,
                share=sum(found[key]),
                parameter=constant.parameter,
            )
            for key, constant in of.items()
            if any(found[key])
        ]

    def tolerance(self, quantity: Quantity) -> float:
        """Return how far a sum may lie from the number by rounding alone."""
        return math.sqrt(float(self.rounding[self.rows(quantity)].sum()))

    def total(self, place: int, shares: Sequence[float]) -> Total:
        """Return what shares of the number at a place add up to, beside what the model returned."""
        return total(shares, self.values[place], self.tolerance(self.quantities[place]))


def run_frozen(
    loaded: Loaded,
    batch: Input,
    wanted: Wanted,
    *,
    direct: bool = False,
    hidden_states: bool = False,
    steps: Mapping[Place, EditedStep] = _NO_STEPS,
) -> FrozenRun:
    """Run a model over a batch as the frozen network, forward and backward.

    Args:
        loaded: the model; afterwards it is as it was, gradients and flags too.
        batch: the sentences.
        wanted: which number of each sentence.
        direct: follow residual sums and norms alone.
        hidden_states: tell of them too.
        steps: what is edited.

    Raises:
        UsageError: the number that was asked for is not there.
        BertInspectError: the model computes something that cannot be frozen.
    """
    rows = len(batch.input_ids)
    inputs = model_inputs(loaded, batch, labels=False)
    model = loaded.model
    if any(parameter.is_inference() for parameter in model.parameters()):
        raise UsageError(
            "the model's weights were made in torch.inference_mode(), so that nothing can be followed back through it",
            "load the model outside of it",
        )
    with exclusively(model), undisturbed(model), no_hook_stays(model), torch.inference_mode(False), torch.enable_grad():
        try:
            with frozen(loaded, rows, direct=direct) as network:
                given = with_edits(
                    loaded,
                    lambda: run_forward(model, inputs, hidden_states=hidden_states),
                    steps,
                    told=network.edited,
                )
            states = _hidden_states(given) if hidden_states else ()
            returned = returned_tensors(loaded.head, given)
            found = quantities(loaded, batch, returned, wanted)
            numbers = [quantity.of(returned) for quantity in found]
            objective = torch.stack([number.double() for number in numbers]).sum()
            _check_reached(network, objective)
            check_affine(objective)
            asked = [part.tensor for part in network.notes.parts]
            gradients = torch.autograd.grad(objective, [*asked, *states], allow_unused=True)
        except NotAffine as error:
            raise BertInspectError(
                f"this model's answer cannot be explained: it computes {error}",
                "bert-inspect run shows its steps, compare what depends on what",
            ) from error
    return FrozenRun(
        quantities=found,
        parts=network.notes.parts,
        gradients=gradients[: len(asked)],
        hidden_states=_with_gradients(network, states, gradients[len(asked) :]),
        constants=network.notes.constants,
        frozen=list(network.notes.frozen),
        values=[float(number.detach().double()) for number in numbers],
        rounding=network.notes.rounding,
        loaded=loaded,
    )


def run_forward(model: Any, inputs: Mapping[str, torch.Tensor], *, hidden_states: bool = False) -> Any:
    """Run a model's own forward.

    Raises:
        BertInspectError: it raises.
    """
    asked = {"output_hidden_states": True} if hidden_states else {}
    if hidden_states and not getattr(model.config, "return_dict", True):
        asked["return_dict"] = True  # in a tuple they have no names
    try:
        return model(**inputs, **asked)
    except NotAffine:
        raise
    except Exception as error:  # whatever a model's code raises
        raise BertInspectError(
            f"the model's own forward failed: {type(error).__name__}: {error}",
            "bert-inspect run shows where, and what it received there",
        ) from error


def _check_reached(network: FrozenNetwork, objective: torch.Tensor) -> None:
    """Hold that the words' own vectors are known, and that something leads from them to the number.

    Raises:
        NotAffine: it does not.
    """
    if all(part.role != roles.WORD_EMBEDDINGS for part in network.notes.parts):
        raise NotAffine("the vectors of its words otherwise than by the table that is known")
    if not objective.requires_grad:
        raise NotAffine("its answer where autograd does not see that it depends on the tokens")


def _hidden_states(returned: object) -> Sequence[torch.Tensor]:
    found = getattr(returned, "hidden_states", None)
    return found if isinstance(found, tuple) else ()


def _with_gradients(
    network: FrozenNetwork, states: Sequence[torch.Tensor], gradients: Sequence[torch.Tensor | None]
) -> list[tuple[torch.Tensor, torch.Tensor, int]]:
    return [
        (state.detach(), torch.zeros_like(state) if gradient is None else gradient, network.notes.order(state))
        for state, gradient in zip(states, gradients, strict=True)
    ]
