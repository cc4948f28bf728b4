"""What a family is: how an architecture names its modules, sizes and inputs, as data with a few plain look-ups."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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
        parts: the part of the model that a module belongs to, by the end of its path, where that does not follow from
            its role or from the module around it.
        sizes: the configuration's key for each of a trace's `Sizes`.
        layers_in_one: the configuration's key for how many layers each of those is that it counts; empty where it is
            one.
        settings: what its configurations may say, by their keys.
        defaults: what transformers takes where they do not say it, of what is asked for before transformers is loaded.
        activation: the configuration's key for the activation of the feed-forward part.
        head_activation: likewise for that of the head, where it is another key.
        tensors: what a parameter or a buffer is, by the end of its name, where other steps than its own module work on
            it.
        norm_eps: likewise for what is added to the variance in the norms; empty where none changes it.
        inputs: what its forward takes, by the names that tokenizers give them.
        position_buffer: the buffer that the positions are taken from, where there is one.
        token_type_buffer: the buffer that the token types are taken from where the model is given none.
        counts_from_padding: positions are counted over the tokens that are no padding, from the padding's id + 1 on:
            the rows of the table up to there serve no token.
        first_row: the row of that table that the first token has, where its place follows from no setting.
        modules_with: roles of modules that hold with the head of one task only, by the task.
        prefix: how the names of its classes begin: ``Bert`` of ``BertForMaskedLM``.
        body: the attribute of a model with a head that holds the body.
        body_parts: the modules that the body itself holds; a model without a head has them at its top.
        heads: the heads that transformers has for it.
        pooler_may_be_left_out: its class without a head takes ``add_pooling_layer=False``.
        tree: the paths of all modules of a model with a head for sequence classification, in its order; ``*`` stands
            for the number of a layer.
        shares_layer: a module is called for several layers: the layer is the number of the call of any of them, not of
            the path.
        attentions: the implementations of attention that transformers has for it.
        returns_attention: each self-attention returns its probabilities too, whether asked for them or not.
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
    parts: Mapping[str, str] = field(default_factory=dict)
    layers_in_one: str = ""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = ""
    body: str = ""
    body_parts: tuple[str, ...] = ("embeddings", "encoder", "pooler")
    heads: tuple[Head, ...] = COMMON
    pooler_may_be_left_out: bool = False
    position_buffer: str = ""
    token_type_buffer: str = ""
    counts_from_padding: bool = False
    first_row: int = 0
    modules_with: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    head_activation: str = ""
    tensors: Mapping[str, str] = field(default_factory=dict)
    tree: tuple[str, ...] = ()
    shares_layer: bool = False
    attentions: tuple[str, ...] = ("eager", "sdpa")
    returns_attention: bool = True

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
        named = _along(path, self.parts)
        for role, said in zip(self._roles_along(path)[1:], named, strict=True):
            part = said or roles.PARTS.get(role, part)
        return part

    def in_body(self, path: str) -> bool:
        """Whether a module or a parameter belongs to the body, or is around it, by its path; else to the head."""
        first = path.partition(".")[0]
        return first in ("", self.body) or first in self.body_parts

    def _roles_along(self, path: str) -> list[str]:
        """Return the roles of the model and of each module on the way to the one at a path, that one last."""
        return [self.modules.get("", ""), *_along(path, self.modules)]

    @lru_cache(maxsize=64)  # noqa: B019
    def with_head(self, head: Head) -> "Family":
        """Return the family as it is with a head: where the head's modules have other roles than with the rest."""
        other = self.modules_with.get(head.task)
        return self if other is None else replace(self, modules={**self.modules, **other}, modules_with={})

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
    def projects_before_norm(self) -> bool:
        """Whether narrow embeddings are projected to the width of the hidden states before their norm, not after it."""
        return any(
            role == roles.EMBEDDING_PROJECTION and end.startswith("embeddings.") for end, role in self.modules.items()
        )

    @property
    def modeling(self) -> str:
        """The module of transformers that defines its classes."""
        folder = self.source.replace("/", ".")
        return f"transformers.{folder}.modeling_{folder.rpartition('.')[2]}"

    @lru_cache(maxsize=4096)  # noqa: B019
    def layer_in_path(self, path: str) -> int | None:
        """Return the number of the encoder layer that a path names, None where it names none, as no path does where
        layers are calls.
        """
        found = None if self.shares_layer else self._layer.search(path)
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
        sizes = {name: size for name, size in found.items() if isinstance(size, int) and not isinstance(size, bool)}
        times = config.get(self.layers_in_one, 1) if self.layers_in_one else 1
        if "layers" in sizes and isinstance(times, int):
            sizes["layers"] *= times
        return sizes

    def first_position(self, config: Mapping[str, Any]) -> int:
        """Return the row of the position table that the first token of a sentence without padding has."""
        padding = config.get("pad_token_id", self.defaults.get("pad_token_id"))
        counts = self.counts_from_padding and type(padding) is int and padding >= 0
        return padding + 1 if counts else self.first_row

    def most_tokens(self, config: Mapping[str, Any]) -> int | None:
        """Return how many tokens a sentence may have, by the positions that there are; None where there is no limit."""
        positions = self.sizes_of(config).get("positions")
        return None if positions is None else max(positions - self.first_position(config), 0)

    def activation_of(self, config: Mapping[str, Any]) -> str:
        """Return the name of the feed-forward activation that a configuration states."""
        return _name_of(config.get(self.activation))

    def head_activation_of(self, config: Mapping[str, Any]) -> str:
        """Return the name of the head's activation where a configuration states one for it, else an empty one."""
        return _name_of(config.get(self.head_activation)) if self.head_activation else ""


def _name_of(activation: Any) -> str:
    return activation if isinstance(activation, str) else getattr(activation, "__name__", "?")


_NUMBER = re.compile(r"^\d+$", re.ASCII)


def _along(path: str, said: Mapping[str, str]) -> list[str]:
    """Return what is said of each module on the way to the one at a path, that one last: of the longest end of its
    path that is listed; empty where none is.
    """
    segments = [_NUMBER.sub("*", segment) for segment in path.split(".")] if path else []
    longest = max((end.count(".") + 1 for end in said), default=0)
    found = []
    for end in range(1, len(segments) + 1):
        ends = (".".join(segments[start:end]) for start in range(max(0, end - longest), end))
        found.append(next((said[each] for each in ends if each in said), ""))
    return found


@lru_cache
def _numbered(end: str) -> re.Pattern[str]:
    r"""Return what finds the number in the place of ``*``: ``layer.*`` finds 3 in ``bert.encoder.layer.3.output``."""
    return re.compile(r"(?:^|\.)" + re.escape(end).replace(r"\*", r"(\d{1,6})") + r"(?:\.|$)", re.ASCII)
