"""A dataflow as lanes, as version control draws its branches: a row a node, a column for each tensor on its way."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ...dataflow import Dataflow, Node
from ...dataflow.graph import Shape

Net = tuple[str, Shape]
"""A tensor: the node that it comes from, and its shape."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A node, or (``title``) the title of a box. ``cells`` are the lanes from the left; a cell names the sides to which
    a line leaves it (``u`` where tensors come from, ``d`` where they go, ``l``, ``r``), and ``node`` if the node is
    there. ``boxes`` are the boxes around, outermost first.
    """

    title: bool
    node: Node
    boxes: tuple[Node, ...]
    cells: tuple[frozenset[str], ...]


@dataclass
class _Lanes:
    arrows: dict[Net, set[str]]
    made: dict[str, list[Net]]
    """By each node the tensors that it makes."""
    columns: list[Net | None] = field(default_factory=list)
    above: int | None = None
    """The column of the node just above, if nothing leaves it: what stands below it must not seem to come from it."""

    def free(self) -> int:
        """Return the leftmost column that is free."""
        free = (at for at, net in enumerate(self.columns) if net is None and at != self.above)
        at = next(free, len(self.columns) + (len(self.columns) == self.above))
        self.columns += [None] * (at + 1 - len(self.columns))
        return at

    def through(self) -> list[set[str]]:
        """Return the cells of a row in which nothing happens."""
        self.above = None
        return [{"u", "d"} if net is not None else set() for net in self.columns]

    def pass_node(self, id_: str) -> list[set[str]]:
        """Return the cells of a node's row: what goes into it comes from its lanes, what it makes goes on."""
        into = [at for at, net in enumerate(self.columns) if net is not None and id_ in self.arrows[net]]
        ending = []
        for at in into:
            net = self.columns[at]
            assert net is not None
            self.arrows[net].discard(id_)
            if not self.arrows[net]:
                ending.append(at)
        made = [net for net in self.made.get(id_, ()) if self.arrows[net]]
        own = ending[0] if ending else self.free()
        cells = self.through()
        for at in into:
            if at != own:
                cells[at] = {"u", "r" if at < own else "l"} | (set() if at in ending else {"d"})
        for at in ending:
            self.columns[at] = None
        cells[own] = {"node"} | ({"u"} if own in into else set())
        places: list[int] = []
        for net in made:
            at = own if not places else self.free()
            self.columns[at] = net
            places.append(at)
            while len(cells) < len(self.columns):
                cells.append(set())
            cells[at] |= {"d"} if at == own else {"d", "l" if at > own else "r"}
        for at in [*into, *places]:
            for between in range(min(at, own) + 1, max(at, own)):
                cells[between] |= {"l", "r"}
            cells[own] |= {"l"} if at < own else {"r"} if at > own else set()
        while self.columns and self.columns[-1] is None:
            self.columns.pop()
        self.above = None if made else own
        return cells


def rows_of(flow: Dataflow, *, title_last: bool = False) -> list[Row]:
    """Return the rows in the order of the run, a box's title before or after what is in it."""
    arrows: dict[Net, set[str]] = {}
    for arrow in flow.arrows:
        arrows.setdefault((arrow.source, arrow.shape), set()).add(arrow.target)
    ends = {end for arrow in flow.arrows for end in (arrow.source, arrow.target)}
    made: dict[str, list[Net]] = {}
    for net in arrows:
        made.setdefault(net[0], []).append(net)
    lanes = _Lanes(arrows, made)

    def walk(nodes: Sequence[Node], boxes: tuple[Node, ...]) -> Iterator[Row]:
        for node in nodes:
            if not node.children:
                yield _row(node, boxes, lanes.pass_node(node.id))
                continue
            inside = (*boxes, node)
            if not title_last:
                yield _row(node, inside, lanes.through(), title=True)
            if node.id in ends:  # something goes into the box, or comes out of it, as a whole
                yield _row(node, inside, lanes.pass_node(node.id))
            yield from walk(node.children, inside)
            if title_last:
                yield _row(node, inside, lanes.through(), title=True)

    return list(walk(flow.nodes, ()))


def _row(node: Node, boxes: tuple[Node, ...], cells: Sequence[set[str]], *, title: bool = False) -> Row:
    return Row(title=title, node=node, boxes=boxes, cells=tuple(frozenset(cell) for cell in cells))
