"""The dataflow of a run as a nested graph: which tensor went from where to where, as plain data to be drawn."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "tokenizer", "input", "parameter", "module", "layer", "op", "output"]
"""``module`` has others inside, ``layer`` has none (those of torch.nn, and modules that are drawn closed)."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A step, or something outside of the model that tensors come from or go to.

    ``formula`` is what an op does where its arguments do not say it, ``lines`` is further text, ``layer`` the number of
    a node that is an encoder layer as a whole. Of one that stands for several (`folding`), and of all in it, ``copies``
    are the ids in each of them, its own first; ``links`` say how each of them feeds the next.
    """

    id: str
    kind: Kind
    label: str
    type: str = ""
    arguments: str = ""
    formula: str = ""
    path: str = ""
    layer: int | None = None
    no_op: bool = False
    lines: tuple[str, ...] = ()
    children: tuple["Node", ...] = ()
    copies: tuple[str, ...] = ()
    links: tuple["Link", ...] = ()

    def walk(self) -> Iterator["Node"]:
        """Yield this node and all in it, in order."""
        yield self
        for child in self.children:
            yield from child.walk()


Shape = tuple[int, ...] | None


@dataclass(frozen=True)
class Arrow:
    """A tensor on its way; ``shape`` is None where it is no tensor yet."""

    source: str
    target: str
    shape: Shape


@dataclass(frozen=True, kw_only=True)
class Link:
    """In all layers after the first, what ``entry`` brings into it comes from the layer before: from ``source`` there,
    which is told by its id in the first.
    """

    source: str
    entry: Arrow


def order_of(arrow: Arrow) -> tuple[str, str, str]:
    """Return a key that sorts arrows."""
    return arrow.source, arrow.target, str(arrow.shape)


@dataclass(frozen=True, kw_only=True)
class Dataflow:
    """Nodes, nested, and the arrows between them; ``path`` is the module's that is drawn."""

    title: str
    path: str = ""
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]

    def walk(self) -> Iterator[Node]:
        """Yield every node, in order."""
        for node in self.nodes:
            yield from node.walk()
