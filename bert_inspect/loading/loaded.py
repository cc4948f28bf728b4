"""A model that is ready to run, and what is known of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from ..families import Family, family_of
from ..families.heads import SEQUENCE_CLASSIFICATION, Head
from ..traces.lookup import Module


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A model that is ready to run, and where it came from. ``unused`` names the tensors of its checkpoint that found
    no place in it, ``about`` says what a model is that the package carries. ``tokenizer`` names the tokens that a head
    for masks predicts, ``pooling`` the kinds by which sentence-transformers would make one vector of a sentence.
    """

    model: Any
    name: str
    source: Literal["builtin", "folder", "cache", "python"]
    weights: Literal["pretrained", "partial", "random", "none"]
    initialised: Sequence[str]
    seed: int
    unused: Sequence[str] = ()
    about: str = ""
    tokenizer: Any = None
    pooling: tuple[str, ...] = ()

    @cached_property
    def _family(self) -> Family:
        return family_of(self.model.config.model_type)

    @cached_property
    def family(self) -> Family:
        """What is known of its architecture, with its head."""
        return self._family.with_head(self.head)

    @cached_property
    def head(self) -> Head:
        """What is known of its head."""
        return (
            self._family.head_of_classes(kind.__name__ for kind in type(self.model).__mro__) or SEQUENCE_CLASSIFICATION
        )

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Its sizes, under the names that a trace gives them."""
        return self.family.sizes_of(vars(self.model.config))

    @property
    def most_tokens(self) -> int | None:
        """How many tokens a sentence may have; None where its positions set no limit."""
        return self.family.most_tokens(vars(self.model.config))

    @property
    def layers(self) -> int:
        """How many encoder layers it has."""
        return self.sizes.get("layers", 0)

    @property
    def initialised_body(self) -> list[str]:
        """The parameters drawn at random that do not belong to the head."""
        return list(filter(self.family.in_body, self.initialised))

    def modules(self) -> dict[str, Module]:
        """Return its modules by their paths."""
        layer = self.family.layer_in_path
        return {path: Module(type(each).__name__, layer(path)) for path, each in self.model.named_modules()}

    def module(self, role: str) -> Any:
        """Return the first module of a role, None where the model has none."""
        return next((module for path, module in self.model.named_modules() if self.family.role(path) == role), None)

    def path(self, role: str) -> str | None:
        """Return the path of the first module of a role, None where the model has none."""
        return next((path for path, _ in self.model.named_modules() if self.family.role(path) == role), None)
