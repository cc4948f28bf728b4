"""Comparing the values of two tensors, on the sentences and tokens that they have in common."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..traces.record import Stats, TensorOut
from ..traces.values import Values, masked_below
from ..traces.vocabulary import labels
from ..traces.vocabulary.axes import FOLDED, TOKEN_AXES
from .align import RowPair, Rows
from .gap import Gap, Tolerance, ratio

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Block:
    """Entries of A beside those of B, of one shape, and either's index of each along every axis (None: all of it).
    ``room`` is what is allowed between them, where that is known entry by entry.
    """

    a: Array
    b: Array
    index: tuple[Sequence[int] | None, ...]
    index_b: tuple[Sequence[int] | None, ...]
    room: Array | float = 0.0


def as_array(values: Values) -> Array:
    """Return the numbers as an array of the tensor's shape; a number too large for a float is infinite."""
    flat = values.flat
    if isinstance(flat, memoryview):
        return np.asarray(flat).reshape(values.shape)
    try:
        return np.array(flat, dtype=np.float64).reshape(values.shape)
    except OverflowError:
        return np.array([_float(number) for number in flat], dtype=np.float64).reshape(values.shape)


def _float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _inner(a: Array, b: Array) -> float:
    """Return the inner product of two arrays. numpy.dot would wake the threads of BLAS for every small tensor."""
    return float(np.einsum("i,i->", a.reshape(-1), b.reshape(-1)))


def root_mean_square(array: Array, *, masked: float | None) -> float:
    """Return how large the entries are, those left out that are not finite or masked."""
    exact = array.astype(np.float64, copy=False).reshape(-1)
    with np.errstate(all="ignore"):
        total = _inner(exact, exact)
        # The usual tensor is finite and has no mask: it needs no second look.
        if masked is not None or not math.isfinite(total):
            exact = exact[np.isfinite(exact) & (exact > (-np.inf if masked is None else masked))]
            total = _inner(exact, exact)
    return math.sqrt(total / exact.size) if exact.size and math.isfinite(total) else 0.0


def statistics(array: Array) -> Stats:
    """Return the statistics of an array, as a trace holds them."""
    exact = array.astype(np.float64).reshape(-1)
    finite = exact[np.isfinite(exact)]
    some, several = finite.size > 0, finite.size > 1
    return Stats(
        min=float(finite.min()) if some else None,
        max=float(finite.max()) if some else None,
        mean=float(finite.mean()) if some else None,
        std=float(finite.std(ddof=1)) if several else None,
        nan=int(np.isnan(exact).sum()),
        inf=int(np.isinf(exact).sum()),
        zeros=int((exact == 0).sum()),
    )


def visible(array: Array, output: TensorOut) -> Array:
    """Return an attention mask as truth values, whether it is added to the scores or says what may be seen."""
    if output.dtype == "bool":
        return array.astype(bool)
    return np.asarray(array > (masked_below(labels.ATTENTION_MASK, output.dtype) or 0.0))


def blocks(a: Array, b: Array, axes: Sequence[str] | None, rows: Rows, *, padding: bool) -> Iterator[Block]:
    """Yield the entries of two aligned tensors that belong together: the whole tensors where the batches are laid out
    alike and nothing is padding, else sentence by sentence; ``padding`` keeps what is padding in both.
    """
    if rows.same_layout and a.shape == b.shape and (padding or not rows.padded or axes is None or _odd(a, axes, rows)):
        yield Block(a, b, (None,) * a.ndim, (None,) * a.ndim)
        return
    for pair in rows.pairs:
        yield _block(a, b, axes or (), rows, pair, padding=padding)
        if not axes:
            return


def _odd(a: Array, axes: Sequence[str], rows: Rows) -> bool:
    """Whether an axis of sentences or tokens has not as many of them as the batch."""
    full = {"batch": rows.batch[0], **dict.fromkeys(TOKEN_AXES, rows.length[0])}
    return any(axis in full and size not in (1, full[axis]) for axis, size in zip(axes, a.shape, strict=True))


