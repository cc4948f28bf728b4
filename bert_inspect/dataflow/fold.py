"""Equal layers in a row drawn as one, where the dataflow proves that each feeds the next in the same way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .graph import Arrow, Dataflow, Link, Node, Shape, order_of


def folded(flow: Dataflow) -> Dataflow:
    """Return the dataflow with each run of layers that are alike as its first one.

    Layers are alike if they hold the same steps with the same arrows between them, if only the next layer uses what
    one made, and if what comes from elsewhere goes into all. Then nothing is lost: `unfolded` gives every arrow back.
    """
    arrows = set(flow.arrows)
    nodes = tuple(_fold(node, arrows) for node in flow.nodes)
    return replace(flow, nodes=nodes, arrows=tuple(sorted(arrows, key=order_of)))


def unfolded(flow: Dataflow) -> set[Arrow]:
    """Return all the arrows that a dataflow with folded layers stands for."""
    arrows = set(flow.arrows)
    for layer in flow.walk():
        if layer.links:
            arrows = _unfold(layer, arrows)
    return arrows


def _unfold(layer: Node, arrows: set[Arrow]) -> set[Arrow]:
    copies = {inner.id: inner.copies for inner in layer.walk()}
    entries = {link.entry for link in layer.links}
    every: set[Arrow] = set()
    for arrow in arrows:
        sources, targets = copies.get(arrow.source), copies.get(arrow.target)
        if sources and targets:
            every |= {replace(arrow, source=a, target=b) for a, b in zip(sources, targets, strict=True)}
        elif sources:
            every.add(replace(arrow, source=sources[-1]))
        elif targets and arrow not in entries:
            every |= {replace(arrow, target=target) for target in targets}
        else:
            every.add(arrow)
    for link in layer.links:
        for source, target in zip(copies[link.source], copies[link.entry.target][1:], strict=False):
            every.add(replace(link.entry, source=source, target=target))
    return every


@dataclass(frozen=True)
class _Layer:
    """A layer with its nodes as places in it, so that it can be compared with another."""

    node: Node
    ids: tuple[str, ...]
    looks: tuple[object, ...]
    within: frozenset[tuple[int, int, Shape]]
    into: frozenset[tuple[str, int, Shape]]
    out: frozenset[tuple[int, str]]

    @classmethod
    def of(cls, node: Node, arrows: set[Arrow]) -> "_Layer":
        inner = list(node.walk())
        at = {each.id: place for place, each in enumerate(inner)}
        looks = tuple(
            (each.kind, each.label, each.type, each.arguments, each.no_op, len(each.children)) for each in inner[1:]
        )
        within = {(at[a.source], at[a.target], a.shape) for a in arrows if a.source in at and a.target in at}
        into = {(a.source, at[a.target], a.shape) for a in arrows if a.source not in at and a.target in at}
        out = {(at[a.source], a.target) for a in arrows if a.source in at and a.target not in at}
        return cls(node, tuple(at), (node.type, *looks), frozenset(within), frozenset(into), frozenset(out))

    def takes(self, before: "_Layer") -> tuple[frozenset[tuple[int, int, Shape]], frozenset[tuple[str, int, Shape]]]:
        """Return what comes from the layer before, and what comes from elsewhere."""
        at = {id_: place for place, id_ in enumerate(before.ids)}
        fed = {(at[source], target, shape) for source, target, shape in self.into if source in at}
        return frozenset(fed), frozenset(each for each in self.into if each[0] not in at)

    def feeds_only(self, after: "_Layer") -> bool:
        return all(target in after.ids for _, target in self.out)


def _fold(node: Node, arrows: set[Arrow]) -> Node:
    children: list[Node] = []
    layers = [_Layer.of(child, arrows) if _is_layer(child) else None for child in node.children]
    place = 0
    while place < len(node.children):
        run = _run(layers[place:])
        children.append(_one(run, arrows) if len(run) > 1 else _fold(node.children[place], arrows))
        place += max(1, len(run))
    return replace(node, children=tuple(children))


def _is_layer(node: Node) -> bool:
    return node.layer is not None


def _run(layers: Sequence[_Layer | None]) -> list[_Layer]:
    """Return the layers at the start that can be drawn as the first one."""
    run: list[_Layer] = []
    for layer in layers:
        if layer is None:
            break
        if run:
            alike = (run[0].looks, run[0].within) == (layer.looks, layer.within) and run[-1].feeds_only(layer)
            same = len(run) == 1 or layer.takes(run[-1]) == run[1].takes(run[0])
            if not alike or not same or _entries(run[0], layer, run[-1]) is None:
                break
        run.append(layer)
    return run


def _entries(first: _Layer, layer: _Layer, before: _Layer) -> list[Link] | None:
    """Return which of the first layer's inputs a later layer gets from the layer before; None if they do not match."""
    fed, shared = layer.takes(before)
    mine = first.into - shared
    by_place = {(target, shape): source for source, target, shape in mine}
    if not shared <= first.into or len(by_place) != len(mine) or len(fed) != len(mine):
        return None
    if {(target, shape) for _, target, shape in fed} != set(by_place):
        return None
    return [
        Link(source=first.ids[source], entry=Arrow(by_place[target, shape], first.ids[target], shape))
        for source, target, shape in sorted(fed, key=str)
    ]


def _one(run: Sequence[_Layer], arrows: set[Arrow]) -> Node:
    """Return the node that stands for a run, and leave of the arrows only its own."""
    first, last = run[0], run[-1]
    back = dict(zip(last.ids, first.ids, strict=True))
    dropped = {id_ for layer in run[1:] for id_ in layer.ids}
    for arrow in list(arrows):
        if arrow.source in back and arrow.target not in dropped:
            arrows.add(replace(arrow, source=back[arrow.source]))
        if arrow.source in dropped or arrow.target in dropped:
            arrows.remove(arrow)
    copies = dict(zip(first.ids, zip(*(layer.ids for layer in run), strict=True), strict=True))
    numbers = [layer.node.layer for layer in (first, last)]
    links = _entries(first, run[1], first)
    return replace(_with(copies, first.node), label=f"layers {numbers[0]} to {numbers[1]}", links=tuple(links or ()))


def _with(copies: Mapping[str, tuple[str, ...]], node: Node) -> Node:
    return replace(node, copies=copies[node.id], children=tuple(_with(copies, child) for child in node.children))
