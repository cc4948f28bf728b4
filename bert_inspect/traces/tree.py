"""From the flat list of steps to an ordered tree, cut at a depth and with equal layers folded; and their orders."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol, TypeVar

from .ops import op_of
from .record import Step
from .vocabulary import roles


@dataclass
class Node:
    """A step and what ran inside it. ``hidden`` counts the steps below that the depth cut off. ``folded`` holds the
    nodes of equal layers that this one stands for, itself first (empty: it stands for itself alone). ``relaid`` holds
    the steps that only laid this one's tensor out anew and have no node of their own.
    """

    step: Step
    children: list["Node"] = field(default_factory=list)
    hidden: int = 0
    folded: list["Node"] = field(default_factory=list)
    relaid: list[Step] = field(default_factory=list)

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
    shapes are the same, and of a group of layers shows the layers alone. A step that only lays a tensor out anew
    (``contiguous``) has no node of its own: it is `relaid` of the step that made the tensor.
    """
    nodes: dict[int, Node] = {}
    roots: list[Node] = []
    relaid = relaid_from(steps)
    for step in steps:
        if step.id in relaid:
            nodes[relaid[step.id]].relaid.append(step)
            continue
        nodes[step.id] = Node(step)
        (roots if step.parent is None else nodes[step.parent].children).append(nodes[step.id])
    for root in roots:
        if fold:
            _fold(root)
        if depth is not None:
            _cut(root, depth)
    return roots


def relaid_from(steps: Sequence[Step]) -> dict[int, int]:
    """Return, of each step that only lays a tensor out anew, the step that made the tensor."""
    found: dict[int, int] = {}
    for step in steps:
        source = step.inputs[0].from_ if only_relays(step, steps) else None
        if source is not None:
            found[step.id] = found.get(source, source)
    return found


def only_relays(step: Step, steps: Sequence[Step]) -> bool:
    """Whether a step hands on the tensor that it received, at most laid out anew in memory: the same numbers in the
    same shape, under the label of the step before it, in the same module.
    """
    if step.kind != "op" or step.failed or not op_of(step.type).lays_out:
        return False
    if len(step.inputs) != 1 or len(step.outputs) != 1 or step.inputs[0].from_ is None:
        return False
    received, returned, source = step.inputs[0], step.outputs[0], steps[step.inputs[0].from_]
    return (
        (source.label, source.parent) == (step.label, step.parent)
        and received.shape == returned.shape
        and received.dtype == returned.dtype
    )


def _cut(node: Node, depth: int) -> None:
    if depth <= 1:
        node.hidden = sum(1 + len(inner.relaid) for inner in node.walk()) - 1 - len(node.relaid)
        node.children = []
    for child in node.children:
        _cut(child, depth - 1)


def _fold(node: Node) -> None:
    merged: list[Node] = []
    previous: object = None
    opened = (child.children if is_group(child.step) else [child] for child in node.children)
    for child in chain.from_iterable(opened):
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


def is_group(step: Step) -> bool:
    """Whether a step is a group of encoder layers, which only calls one after the other."""
    return step.kind == "module" and step.role == roles.LAYER_GROUP


def _signature(node: Node) -> object:
    """Return what makes two layers look the same: their steps and shapes, not their numbers or values."""
    step = node.step
    label = None if is_layer(step) else step.label
    shapes = tuple(tuple(tensor.shape) for tensor in step.outputs)
    return (
        step.kind,
        step.type,
        step.arguments,
        step.edited,
        label,
        shapes,
        tuple(_signature(child) for child in node.children),
    )
