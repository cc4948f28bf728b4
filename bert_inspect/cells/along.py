"""From what a user calls a place along an axis to its index: a token by its text, a class by its name, a number."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from ..errors import UsageError
from ..traces.lookup import class_name
from ..traces.vocabulary.axes import FOLDED, TOKEN_AXES
from .names import AT, Names

_MOST_NAMES = 20


def index_along(axis: str, size: int, names: Names, row: int, words: Mapping[str, str]) -> int | slice:
    """Return the place along an axis of a size that words name in a sentence, by the key that was used; or a range of
    places, where of sentences and heads on one axis the sentence alone is named.

    Raises:
        UsageError: nothing is called so there, or several things are.
    """
    if axis == FOLDED:
        plain = next((value for key, value in words.items() if is_plain(key, axis)), None)
        if plain is not None:
            return index_within(plain, size, "place")
        head = next((value for key, value in words.items() if key.startswith("head")), None)
        start = row * names.heads
        return slice(start, start + names.heads) if head is None else start + index_within(head, names.heads, "head")
    if axis == "batch":
        return row if size > 1 else 0
    (value,) = words.values()
    if size == 1 and axis == "broadcast":
        return 0
    if axis in TOKEN_AXES:
        return _token(value, names, row, size)
    if axis == "labels" and number_in(value) is None:
        return _label(value, names, size)
    if axis == "vocabulary" and number_in(value) is None:
        return _id(value, names)
    return index_within(value.split()[-1], size, keys_of([axis])[0] if keys_of([axis]) else axis)


def index_within(value: str, size: int, what: str) -> int:
    """Return the index that a text is, of so many.

    Raises:
        UsageError: it is none of them.
    """
    number = number_in(value)
    if number is None or number >= size:
        raise UsageError(f"there is no {what} {value!r}", f"{what} goes from 0 to {size - 1}" if size > 1 else "only 0")
    return number


def _label(value: str, names: Names, size: int) -> int:
    known = [class_name(names.trace.model, at) for at in range(size)]
    found = [at for at, name in enumerate(known) if name == value] or [
        at for at, name in enumerate(known) if name.casefold() == value.casefold()
    ]
    if len(found) != 1:
        what = "is no label of this model" if not found else "is the label of several classes"
        raise UsageError(f"{value!r} {what}", f"its labels are {', '.join(known[:_MOST_NAMES])}, or write an index")
    return found[0]


def _id(value: str, names: Names) -> int:
    for row in range(names.sentences):
        for text, id_ in zip(names.texts(row), names.batch.input_ids[row], strict=True):
            if text.partition(AT)[0].casefold() == value.casefold():
                return id_
    raise UsageError(f"no token of these sentences is {value!r}", "write the id of the token: id=1234")


def _token(value: str, names: Names, row: int, size: int) -> int:
    """Return the place of a token by its place, by its text (``love``, or ``love@4`` where it is there several times),
    by its piece, or by the word that it begins.

    Raises:
        UsageError: it is not there, or there several times.
    """
    number = number_in(value)
    texts = names.texts(row)
    if number is not None and number < size:
        return number
    pieces = names.batch.tokens[row]
    plain = [text.partition(AT)[0] if text not in pieces else text for text in texts]
    word = value.casefold()
    for way in (
        [at for at, text in enumerate(texts) if text == value],
        [at for at, piece in enumerate(pieces) if piece == value],
        [at for at, text in enumerate(plain) if text.casefold().lstrip("·") == word],
        _of_word(names, row, word),
    ):
        found = [at for at in way if at < size]
        if len(found) == 1:
            return found[0]
        if found:
            which = " or ".join(str(at) for at in found[:5])
            raise UsageError(
                f"{value!r} is there {len(found)} times, at places {', '.join(map(str, found[:10]))}",
                f"name the place: {which}",
            )
    if number is not None:
        raise UsageError(f"there is no token {number}: the sentence has tokens 0 to {size - 1}", "counted from 0")
    where = f"sentence {row + 1}" if names.sentences > 1 else "the sentence"
    near = get_close_matches(value, texts, n=1)
    more = " ..." if len(texts) > _MOST_NAMES else ""
    hint = f"did you mean {near[0]}?" if near else f"its tokens are {' '.join(texts[:_MOST_NAMES])}{more}"
    raise UsageError(f"{where} has no token {value!r}", hint)


def _of_word(names: Names, row: int, word: str) -> list[int]:
    """Return the first tokens of the words that are written so."""
    batch = names.batch
    if not batch.words or not batch.offsets:
        return []
    firsts: dict[tuple[int, int], tuple[int, int, int]] = {}
    sides = batch.sides(row)
    for at, (number, (start, end)) in enumerate(zip(batch.words[row], batch.offsets[row], strict=True)):
        if number is not None:
            first, begin, _ = firsts.get((sides[at], number), (at, start, end))
            firsts[sides[at], number] = first, begin, end
    found = []
    for (side, _), (first, start, end) in firsts.items():
        text = batch.pairs[row] if side and batch.pairs is not None else batch.texts[row]
        if text[start:end].casefold() == word:
            found.append(first)
    return found


def keys_of(axes: Sequence[str]) -> list[str]:
    """Return how the axes are named in ``--at``."""
    words = {"batch": "sentence", "query tokens": "query", "key tokens": "key", "tokens": "token", "heads": "head"}
    words |= dict.fromkeys(("query, key and value", "input and gate"), "number")
    words |= {"labels": "label", "intermediate": "neuron", "head_dim": "d", "choices": "choice", "vocabulary": "id"}
    return ["sentence, head" if axis == FOLDED else words.get(axis, axis) for axis in axes if axis != "broadcast"]


def is_plain(key: str, axis: str) -> bool:
    """Whether a key names an axis that may be named by its parts as such: then a plain index is what stands there."""
    return key.startswith("axis") or key == axis == FOLDED


def number_in(text: str) -> int | None:
    """Return the number that a text is, None if it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
