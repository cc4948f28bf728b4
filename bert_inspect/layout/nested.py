"""Boxes in boxes: each box's inside is laid out first and then takes its place, as one thing, in the box around it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..dataflow import Dataflow, Node
from ..dataflow.graph import Shape
from .columns import place_across
from .pins import closed_box, connect, leaf, spread
from .plan import MOST, Box, Drawing, Measures, Net, Point, TooLarge, Wire
from .rows import PORT, Item, ordered, rows_of
from .wires import joined, place_down


def arrange(flow: Dataflow, measures: Measures, *, upwards: bool) -> Drawing:
    """Return where everything in a picture stands; ``upwards``, what comes in stands at the bottom.

    Raises:
        TooLarge: there is too much in it.
    """
    if len(flow.arrows) + sum(1 for _ in flow.walk()) > MOST:
        raise TooLarge
    targets: dict[tuple[str, Shape], set[str]] = {}
    for arrow in flow.arrows:
        targets.setdefault((arrow.source, arrow.shape), set()).add(arrow.target)
    nets = [Net(source=source, shape=shape, targets=frozenset(ids)) for (source, shape), ids in targets.items()]
    inside = _Level(flow.nodes, nets, measures, upwards=upwards, around=None).laid_out()
    drawing = Drawing(width=inside.width, height=inside.height, boxes=inside.boxes, wires=joined(inside.wires))
    return _upside_down(drawing, measures) if upwards else drawing


@dataclass(frozen=True)
class _Inside:
    """A laid out box: its size, all in it, where tensors come into it and leave it, and the corner of its title."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    ins: Mapping[Net, float]
    outs: Mapping[Net, float]
    title: Point | None


_SHIFT = 70.0
"""How far a title may push all else aside before it looks for room elsewhere."""


