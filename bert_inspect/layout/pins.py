"""Pins: where on a thing each tensor comes in, once it is known what stands beside what."""

from collections.abc import Mapping, Sequence

from ..dataflow import Node
from .plan import Body, Net, Spacing
from .rows import Item, links_of


def leaf(node: Node, body: Body, spacing: Spacing) -> Item:
    """Return the item of a node that has nothing inside."""
    note = body.note[0] + spacing.note if body.note[0] else 0
    return Item(
        node.id,
        row=1,
        left=body.width / 2,
        right=max(body.width / 2, note),
        height=body.height + body.note[1],
        out_at=body.height,
        middle=body.height / 2,
        reach=body.width / 2,
        round=body.round,
    )


def closed_box(node: Node, width: float, height: float, *, ins: Mapping[Net, float], outs: Mapping[Net, float]) -> Item:
    """Return the item of a node whose inside is laid out; tensors come in and go out where they do inside."""
    return Item(node.id, row=1, right=width, height=height, out_at=height, ins=dict(ins), outs=dict(outs), fixed=True)


def connect(ends: Mapping[Net, tuple[Item, Sequence[Item]]]) -> None:
    """Give every end of every tensor a pin; of a thing that has no place for it, in its middle."""
    for net, (source, targets) in ends.items():
        source.outs.setdefault(net, (source.right - source.left) / 2 if source.fixed else 0)
        for target in targets:
            target.ins.setdefault(net, (target.right - target.left) / 2 if target.fixed else 0)


def spread(rows: Sequence[Sequence[Item]], spacing: Spacing) -> None:
    """Let several tensors come into a leaf apart from each other.

    Into a round one the tensor that has most steps behind it comes straight, others from the side on which they are;
    along the top of a box it comes into the middle, the others beside it.
    """
    place = {item: number for number, item in enumerate(item for row in rows for item in row)}
    comes: dict[tuple[Item, Net], Item] = {}
    behind: dict[Item, int] = {}  # sets of items, each a bit: a chain's are long
    for link in links_of(rows):
        comes[link.lower, link.net] = link.upper
        own = 0 if link.upper.bend else 1 << place[link.upper]
        behind[link.lower] = behind.get(link.lower, 0) | behind.get(link.upper, 0) | own
    for item in (item for row in rows for item in row if not item.fixed and len(item.ins) > 1):
        nets = sorted(item.ins, key=lambda net: place[comes[item, net]])
        most = {net: behind.get(comes[item, net], 0).bit_count() + (not comes[item, net].bend) for net in item.ins}
        straight = max(most, key=lambda net: most[net])
        at = nets.index(straight)
        if not item.round:
            for number, net in enumerate(nets):
                beside = at if number < at else len(nets) - 1 - at
                item.ins[net] = item.reach * (number - at) / (beside + 1)
            continue
        for number, net in enumerate(nets):
            side = -1 if number < at else 1
            if number != at:
                item.sides[net] = -side if side in item.sides.values() else side
        if -1 in item.sides.values():
            item.left = max(item.left, item.reach + spacing.side)
        if 1 in item.sides.values():
            item.right = max(item.right, item.reach + spacing.side)
