"""The axes of what an op returns, as they follow from the axes of what it received.

A label says what the axes of its tensor are; the dataflow says what they became. Where both speak and disagree, the
label is not so: heads that were permuted otherwise are no query heads, and a product of (batch, heads, head_dim,
tokens) with (batch, heads, tokens, head_dim) holds no attention scores but the covariances of channels (El-Nouby et
al., "XCiT: Cross-Covariance Image Transformers", 2021), though all sizes be equal.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ...traces import ops
from ...traces.ops import op_of
from ...traces.vocabulary.axes import BROADCAST, TOKEN_AXES, Axes, Axis
from ..tracing.step_record import StepRecord

_HEADS: Axes = ["heads", "head_dim"]


def following(step: StepRecord, known: Mapping[int, Axes]) -> Axes | None:
    """Return the axes of an op's first result, None where those of its inputs do not tell."""
    if step.kind != "op" or not step.inputs or not step.outputs:
        return None
    received = [known.get(seen.number) for seen in step.inputs]
    first, shape = received[0], step.outputs[0].shape
    match op_of(step.type).family:
        case ops.TRANSPOSE if first is not None:
            found = _permuted(first, step)
        case ops.RESHAPE if first is not None:
            found = _reshaped(first, step.inputs[0].shape, shape)
        case ops.MATMUL if len(received) == 2:
            found = _multiplied(first, received[1])
        case ops.FUSED_ATTENTION if len(received) > 2:
            value = received[2]
            found = None if first is None or value is None else [*first[:-1], value[-1]]
        case ops.SQUEEZE if first is not None:
            place = _integers([*step.given, *step.options.values()])
            found = _without(first, place[0]) if len(place) == 1 else None
        case ops.UNSQUEEZE if first is not None:
            found = _with_one_more(first, step)
        case ops.INDEX if first is not None and only_adds_axes(step):
            found = _indexed(first, step.given[0])
        case ops.SPLIT if first is not None and step.type == "unbind":
            place = _integers([*step.given, *step.options.values()])
            found = _without(first, place[0] if place else 0)
        case ops.SUM | ops.ARGMAX if first is not None:
            found = _summed(first, step)
        case _:
            return None
    return found if found is not None and len(found) == len(shape) else None


def agree(one: Axes, other: Axes) -> bool:
    """Whether axes are the same; tokens that ask and tokens that are asked are tokens, and one that is broadcast may be
    any.
    """
    if len(one) != len(other):
        return False
    return all(BROADCAST in pair or _plain(pair[0]) == _plain(pair[1]) for pair in zip(one, other, strict=True))


def only_adds_axes(step: StepRecord) -> bool:
    """Whether an op indexes a tensor with ``None``, ``:`` and ``...`` alone: the same numbers with more axes."""
    index = step.given[0] if step.type == "getitem" and step.given else 0
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is Ellipsis or part == slice(None) for part in parts) and None in parts


def broadcast_axes(step: StepRecord, shape: Sequence[int], known: Mapping[int, Axes]) -> Axes | None:
    """Return the axes of what works entry by entry on tensors that are broadcast to a shape: the last ones lie over the
    last ones. None where no tensor tells an axis, or two tell another one; and where there is one only, of which a part
    may have been taken.
    """
    if len(step.inputs) < 2 and op_of(step.type).family != ops.EXPAND:
        return None
    found: list[Axis | None] = [None] * len(shape)
    for seen in step.inputs:
        axes = known.get(seen.number)
        if axes is None or len(axes) > len(shape):
            continue
        for place, (axis, size) in enumerate(zip(reversed(axes), reversed(seen.shape), strict=True), start=1):
            if size == shape[-place] and axis != BROADCAST:
                if found[-place] is not None and _plain(found[-place] or axis) != _plain(axis):
                    return None
                found[-place] = axis
            elif shape[-place] == 1 and found[-place] is None:
                found[-place] = BROADCAST
    return None if None in found else [axis for axis in found if axis is not None]