class _Level:
    """The inside of one box (of the whole picture, ``around`` being None). ``beside`` is what stands outside of the
    outermost box, where its tensors come from and go to.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        nets: Sequence[Net],
        measures: Measures,
        *,
        upwards: bool,
        around: Node | None,
        beside: Sequence[Node] = (),
    ) -> None:
        self._nodes, self._measures, self._upwards, self._around = nodes, measures, upwards, around
        apart = measures.spacing.column / 4  # as far as things without a box around stand apart
        self._beside = {node.id: _room(node, measures) + apart for node in beside if not node.children}
        self._spacing = measures.spacing
        self._holder = {inner.id: node for node in nodes for inner in node.walk()}
        # In the order of what they go to first, so that what goes on to later steps begins to the right.
        place = {inner: number for number, inner in enumerate(self._holder)}
        touching = [net for net in nets if net.source in place or net.targets & place.keys()]
        self._nets = sorted(touching, key=lambda net: min(place[t] for t in net.targets | {net.source} if t in place))
        self._place = {node.id: number for number, node in enumerate(nodes)}
        self._subs: dict[str, _Inside] = {}
        self._items: dict[str, Item] = {}
        self._ins: dict[Net, Item] = {}
        self._outs: dict[Net, Item] = {}
        for node in nodes:
            if node.children:
                ends = nodes if around is None else ()
                sub = _Level(node.children, self._nets, measures, upwards=upwards, around=node, beside=ends).laid_out()
                self._subs[node.id] = sub
                self._items[node.id] = closed_box(node, sub.width, sub.height, ins=sub.ins, outs=sub.outs)
            else:
                self._items[node.id] = leaf(node, measures.body(node), measures.spacing)

    def laid_out(self) -> _Inside:
        """Lay it out."""
        ends = self._ends()
        connect(ends)
        items = [*self._ins.values(), *self._items.values(), *self._outs.values()]
        fed = {target for _, targets in ends.values() for target in targets}
        for node in self._nodes:
            self._items[node.id].late = self._items[node.id] not in fed
        rows = ordered(rows_of(items, ends, self._spacing.wire))
        spread(rows, self._spacing)
        place_across(rows, gap=self._spacing.column / (1 if self._around else 2))
        return self._framed(rows)

    def _ends(self) -> dict[Net, tuple[Item, list[Item]]]:
        """Return from which item to which others each tensor goes; a port stands for what is outside."""
        ends = {}
        for net in self._nets:
            source = self._holder.get(net.source)
            holders = [self._holder.get(target) for target in net.targets]
            inside = {self._place[node.id] for node in holders if node is not None and node is not source}
            into = [self._items[self._nodes[place].id] for place in sorted(inside)]
            if source is None:
                self._ins[net] = self._port([net.source], row=0)
            elif None in holders:
                self._outs[net] = self._port(net.targets, row=1)
                into.append(self._outs[net])
            if into:
                ends[net] = (self._ins[net] if source is None else self._items[source.id], into)
        return ends

    def _port(self, ends: Iterable[str], *, row: int) -> Item:
        """Return the place where a tensor comes in or leaves, as wide as what stands there outside."""
        room = max([self._spacing.wire, *(self._beside[end] for end in ends if end in self._beside)])
        return Item(PORT, row, room, room, is_out=bool(row))

    def _framed(self, rows: Sequence[Sequence[Item]]) -> _Inside:
        """Put a frame around the rows, with the title at its top where no tensor passes."""
        width = max((item.x + item.right for row in rows for item in row), default=0.0)
        if self._around is None:
            height, ways = place_down(rows, self._spacing, above=0, below=0)
            title, shift = None, 0.0
        else:
            wide, high = self._measures.title(self._around)
            pad = self._spacing.pad
            edge = max(0.0, pad - self._spacing.row / 2)
            above, below = (edge, edge + high) if self._upwards else (edge + high, edge)
            height, ways = place_down(rows, self._spacing, above=above, below=below)
            ports = self._outs if self._upwards else self._ins
            at, shift, width = _room_for(wide, [port.x for port in ports.values()], width, pad)
            title = (at, height - high - pad / 2 if self._upwards else pad / 2)
        boxes: list[Box] = []
        wires: list[Wire] = []
        for node in self._nodes:
            item = self._items[node.id]
            left = item.x - item.reach + shift
            sub = self._subs.get(node.id)
            if sub is None:
                body = self._measures.body(node)
                axis = item.x + shift
                note = (axis + self._spacing.note, item.y + item.out_at) if body.note[0] else None
                boxes.append(
                    Box(node=node, x=left, y=item.y, width=body.width, height=body.height, axis=axis, note=note)
                )
                continue
            axis = min(sub.outs.values(), default=sub.width / 2)
            own = Box(node=node, x=0, y=0, width=sub.width, height=sub.height, axis=axis, title=sub.title)
            boxes += [box.moved(left, item.y, level=box is not own) for box in (own, *sub.boxes)]
            wires += [wire.moved(left, item.y) for wire in sub.wires]
        nodes = {item: node for node in self._nodes for item in [self._items[node.id]]}
        for way in ways:
            into = nodes.get(way.into)
            end = into.id if into is not None and into.id in way.net.targets else None
            wires.append(Wire(net=way.net, points=way.points, target=end).moved(shift, 0))
        return _Inside(
            width=width,
            height=height,
            boxes=tuple(boxes),
            wires=tuple(wires),
            ins={net: port.x + shift for net, port in self._ins.items()},
            outs={net: port.x + shift for net, port in self._outs.items()},
            title=title,
        )


def _room(node: Node, measures: Measures) -> float:
    """Return what a node and its note take to either side."""
    body = measures.body(node)
    return max(body.width / 2, body.note[0] + measures.spacing.note)


def _room_for(title: float, ports: Sequence[float], width: float, pad: float) -> tuple[float, float, float]:
    """Return where a title begins, how far all else must go to the right for it, and the width of the box with both."""
    whole = max(width + 2 * pad, title + 2 * pad)
    shift = (whole - width) / 2
    edges = sorted(port + shift for port in ports)
    more = max(0.0, 2 * pad + title - edges[0]) if edges else 0.0
    if more > _SHIFT:
        for left, right in zip(edges, [*edges[1:], whole], strict=True):
            if right - left >= title + 2 * pad:
                return left + pad, shift, whole
    return pad, shift + more, whole + more


def _upside_down(drawing: Drawing, measures: Measures) -> Drawing:
    """Return a drawing with top and bottom exchanged; texts stay upright."""
    height = drawing.height

    def turned(box: Box) -> Box:
        note = box.note and (box.note[0], height - box.note[1] - measures.body(box.node).note[1])
        title = box.title and (box.title[0], height - box.title[1] - measures.title(box.node)[1])
        return replace(box, y=height - box.y - box.height, note=note, title=title)

    return replace(
        drawing,
        boxes=tuple(turned(box) for box in drawing.boxes),
        wires=tuple(replace(wire, points=tuple((x, height - y) for x, y in wire.points)) for wire in drawing.wires),
    )
