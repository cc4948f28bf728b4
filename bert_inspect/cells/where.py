"""From ``--at head=7,query=love,key=cats`` to one index of a tensor: the largest number of what is not named."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from ..errors import UsageError
from ..traces.record import TensorOut
from ..traces.values import masked_below
from ..traces.vocabulary.axes import FOLDED, TOKEN_AXES
from .along import index_along, index_within, is_plain, keys_of, number_in
from .names import Names
from .operand import Index, Read

_KEYS: dict[str, tuple[str, ...]] = {
    "sentence": ("batch", FOLDED),
    "batch": ("batch", FOLDED),
    "head": ("heads", FOLDED),
    "heads": ("heads", FOLDED),
    "query": ("query tokens",),
    "key": ("key tokens",),
    "token": ("tokens",),
    "d": ("head_dim", "half head_dim", "hidden", "embedding"),
    "head_dim": ("head_dim", "half head_dim"),
    "neuron": ("intermediate",),
    "number": ("query, key and value", "input and gate"),
    "label": ("labels",),
    "class": ("labels",),
    "id": ("vocabulary",),
    "choice": ("choices", "batch"),
    "position": ("positions",),
    "distance": ("distances",),
    "frequency": ("frequencies",),
}
"""What an axis may be called besides its own name, and its name in the singular."""


def parse_at(given: Sequence[str]) -> dict[str, str]:
    """Return the axes that are named with what is to stand there: ``head=7,query=love``. A comma parts two of them only
    where an axis and ``=`` follow it, so that a comma may be a token.

    Raises:
        UsageError: it is not of that form, or an axis is named twice.
    """
    found: dict[str, str] = {}
    for text in given:
        for part in re.split(r",(?=\s*[A-Za-z_][A-Za-z_ 0-9]*=)", text):
            name, equals, value = part.partition("=")
            name = " ".join(name.split())
            if not equals or not name or not value:
                raise UsageError(f"--at {text!r} does not name places", "write --at head=7,query=love,key=cats")
            if name in found:
                raise UsageError(f"--at names {name} twice", "name each axis once")
            found[name] = value
    return found


@dataclass(frozen=True, kw_only=True)
class Where:
    """One place in a tensor. ``chosen`` are the axes that nobody named."""

    index: Index
    row: int
    chosen: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """The tensor in which a place is looked for. The answers of a model are ``ranked``: their largest number is the one
    that is highest, that of any other tensor the one that is farthest from 0.
    """

    label: str
    output: TensorOut
    whole: Read
    ranked: bool = False

    @property
    def axes(self) -> list[str]:
        """The names of its axes."""
        axes = self.output.axes
        return list(axes) if axes is not None else [f"axis {at}" for at in range(len(self.output.shape))]


def place_of(tensor: Tensor, names: Names, at: Mapping[str, str], *, sentence: int | None = None) -> Where:
    """Return the place that is meant: of all that ``at`` and ``sentence`` (from 1) leave, that of the largest number,
    padding and what is masked left out.

    Raises:
        UsageError: the tensor has no such axis, or nothing that is called so stands along it.
    """
    axes, shape = tensor.axes, tensor.output.shape
    if 0 in shape:
        raise UsageError(f"{tensor.label} is empty here: it has no numbers", "name another step")
    wanted = _by_axis(tensor, names, at, sentence)
    row_axis = next((place for place, axis in enumerate(axes) if axis in ("batch", FOLDED) and shape[place] > 1), None)
    rows = _rows(names, axes, shape, row_axis, wanted)
    best: tuple[float, int, Index] | None = None
    failed: UsageError | None = None
    tried = 0
    for row in rows:
        try:
            fixed = {
                place: index_along(tensor.axes[place], tensor.output.shape[place], names, row, words)
                for place, words in wanted.items()
                if place >= 0
            }
        except UsageError as error:
            failed = failed or error
            continue
        tried += 1
        size, index = _largest(tensor, names, row, row_axis, fixed)
        if best is None or size > best[0]:
            best = size, row, index
    if best is None:
        raise failed or UsageError(f"{tensor.label} has no such place", "leave --at out for the largest number")
    told = {*wanted, *((row_axis,) if tried == 1 and row_axis is not None and axes[row_axis] == "batch" else ())}
    free = frozenset(place for place, size in enumerate(shape) if place not in told and size > 1)
    return Where(index=best[2], row=best[1], chosen=free)


def _by_axis(tensor: Tensor, names: Names, at: Mapping[str, str], sentence: int | None) -> dict[int, dict[str, str]]:
    """Return what is asked for along each axis, by its place in the tensor and the key that was used."""
    axes = tensor.axes
    given = dict(at)
    if sentence is not None:
        if not 1 <= sentence <= names.sentences:
            there = f"sentences 1 to {names.sentences}" if names.sentences > 1 else "one sentence"
            raise UsageError(
                f"there is no sentence {sentence}: there is {there}".replace("is sentences", "are sentences"),
                "sentences are counted from 1",
            )
        given.setdefault("sentence", str(sentence))
    wanted: dict[int, dict[str, str]] = {}
    for key, value in given.items():
        place = _axis(key, axes)
        if place is None and key in ("sentence", "batch"):
            wanted.setdefault(-1, {})[key] = value  # of a tensor that is the same for all sentences
            continue
        if place is None:
            raise _no_axis(key, tensor)
        if key in wanted.get(place, {}) or (wanted.get(place) and axes[place] != FOLDED):
            raise UsageError(f"--at names the axis {axes[place]} twice", "name each axis once")
        wanted.setdefault(place, {})[key] = value
    return wanted


def _axis(key: str, axes: Sequence[str]) -> int | None:
    word = key.casefold()
    plain = [axis.casefold() for axis in axes]
    if word in plain:
        return plain.index(word)
    ways = _KEYS.get(word, ())
    for way in ways:
        if way in axes:
            return list(axes).index(way)
    singular = {axis.rstrip("s"): at for at, axis in enumerate(plain)}
    if word.rstrip("s") in singular:
        return singular[word.rstrip("s")]
    found = re.fullmatch(r"axis ?(\d)", word)
    return int(found[1]) if found and int(found[1]) < len(axes) else None


def _no_axis(key: str, tensor: Tensor) -> UsageError:
    known = keys_of(tensor.axes)
    near = get_close_matches(key, [*known, *tensor.axes], n=1)
    hint = f"did you mean {near[0]}?" if near else f"its axes are {', '.join(known)}" if known else "it is one number"
    return UsageError(f"{tensor.label} has no axis {key!r}", hint)


def _rows(
    names: Names,
    axes: Sequence[str],
    shape: Sequence[int],
    row_axis: int | None,
    wanted: Mapping[int, Mapping[str, str]],
) -> list[int]:
    """Return the sentences in which a place is looked for."""
    words = {
        key: value for of in wanted.values() for key, value in of.items() if key in ("sentence", "batch", "choice")
    }
    for key, value in words.items():
        row = number_in(value)
        row = None if row is None else row - (key == "sentence")
        if row is None or not 0 <= row < max(names.sentences, 1):
            first = 1 if key == "sentence" else 0
            raise UsageError(
                f"there is no {key} {value!r}", f"there are {key} {first} to {names.sentences - 1 + first}"
            )
        return [row]
    if row_axis is None:
        return [0]
    heads = names.heads if axes[row_axis] == FOLDED else 1
    for key, value in wanted.get(row_axis, {}).items():
        if is_plain(key, axes[row_axis]):
            return [index_within(value, shape[row_axis], key) // heads]
    return list(range(max(shape[row_axis] // heads, 1)))


def _largest(
    tensor: Tensor, names: Names, row: int, row_axis: int | None, fixed: Mapping[int, Any]
) -> tuple[float, Index]:
    """Return how large the largest number is that is left in a sentence, and where it stands."""
    axes, shape = tensor.axes, tensor.output.shape
    places: list[list[int]] = []
    for place, size in enumerate(shape):
        axis = axes[place]
        at = fixed.get(place)
        if place == row_axis and at is None:
            start = row * names.heads
            places.append([row] if axis == "batch" else list(range(start, start + names.heads)))
        elif isinstance(at, slice):
            places.append(list(range(at.start, at.stop)))
        elif at is not None:
            places.append([at])
        elif axis in TOKEN_AXES and row < names.sentences and size == len(names.batch.attention_mask[row]):
            real = [at for at, seen in enumerate(names.batch.attention_mask[row]) if seen]
            places.append(real or list(range(size)))
        else:
            places.append(list(range(size)))
    if all(len(each) == 1 for each in places):
        index = tuple(each[0] for each in places)
        number = float(tensor.whole(index))
        return (number if tensor.ranked else abs(number)) if math.isfinite(number) else -math.inf, index
    lead = [each[0] if len(each) == 1 else slice(None) for each in places]
    held = np.asarray(tensor.whole(tuple(lead)), dtype=np.float64)
    free = [each for each in places if len(each) > 1]
    held = held[np.ix_(*free)]
    with np.errstate(all="ignore"):
        sizes = held if tensor.ranked else np.abs(held)
        below = masked_below(tensor.label, tensor.output.dtype)
        hidden = ~np.isfinite(held) | (held < (-np.inf if below is None else below))
        sizes = np.where(hidden, -np.inf, sizes)
    best = np.unravel_index(int(sizes.argmax()), sizes.shape)
    own = iter(int(at) for at in best)
    index = tuple(each[0] if len(each) == 1 else each[next(own)] for each in places)
    return float(sizes.max()), index
