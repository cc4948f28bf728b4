"""From the flat list of steps to an ordered tree, cut at a depth and with equal layers folded; and their orders."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from .record import Step
from .vocabulary import roles


@dataclass
class Node:
    """A step and what ran inside it. ``hidden`` counts the steps below that the depth cut off. ``folded`` holds the
    nodes of equal layers that this one stands for, itself first (empty: it stands for itself alone).
    """

    step: Step
    children: list["Node"] = field(default_factory=list)
    hidden: int = 0
    folded: list["Node"] = field(default_factory=list)

    def walk(self) -> Iterator["Node"]:
        """Yield this node and all below it, in order."""
        yield self
        for child in self.children:
            yield from child.walk()


class Nested(Protocol):
    """What the order of steps follows from, recorded or in a trace."""

    @property
    def id(self) -> int:
        """Its place in the order in which steps began."""

    @property
    def parent(self) -> int | None:
        """The id of the module step around it."""


_Step = TypeVar("_Step", bound=Nested)


def completion(steps: Sequence[_Step]) -> list[_Step]:
    """Return the steps in the order in which they ended: what ran inside a module comes before the module."""
    last = list(range(len(steps)))
    for step in reversed(steps):
        if step.parent is not None:
            last[step.parent] = max(last[step.parent], last[step.id])
    return sorted(steps, key=lambda step: (last[step.id], -step.id))


def outline(steps: Sequence[Step], *, depth: int | None = None, fold: bool = False) -> list[Node]:
    """Return the tree's roots. ``depth`` 1 keeps the roots alone; ``fold`` merges runs of layers whose steps and
    shapes are the same.
    """
    nodes = {step.id: Node(step) for step in steps}
    roots: list[Node] = []
    for step in steps:
        (roots if step.parent is None else nodes[step.parent].children).append(nodes[step.id])
    for root in roots:
        if fold:
            _fold(root)
        if depth is not None:
            _cut(root, depth)
    return roots


def _cut(node: Node, depth: int) -> None:
    if depth <= 1:
        node.hidden = sum(1 for _ in node.walk()) - 1
        node.children = []
    for child in node.children:
        _cut(child, depth - 1)


def _fold(node: Node) -> None:
    merged: list[Node] = []
    previous: object = None
    for child in node.children:
        signature = _signature(child) if is_layer(child.step) else None
        if signature is not None and signature == previous:
            first = merged[-1]
            first.folded = (first.folded or [first]) + [child]
        else:
            merged.append(child)
        previous = signature
    node.children = merged
    for child in merged:
        _fold(child)


def is_layer(step: Step) -> bool:
    """Whether a step is an encoder layer as a whole, not something within one."""
    return step.kind == "module" and step.role == roles.LAYER and step.layer is not None


def _signature(node: Node) -> object:
    """Return what makes two layers look the same: their steps and shapes, not their numbers or values."""
    step = node.step
    label = None if is_layer(step) else step.label
    shapes = tuple(tuple(tensor.shape) for tensor in step.outputs)
    return (step.kind, step.type, step.arguments, label, shapes, tuple(_signature(child) for child in node.children))
