"""A checkpoint that was found: where its files lie, and what its configuration says, checked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..families import Family
from ..families.heads import Head
from .builtin import Builtin
from .weights.fit import advice
from .weights.safetensors_files import FLOATS, WeightFile


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Where a model's configuration, tokenizer and weights lie. ``weights`` is what is to be loaded, decided, and so is
    the ``head``; ``draws_head`` says that it may be drawn at random where the checkpoint does not hold it.

    ``config`` holds what the family's configuration is to be given, checked; everything else is its default, which is
    transformers' own. ``pooling`` names how sentence-transformers would make one vector of a sentence.
    """

    name: str
    source: Literal["builtin", "folder", "cache"]
    family: Family
    head: Head
    draws_head: bool = True
    config: dict[str, Any]
    weights: Literal["pretrained", "random", "none"]
    folder: Path | None = None
    builtin: Builtin | None = None
    weight_files: tuple[WeightFile, ...] = ()
    pooling: tuple[str, ...] = ()
    about: str = ""
    """What the model is and is not, where the package carries it."""

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes that the configuration says, under the names that a trace gives them."""
        return self.family.sizes_of({**self.family.defaults, **self.config})

    @property
    def layers(self) -> int:
        """How many encoder layers the configuration says there are."""
        return self.sizes["layers"]

    @property
    def heads(self) -> int:
        """How many attention heads the configuration says a layer has."""
        return self.sizes["heads"]

    @property
    def positions(self) -> int | None:
        """How many tokens the configuration says a sentence may have; None where it sets no limit."""
        return self.family.most_tokens({**self.family.defaults, **self.config})

    @property
    def words(self) -> int:
        """How many word embeddings the configuration says there are."""
        return self.sizes["vocabulary"]

    @property
    def advice(self) -> str:
        """What to set in config.json so that it fits the weights, empty where it does."""
        return advice([tensor for file in self.weight_files for tensor in file.tensors], self.sizes, self.family)

    @property
    def labels(self) -> int:
        """How many classes the configuration says there are."""
        named = self.config.get("id2label")
        return int(self.config.get("num_labels", 2)) if named is None else len(named)

    @property
    def gives_several_labels(self) -> bool:
        """Whether a sentence may have several labels."""
        return self.config.get("problem_type") == "multi_label_classification"

    def label_names(self, num_labels: int | None = None) -> list[str]:
        """Return the names of the classes in their order; of so many where a classifier is drawn anew."""
        named = self.config.get("id2label")
        count = self.labels if num_labels is None else num_labels
        if not isinstance(named, dict) or len(named) != count:
            return [f"LABEL_{place}" for place in range(count)]
        return [str(named.get(place, f"LABEL_{place}")) for place in range(count)]

    @property
    def dtype(self) -> str:
        """The weights' precision: what the configuration says, else what the first of them has."""
        if "dtype" in self.config:
            return str(self.config["dtype"])
        kinds = (
            FLOATS[tensor.dtype] for file in self.weight_files for tensor in file.tensors if tensor.dtype in FLOATS
        )
        return next(kinds, "float32")
