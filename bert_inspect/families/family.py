"""What a family is: how an architecture names its modules, sizes and inputs, as data with a few plain look-ups."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ..traces.vocabulary import roles
from .heads import COMMON, Head
from .settings import Setting


@dataclass(frozen=True, kw_only=True, eq=False)
class Family:
    """One architecture.

    Attributes:
        model_type: the ``model_type`` of its configurations.
        name: what people call it.
        modules: the role of a module by the end of its path; the longest end that is listed decides, and ``*`` stands
            for a number.
        sizes: the configuration's key for each of a trace's `Sizes`.
        settings: what its configurations may say, by their keys.
        defaults: what transformers takes where they do not say it, of what is asked for before transformers is loaded.
        activation: the configuration's key for the activation of the feed-forward part.
        head_activation: likewise for that of the head, where it is another key.
        parts: the part of the model that a module belongs to, by the end of its path, where neither its role nor what
            is around it says so: the norms that stand before attention and feed-forward part.
        attentions: the implementations of attention that transformers has for it.
        returns_probabilities: its self-attention returns the probabilities that it computes, without being asked.
        tensors: what a parameter or a buffer is, by the end of its name, where other steps than its own module work on
            it.
        norm_eps: likewise for what is added to the variance in the norms.
        inputs: what its forward takes, by the names that tokenizers give them.
        position_buffer: the buffer that holds the positions, where there is one.
        prefix: how the names of its classes begin: ``Bert`` of ``BertForMaskedLM``.
        body: the attribute of a model with a head that holds the body.
        body_parts: the modules that the body itself holds; a model without a head has them at its top.
        heads: the heads that transformers has for it.
        tree: the paths of all modules of a model with a head for sequence classification, in its order; ``*`` stands
            for the number of a layer.
        shares_layer: one module is called for every layer: the layer is the number of the call, not of the path.
        source: the folder of transformers that implements it.
    """

    model_type: str
    name: str
    modules: Mapping[str, str]
    sizes: Mapping[str, str]
    activation: str
    norm_eps: str
    inputs: tuple[str, ...]
    source: str
    settings: Mapping[str, Setting] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = ""
    body: str = ""
    body_parts: tuple[str, ...] = ("embeddings", "encoder", "pooler")
    heads: tuple[Head, ...] = COMMON
    position_buffer: str = ""
    head_activation: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    attentions: tuple[str, ...] = ("eager", "sdpa")
    returns_probabilities: bool = True
    tensors: Mapping[str, str] = field(default_factory=dict)
    tree: tuple[str, ...] = ()
    shares_layer: bool = False

    @lru_cache(maxsize=4096)  # noqa: B019 - families are constants
    def role(self, path: str) -> str:
        """Return what the module at a path is, empty where the architecture has no such module."""
        return self._roles_along(path)[-1]

    @lru_cache(maxsize=4096)  # noqa: B019
    def part(self, path: str) -> str:
        """Return the part of the model that the module at a path belongs to, empty for the whole model or body."""
        if not self.in_body(path):
            return roles.HEAD
        part = ""
        for role in self._roles_along(path)[1:]:
            part = roles.PARTS.get(role, part)
        return next((own for end, own in self.parts.items() if f".{path}".endswith(f".{end}")), part)

    def in_body(self, path: str) -> bool:
        """Whether a module or a parameter belongs to the body, or is around it, by its path; else to the head."""
        first = path.partition(".")[0]
        return first in ("", self.body) or first in self.body_parts

    def _roles_along(self, path: str) -> list[str]:
        """Return the roles of the model and of each module on the way to the one at a path, that one last."""
        found = [self.modules.get("", "")]
        segments = [_NUMBER.sub("*", segment) for segment in path.split(".")] if path else []
        longest = max(end.count(".") + 1 for end in self.modules)
        for end in range(1, len(segments) + 1):
            ends = (".".join(segments[start:end]) for start in range(max(0, end - longest), end))
            found.append(next((self.modules[each] for each in ends if each in self.modules), ""))
        return found

    def head(self, task: str) -> Head | None:
        """Return the head for a task, None where the family has none."""
        return next((head for head in self.heads if head.task == task), None)

    def head_of_classes(self, names: Iterable[str]) -> Head | None:
        """Return the head of a model by the name of its class, or of a class that it inherits from; None where it is
        not one of the family's.
        """
        known = {self.prefix + head.suffix: head for head in self.heads}
        return next((known[name] for name in names if name in known), None)

    @property
    def modeling(self) -> str:
        """The module of transformers that defines its classes."""
        folder = self.source.replace("/", ".")
        return f"transformers.{folder}.modeling_{folder.rpartition('.')[2]}"

    @lru_cache(maxsize=4096)  # noqa: B019
    def layer_in_path(self, path: str) -> int | None:
        """Return the number of the encoder layer that a path names, None where it names none."""
        found = self._layer.search(path)
        return int(found[1]) if found else None

    @property
    def _layer(self) -> re.Pattern[str]:
        end = next(end for end, role in self.modules.items() if role == roles.LAYER)
        return _numbered(end)

    def layers_of(self, path: str, count: int) -> list[int | None]:
        """Return the encoder layers, of so many, in which the module at a path may be called; None stands for none."""
        if not self.shares_layer:
            return [self.layer_in_path(path)]
        return list(range(count)) if roles.LAYER in self._roles_along(path) else [None]

    def paths(self, layers: int) -> list[str]:
        """Return the paths of the modules of a model with so many encoder layers, in its order."""
        numbered = [path for path in self.tree if "*" in path.split(".")]
        first = self.tree.index(numbered[0]) if numbered else len(self.tree)
        inside = [path.replace("*", str(layer)) for layer in range(layers) for path in numbered]
        return [*self.tree[:first], *inside, *self.tree[first + len(numbered) :]]

    def sizes_of(self, config: Mapping[str, Any]) -> dict[str, int]:
        """Return the sizes that a configuration states, under the names that a trace gives them."""
        found = {name: config.get(key) for name, key in self.sizes.items()}
        return {name: size for name, size in found.items() if isinstance(size, int) and not isinstance(size, bool)}

    def activation_of(self, config: Mapping[str, Any]) -> str:
        """Return the name of the feed-forward activation that a configuration states."""
        return _name_of(config.get(self.activation))

    def head_activation_of(self, config: Mapping[str, Any]) -> str:
        """Return the name of the head's activation where a configuration states one for it, else an empty one."""
        return _name_of(config.get(self.head_activation)) if self.head_activation else ""


def _name_of(activation: Any) -> str:
    return activation if isinstance(activation, str) else getattr(activation, "__name__", "?")


_NUMBER = re.compile(r"^\d+$", re.ASCII)


@lru_cache
def _numbered(end: str) -> re.Pattern[str]:
    r"""Return what finds the number in the place of ``*``: ``layer.*`` finds 3 in ``bert.encoder.layer.3.output``."""
    return re.compile(r"(?:^|\.)" + re.escape(end).replace(r"\*", r"(\d{1,6})") + r"(?:\.|$)", re.ASCII)
