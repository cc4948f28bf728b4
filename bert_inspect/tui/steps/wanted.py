"""Which steps the tree shows: by the words of the search, the layer, the label, with or without ops."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ...traces.record import Step
from ...traces.tree import Node

NO_LAYER = -1
"""What is in no layer: embeddings, pooler, head."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is looked for. Every one of the ``words`` has to be in what the step is called, or be its number, ``#27``;
    `layer` and `label` are None where any will do.
    """

    words: tuple[str, ...] = ()
    layer: int | None = None
    label: str | None = None
    ops: bool = True

    @property
    def everything(self) -> bool:
        """Whether no step is left out, ops perhaps excepted."""
        return not self.words and self.layer is None and self.label is None

    def matches(self, step: Step) -> bool:
        """Whether a step is one of those that are looked for."""
        if step.kind == "op" and not self.ops:
            return False
        if self.layer is not None and (NO_LAYER if step.layer is None else step.layer) != self.layer:
            return False
        if self.label is not None and step.label != self.label:
            return False
        called = f"{step.label} {step.path} {step.type} {' '.join(step.known_as)}".casefold()
        return all(word == f"#{step.id}" or word in called for word in self.words)


def parsed(text: str) -> tuple[str, ...]:
    """Return the words of a search."""
    return tuple(text.casefold().split())


def shown(roots: Sequence[Node], wanted: Wanted) -> set[int]:
    """Return the ids of the steps that are looked for, and of the modules around them."""
    found: set[int] = set()

    def visit(node: Node) -> bool:
        inside = [visit(child) for child in node.children]
        if any(inside) or wanted.matches(node.step):
            found.add(node.step.id)
            return True
        return False

    for root in roots:
        visit(root)
    return found


def children(node: Node, wanted: Wanted, kept: Collection[int]) -> list[Node]:
    """Return what the tree shows below a step: what is looked for or leads to it; of a step that is looked for itself,
    and with nothing such in it, all.
    """
    there = [child for child in node.children if wanted.ops or child.step.kind == "module"]
    inside = [child for child in there if child.step.id in kept]
    return inside or (there if wanted.matches(node.step) else [])
