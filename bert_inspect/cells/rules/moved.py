"""Steps that only move numbers: which number it was before.

Where a rule says what becomes of an array's axes, the same is done with the places of its entries: arrays of them that
take no memory, as each is one row of numbers broadcast to the whole.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..arithmetic import Arithmetic, Reference, Untold
from ..operand import Call, Index, Operand

Turn = Callable[[Any], Any]


def reshaped(call: Call, index: Index) -> Arithmetic:
    """The same numbers in the same order in another shape."""
    operand = call.operands[0]
    flat = 0
    for place, size in zip(index, call.shape, strict=True):
        flat = flat * size + place
    found: list[int] = []
    for size in reversed(operand.shape):
        flat, place = divmod(flat, size)
        found.append(place)
    return was(call, operand, tuple(reversed(found)))


def transposed(call: Call, index: Index) -> Arithmetic:
    """Axes in another order."""
    operand = call.operands[0]
    order, places = list(range(len(operand.shape))), _integers([*call.given[1:], *call.options.values()])
    match call.type:
        case "T" | "t":
            order.reverse()
        case "mT":
            order[-2], order[-1] = order[-1], order[-2]
        case "permute" if len(places) == len(order):
            order = [order[place] for place in places]
        case "transpose" | "swapaxes" | "swapdims" if len(places) == 2:
            one, other = places
            order[one], order[other] = order[other], order[one]
        case "movedim" if places and len(places) % 2 == 0:
            half, count = len(places) // 2, len(order)
            to = {places[half + at] % count: places[at] % count for at in range(half)}
            rest = iter(at for at in range(count) if at not in to.values())
            order = [to[at] if at in to else next(rest) for at in range(count)]
        case _:
            raise _unknown()
    found = dict(zip(order, index, strict=True))
    return was(call, operand, tuple(found[axis] for axis in range(len(order))))


def handed_on(call: Call, index: Index) -> Arithmetic:
    """The same numbers in the same shape; perhaps of another type, to which each is rounded."""
    operand = call.operands[0]
    if operand.dtype == call.dtype:
        return was(call, operand, index)
    number = operand.at(operand.fitting(index))
    truth = call.dtype == "bool"
    if call.counts and not truth and not math.isfinite(number):
        return _undefined(call, operand, index)
    result = float(number != 0) if truth else number
    if call.counts and not truth and math.isfinite(number):
        result = float(math.trunc(number))
    place = operand.fitting(index)
    return Arithmetic(
        words=f"{{0}} as {call.dtype}",
        symbols="y = x",
        result=result,
        size=abs(result) if math.isfinite(result) else 0.0,
        references=[Reference(operand=operand, index=place)],
        moved=(operand, place),
        counts=call.counts,
    )


def _undefined(call: Call, operand: Operand, index: Index) -> Arithmetic:
    """What a whole number makes of infinity or NaN the processor decides."""
    return Arithmetic(
        words=f"{{0}} as {call.dtype}, which has no such number: what stands there is the processor's",
        symbols="y = x",
        result=float(call.returned(index)),
        references=[Reference(operand=operand, index=index)],
        moved=(operand, index),
        counts=True,
    )


def expanded(call: Call, index: Index) -> Arithmetic:
    """An axis of length 1 stands for all places."""
    operand = call.operands[0]
    return was(call, operand, operand.fitting(index))


def repeated(call: Call, index: Index) -> Arithmetic:
    """The whole tensor again and again along its axes."""
    operand = call.operands[0]
    own = index[len(index) - len(operand.shape) :]
    return was(call, operand, tuple(place % size for place, size in zip(own, operand.shape, strict=True)))


def unsqueezed(call: Call, index: Index) -> Arithmetic:
    """An axis of length 1 is put in."""
    axis = _axis(call, 1) % len(index)
    return was(call, call.operands[0], (*index[:axis], *index[axis + 1 :]))


def squeezed(call: Call, index: Index) -> Arithmetic:
    """Axes of length 1 are taken out."""
    operand = call.operands[0]
    places = _integers([*call.given[1:], *call.options.values()])
    axes = {axis % len(operand.shape) for axis in places} or set(range(len(operand.shape)))
    gone = {axis for axis in axes if operand.shape[axis] == 1}
    own = iter(index)
    return was(call, operand, tuple(0 if axis in gone else next(own) for axis in range(len(operand.shape))))


def indexed(call: Call, index: Index) -> Arithmetic:
    """``x[index]``: a part of the tensor, in the places that the index says."""
    operand = call.operands[0]
    key = call.given[1]
    parts = tuple(_key(part) for part in (key if isinstance(key, tuple) else (key,)))
    return _turned(call, operand, index, lambda places: places[parts])


def _key(part: Any) -> Any:
    if isinstance(part, Operand):
        whole = part.whole(tuple(slice(None) for _ in part.shape))
        return np.asarray(whole, dtype=bool if part.dtype == "bool" else np.int64)
    if part is None or part is Ellipsis or isinstance(part, int | slice | list):
        return part
    raise _unknown()


def selected(call: Call, index: Index) -> Arithmetic:
    """One place along an axis (``select``), or several in a row (``narrow``)."""
    axis, start = _axis(call, 1), int(call.argument(2, "index", call.options.get("start", 0)))
    axis %= len(call.operands[0].shape)
    start %= call.operands[0].shape[axis]
    if call.type == "select":
        return was(call, call.operands[0], (*index[:axis], start, *index[axis:]))
    return was(call, call.operands[0], (*index[:axis], start + index[axis], *index[axis + 1 :]))


def gathered(call: Call, index: Index) -> Arithmetic:
    """Along one axis each entry is taken from the place that another tensor says."""
    operand, axis, places = call.operands[0], call.argument(1, "dim"), call.operands[-1]
    if not isinstance(axis, int):
        raise _unknown()
    axis %= len(operand.shape)
    at = index if call.type == "gather" else (index[axis],)
    place = int(places.at(at)) % operand.shape[axis]
    return was(call, operand, (*index[:axis], place, *index[axis + 1 :]), by=(places, at))


def split(call: Call, index: Index) -> Arithmetic:
    """One of the parts that a tensor is taken apart into."""
    operand = call.operands[0]
    sizes = call.argument(1, "chunks" if call.type == "chunk" else "split_size_or_sections", None)
    if call.type == "unbind":
        axis = int(call.argument(1, "dim", 0)) % len(operand.shape)
        return was(call, operand, (*index[:axis], call.place, *index[axis:]))
    if sizes is None:
        sizes = call.options.get("split_size")
    axis = int(call.argument(2, "dim", 0)) % len(operand.shape)
    if isinstance(sizes, list | tuple):
        start = sum(_integers(sizes)[: call.place])
    elif isinstance(sizes, int) and sizes > 0:
        start = call.place * (sizes if call.type == "split" else -(-operand.shape[axis] // sizes))
    else:
        raise _unknown()
    return was(call, operand, (*index[:axis], start + index[axis], *index[axis + 1 :]))


def joined(call: Call, index: Index) -> Arithmetic:
    """Tensors one behind the other along an axis (``cat``), or each in a place of its own (``stack``)."""
    axis = int(call.argument(1, "dim", 0))
    operands = [operand for operand in call.operands if operand.shape != (0,)]
    if call.type == "stack":
        axis %= len(index)
        return was(call, call.operands[index[axis]], (*index[:axis], *index[axis + 1 :]))
    axis %= len(index)
    place = index[axis]
    for operand in operands:
        if place < operand.shape[axis]:
            return was(call, operand, (*index[:axis], place, *index[axis + 1 :]))
        place -= operand.shape[axis]
    raise _unknown()


def was(call: Call, operand: Operand, place: Index, *, by: tuple[Operand, Index] | None = None) -> Arithmetic:
    """Return the arithmetic of a number that is another one; ``by`` is what said where it stood."""
    references = [Reference(operand=operand, index=place)]
    if by is not None:
        references.append(Reference(operand=by[0], index=by[1]))
    return Arithmetic(
        words="{0}, moved" + (" from where {1} says" if by is not None else ""),
        symbols="y = x",
        result=operand.at(place),
        references=references,
        moved=(operand, place),
        counts=True,
    )


def _turned(call: Call, operand: Operand, index: Index, turn: Turn) -> Arithmetic:
    """Follow an index back through what becomes of an array's axes."""
    try:
        place = tuple(int(turn(places)[index]) for places in _places(operand.shape))
    except (IndexError, TypeError, ValueError) as error:
        raise _unknown() from error
    return was(call, operand, place)


def _places(shape: Sequence[int]) -> Iterator[Any]:
    for axis, size in enumerate(shape):
        one = np.arange(size).reshape([size if at == axis else 1 for at in range(len(shape))])
        yield np.broadcast_to(one, shape)


def _axis(call: Call, place: int) -> int:
    found = call.argument(place, "dim")
    if not isinstance(found, int):
        raise _unknown()
    return found


def _integers(value: Any) -> list[int]:
    if isinstance(value, tuple | list):
        return [number for item in value for number in _integers(item)]
    return [value] if isinstance(value, int) and not isinstance(value, bool) else []


def _unknown() -> Untold:
    return Untold("where this step moves numbers is not known", "name another step")