def mixes_axes(step: StepRecord) -> bool:
    """Whether an op multiplies matrices, so that an axis of its result may be another one than in the same place of
    what it received, of the same size or not.
    """
    return step.kind == "op" and step.flops > 0 and step.type != "linear"


def _plain(axis: Axis) -> Axis:
    return "tokens" if axis in TOKEN_AXES else axis


def _permuted(axes: Axes, step: StepRecord) -> Axes | None:
    order, places = list(range(len(axes))), _integers([*step.given, *step.options.values()])
    match step.type:
        case "T" | "t":
            order.reverse()
        case "mT":
            order[-2], order[-1] = order[-1], order[-2]
        case "permute" if len(places) == len(axes):
            order = [order[place] for place in places]
        case "movedim" if len(places) % 2 == 0:
            half = len(places) // 2
            to = {places[half + number] % len(order): places[number] % len(order) for number in range(half)}
            rest = iter(place for place in order if place not in to.values())
            order = [to[place] if place in to else next(rest) for place in order]
        case "transpose" | "swapaxes" | "swapdims" if len(places) == 2:
            one, other = places
            order[one], order[other] = order[other], order[one]
        case _:
            return None
    return [axes[place] for place in order]


def _with_one_more(axes: Axes, step: StepRecord) -> Axes | None:
    """Return the axes with one of length 1 put in."""
    places = _integers([*step.given, *step.options.values()])
    if len(places) != 1:
        return None
    at = places[0] % (len(axes) + 1)
    return [*axes[:at], BROADCAST, *axes[at:]]


def _indexed(axes: Axes, index: Any) -> Axes | None:
    """Return the axes of what is indexed with ``None``, ``:`` and ``...``."""
    parts = index if isinstance(index, tuple) else (index,)
    named = sum(part == slice(None) for part in parts)
    rest, found = iter(axes), Axes()
    for part in parts:
        if part is None:
            found.append(BROADCAST)
        else:
            found += [next(rest) for _ in range(len(axes) - named if part is Ellipsis else 1)]
    return [*found, *rest]


def _without(axes: Axes, place: int) -> Axes | None:
    if not -len(axes) <= place < len(axes):
        return None
    place %= len(axes)
    return [*axes[:place], *axes[place + 1 :]]


def _summed(axes: Axes, step: StepRecord) -> Axes | None:
    """Return the axes without the one along which an op sums, or looks for the largest."""
    options = dict(step.options)
    keeps = options.pop("keepdim", step.given[1] if len(step.given) > 1 else False)
    places = _integers([*step.given[:1], *(value for name, value in options.items() if name in ("dim", "axis"))])
    if len(places) != 1 or not -len(axes) <= places[0] < len(axes):
        return None
    rest = _without(axes, places[0])
    at = places[0] % len(axes)
    return rest if rest is None or keeps is not True else [*rest[:at], BROADCAST, *rest[at:]]


def _integers(value: Any) -> list[int]:
    if isinstance(value, tuple | list):
        return [number for item in value for number in _integers(item)]
    return [value] if isinstance(value, int) else []


def _reshaped(axes: Axes, before: Sequence[int], after: Sequence[int]) -> Axes | None:
    """Return the axes where the last one is split into heads, or heads in the last two places are put together."""
    if before == after:
        return axes
    if axes[-1] == "hidden" and before[:-1] == after[:-2]:
        return [*axes[:-1], *_HEADS]
    if axes[-2:] == _HEADS and before[:-2] == after[:-1]:
        return [*axes[:-2], "hidden"]
    return None


def _multiplied(one: Axes | None, other: Axes | None) -> Axes | None:
    if one is None or other is None or len(one) != len(other) or _plain(one[-1]) != _plain(other[-2]):
        return None
    return [*(_plain(axis) for axis in one[:-1]), other[-1]]
