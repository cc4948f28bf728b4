"""The first divergent step with all that is known of it: what it received, what it gave, its module, its layer."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from ...diff import Comparison, Side, StepDiff
from ...families import family_of
from ...traces.record import Input, Model, Sizes, Step, TensorOut
from ...traces.vocabulary import roles


class Unknown(Exception):
    """Something that a suspect needs was not recorded, or is not there."""


@dataclass(frozen=True)
class Variant:
    """One way to compute a step: ``subject words`` says which, ``tensor`` is what it gives."""

    subject: str
    words: str
    tensor: torch.Tensor


class StepContext:
    """The first divergent step of A, and its partner in B."""

    def __init__(
        self, comparison: Comparison, first: StepDiff, model: nn.Module | None, other: nn.Module | None
    ) -> None:
        self._comparison = comparison
        self.side: Side = comparison.a
        self.step: Step = comparison.a.steps[first.a]
        self.partner: Step = comparison.b.steps[first.b]
        self.shape_b = first.shape_b or []
        self.model = model
        self.other_model = other

    @property
    def label(self) -> str:
        """What A's step is."""
        return self.step.label

    @property
    def batch(self) -> Input:
        """A's sentences."""
        return self.side.trace.input

    @property
    def batch_b(self) -> Input:
        """B's sentences."""
        return self._comparison.b.trace.input

    @property
    def sizes(self) -> Sizes:
        """The sizes of A's model."""
        return self.side.trace.model.sizes

    def config(self, key: str) -> Any:
        """Return a setting of A's configuration."""
        return self.side.trace.model.config.get(key)

    def activations(self) -> tuple[str, str]:
        """Return the names of the feed-forward activation in A's and in B's configuration."""
        one, other = self._models
        return family_of(one.family).activation_of(one.config), family_of(other.family).activation_of(other.config)

    def norm_eps_b(self) -> Any:
        """Return what B's configuration says is added to the variance in the norms."""
        other = self._models[1]
        return other.config.get(family_of(other.family).norm_eps)

    @property
    def _models(self) -> tuple[Model, Model]:
        return self.side.trace.model, self._comparison.b.trace.model

    @property
    def module(self) -> Any:
        """A's module, on the CPU's side of things or not.

        Raises:
            Unknown: no model is at hand, or it has no such module.
        """
        return self.submodule(self.step.path)

    def submodule(self, path: str) -> Any:
        """Return a module of A's model.

        Raises:
            Unknown: no model is at hand, or it has no such module.
        """
        if self.model is None:
            raise Unknown
        try:
            return self.model.get_submodule(path)
        except AttributeError as error:
            raise Unknown from error

    def path(self, role: str) -> str | None:
        """Return the path of A's module of a role, in the layer of the step if there is one for each layer; None where
        there is none.
        """
        if self.model is None:
            raise Unknown
        family, layer = family_of(self._models[0].family), self.step.layer
        paths = [path for path, _ in self.model.named_modules() if family.role(path) == role]
        here = (path for path in paths if family.layer_in_path(path) in (layer, None))
        return next(here, None)

    def parameter(self, path: str, name: str) -> torch.Tensor | None:
        """Return a module's parameter on the CPU, None where the module has it not."""
        return _parameter(self.submodule(path), name)

    def other_parameter(self, name: str) -> torch.Tensor | None:
        """Return a parameter of the partner's module on the CPU, None where B's model or module has it not."""
        modules = {} if self.other_model is None else dict(self.other_model.named_modules())
        return _parameter(modules.get(self.partner.path), name)

    def first_positions(self) -> tuple[int, int]:
        """Return the row of the position table that the first token has, in A and in B."""
        one, other = self._models
        return family_of(one.family).first_position(one.config), family_of(other.family).first_position(other.config)

    def received(self, place: int = 0) -> torch.Tensor:
        """Return what the step received.

        Raises:
            Unknown: it was not recorded.
        """
        return self._received(self.step, place)

    def received_by_module(self, role: str) -> torch.Tensor:
        """Return what the module of this role received in which the step ran, or that it is.

        Raises:
            Unknown: there is none, or it was not recorded.
        """
        step: Step | None = self.step
        while step is not None:
            if step.kind == "module" and step.role == role:
                return self._received(step, 0)
            step = None if step.parent is None else self.side.steps[step.parent]
        raise Unknown

    def _received(self, step: Step, place: int) -> torch.Tensor:
        if place >= len(step.inputs):
            raise Unknown
        tensor = step.inputs[place]
        if tensor.from_ is None:
            ids = getattr(self.batch, tensor.name if tensor.name != "input" else self._ids(step), None)
            if ids is None:
                raise Unknown
            return torch.tensor(ids)
        found = self.side.source(step, place)
        if found is None:
            raise Unknown
        return self._tensor(*found)

    def _ids(self, step: Step) -> str:
        """Return which of the model's inputs an embedding looks up."""
        return {roles.WORD_EMBEDDINGS: "input_ids", roles.TOKEN_TYPE_EMBEDDINGS: "token_type_ids"}.get(step.role, "")

    def nearest(self, label: str) -> torch.Tensor:
        """Return the output of the last step of this label before this one, in the same layer or in none.

        Raises:
            Unknown: there is none, or it was not recorded.
        """
        for step in reversed(self.side.steps[: self.step.id + 1]):
            if step.label == label and step.layer in (self.step.layer, None) and step.outputs:
                return self._tensor(step, step.outputs[0])
        raise Unknown

    def has(self, label: str) -> bool:
        """Whether A's layer has a step of this label that returned something."""
        return any(
            step.label == label and step.layer in (self.step.layer, None) and bool(step.outputs)
            for step in self.side.steps
        )

    def is_a(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor is what A's step gave."""
        return self._comparison.is_output(self.step.id, _numpy(tensor))

    def gap(self, tensor: torch.Tensor) -> tuple[float, bool]:
        """Return how far B's output is from a tensor, and whether that is noise."""
        return self._comparison.what_if(self.step.id, _numpy(tensor))

    def _tensor(self, step: Step, output: TensorOut) -> torch.Tensor:
        if not self.side.has_values(step, output):
            raise Unknown
        array = np.array(self.side.values(step, output))
        return torch.from_numpy(array).to(getattr(torch, output.dtype))


def _parameter(module: Any, name: str) -> torch.Tensor | None:
    found = getattr(module, name, None)
    return found.detach().cpu() if isinstance(found, torch.Tensor) else None


def _numpy(tensor: torch.Tensor) -> Any:
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor).numpy()