def _block(a: Array, b: Array, axes: Sequence[str], rows: Rows, pair: RowPair, *, padding: bool) -> Block:
    index: list[Sequence[int] | None] = []
    index_b: list[Sequence[int] | None] = []
    for place, axis in enumerate(axes):
        of_a: Sequence[int] | None = None
        of_b: Sequence[int] | None = None
        if axis == "batch":
            of_a, of_b = [pair.a], [pair.b]
        elif axis == FOLDED and max(a.shape[place], b.shape[place]) > 1:
            heads = a.shape[place] // rows.batch[0]
            of_a, of_b = ([row * heads + head for head in range(heads)] for row in (pair.a, pair.b))
        elif axis in TOKEN_AXES and not (padding and rows.same_layout):
            of_a, of_b = pair.tokens_a, pair.tokens_b
        # An axis of one entry stands for all sentences, or all tokens.
        if of_a is not None and a.shape[place] == 1 and axis != FOLDED:
            of_a = None if b.shape[place] == 1 else [0] * len(of_b or ())
        if of_b is not None and b.shape[place] == 1 and axis != FOLDED:
            of_b = None if a.shape[place] == 1 else [0] * len(of_a or ())
        a = a if of_a is None else a.take(of_a, axis=place)
        b = b if of_b is None else b.take(of_b, axis=place)
        index.append(of_a)
        index_b.append(of_b)
    return Block(a, b, tuple(index), tuple(index_b))


@np.errstate(all="ignore")  # infinity and NaN are told of in the answer, not on stderr
def gap_of_values(parts: Iterable[Block], *, allowed: Tolerance, masked: float | None) -> Gap:
    """Return how far apart the entries are, in multiples of what is allowed everywhere or, if that is more, of the room
    of an entry; two are both NaN, or masked, or the same infinity, are not.

    The cosine similarity is that of all entries as one vector, those left out that are masked or not finite.
    """
    worst = Gap(0.0, 0.0, 0.0, 0.0)
    largest = max_abs = dot = square_a = square_b = 0.0
    broken_a = broken_b = 0
    for part in parts:
        a, b = part.a.astype(np.float64, copy=False), part.b.astype(np.float64, copy=False)
        difference = np.abs(a - b)
        magnitude = np.maximum(np.abs(a), np.abs(b))
        finite = np.isfinite(difference)
        if masked is not None:
            hidden = (a < masked) & (b < masked)
            difference = np.where(hidden, 0.0, difference)
            finite &= ~((a < masked) | (b < masked))
        if not finite.all():
            alike = (a == b) | (np.isnan(a) & np.isnan(b))
            difference = np.where(alike, 0.0, np.where(np.isnan(difference), np.inf, difference))
            broken_a += int((~np.isfinite(a)).sum())
            broken_b += int((~np.isfinite(b)).sum())
            a, b = np.where(finite, a, 0.0), np.where(finite, b, 0.0)
            magnitude = np.where(np.isfinite(magnitude), magnitude, 0.0)
        dot += _inner(a, b)
        square_a += _inner(a, a)
        square_b += _inner(b, b)
        largest = max(largest, float(magnitude.max(initial=0.0, where=finite)))
        if not difference.size or not (most := float(difference.max())):
            continue
        max_abs = max(max_abs, most)
        room = np.maximum(allowed.base + allowed.slope * magnitude, part.room)
        times = np.where(difference > 0, difference / room, 0.0)
        at = int(times.argmax())
        if (excess := float(times.flat[at])) > worst.excess:
            place = tuple(int(i) for i in np.unravel_index(at, times.shape))
            place = tuple(i if of is None else of[i] for i, of in zip(place, part.index, strict=True))
            worst = Gap(0.0, 0.0, excess, float(room.flat[at]), place=place)
    note = f"A has {broken_a:,} entries that are not finite, B has {broken_b:,}" if broken_a != broken_b else ""
    cosine = 1.0 if not square_a and not square_b else ratio(dot, math.sqrt(square_a) * math.sqrt(square_b))
    # Rounding must not make two equal vectors more than alike.
    cosine = max(-1.0, min(1.0, cosine))
    return Gap(max_abs, largest, worst.excess, worst.allowed, cosine, worst.place, note)
