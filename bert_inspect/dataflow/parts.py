"""A dataflow in two parts: the whole with one module closed, and that module by itself."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from .graph import Arrow, Dataflow, Node, order_of


def parted(flow: Dataflow, id_: str, *, told: str) -> tuple[Dataflow, Dataflow]:
    """Return the dataflow with a module closed, and the module with what goes into it and where its tensors go.

    Args:
        flow: the dataflow.
        id_: the module's id.
        told: what the closed module says of where it is drawn.
    """
    module = next(node for node in flow.walk() if node.id == id_)
    inner = {node.id for node in module.walk()}
    arrows: set[Arrow] = set()
    for arrow in flow.arrows:
        ends = [id_ if end in inner else end for end in (arrow.source, arrow.target)]
        if ends[0] != ends[1]:
            arrows.add(Arrow(ends[0], ends[1], arrow.shape))
    closed = replace(module, kind="layer", children=(), lines=(*module.lines, told))
    nodes = tuple(_replaced(flow.nodes, closed))
    rest = replace(flow, nodes=nodes, arrows=tuple(sorted(arrows, key=order_of)))
    return rest, _alone(flow, module, inner)


def _replaced(nodes: Sequence[Node], by: Node) -> Iterator[Node]:
    for node in nodes:
        yield by if node.id == by.id else replace(node, children=tuple(_replaced(node.children, by)))


def _alone(flow: Dataflow, module: Node, inner: set[str]) -> Dataflow:
    """Return a module with a node for each tensor that comes into it, and one for each that leaves it."""
    entries = {link.entry for link in module.links}
    inputs: dict[tuple[str, object], Node] = {}
    outputs: dict[tuple[str, object], list[str]] = {}
    arrows: set[Arrow] = set()
    for arrow in flow.arrows:
        key = arrow.source, arrow.shape
        if arrow.source in inner and arrow.target in inner:
            arrows.add(arrow)
        elif arrow.target in inner:
            if key not in inputs:
                inputs[key] = _input(flow, arrow.source, inner, f"{module.id}i{len(inputs)}", again=arrow in entries)
            arrows.add(replace(arrow, source=inputs[key].id))
        elif arrow.source in inner:
            names = outputs.setdefault(key, [])
            if (name := _beside(flow, arrow.target, inner).label) not in names:
                names.append(name)
    after = ("after the last layer",) if module.links else ()
    ends = []
    for number, ((source, shape), names) in enumerate(outputs.items()):
        ends.append(Node(id=f"{module.id}o{number}", kind="output", label=", ".join(names), lines=after))
        arrows.add(Arrow(source, ends[-1].id, shape))  # type: ignore[arg-type]
    nodes = (*inputs.values(), module, *ends)
    return Dataflow(title=module.label, path=module.path, nodes=nodes, arrows=tuple(sorted(arrows, key=order_of)))


def _input(flow: Dataflow, source: str, inner: set[str], id_: str, *, again: bool) -> Node:
    """Return the node of a tensor that comes into a module; ``again`` if each later layer gets it from the last."""
    made = _beside(flow, source, inner)
    if made.kind == "input":
        return replace(made, id=id_)
    return Node(id=id_, kind="input", label=made.label, lines=("then the layer before",) if again else ())


def _beside(flow: Dataflow, id_: str, inner: set[str]) -> Node:
    """Return the outermost component around a node that is not around a module too."""
    return next(node for node in _outside(flow.nodes, inner) if any(each.id == id_ for each in node.walk()))


def _outside(nodes: Sequence[Node], inner: set[str]) -> Iterator[Node]:
    """Yield the nodes that are not around a module, outermost first."""
    for node in nodes:
        if inner & {each.id for each in node.walk()}:
            yield from _outside(node.children, inner)
        else:
            yield node
