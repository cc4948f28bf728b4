"""Which tokens of two different sentences belong together: those of the same words, and of words that took the place of
others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from ..traces.record import Input
from ..traces.token_text import shown_token

_MOST = 6
"""So many differences are told of a sentence."""


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word of a sentence, or a special token: how it is spelled in the text, and as its tokens are shown; its tokens,
    and where those stand.
    """

    text: str
    shown: str
    tokens: tuple[str, ...]
    places: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """The places of the tokens that belong together, in either sentence, and what differs in words."""

    places_a: list[int]
    places_b: list[int]
    differences: list[str]


def align_words(a: Input, row_a: int, b: Input, row_b: int) -> Aligned:
    """Pair the real tokens of two sentences by their words: the longest common runs, and between them as many words as
    replaced as many others, one by one. Words that were put in or left out have no partner.
    """
    words_a, words_b = list(words(a, row_a)), list(words(b, row_b))
    alike = a.pieces == b.pieces  # words that two vocabularies spell in other ways are the same by their text
    keys_a, keys_b = ([word.tokens if alike else word.text for word in side] for side in (words_a, words_b))
    places_a: list[int] = []
    places_b: list[int] = []
    told: list[str] = []
    for tag, i, i_end, j, j_end in SequenceMatcher(None, keys_a, keys_b, autojunk=False).get_opcodes():
        part_a, part_b = words_a[i:i_end], words_b[j:j_end]
        if len(part_a) == len(part_b):
            for one, other in zip(part_a, part_b, strict=True):
                both = min(len(one.places), len(other.places))
                places_a += one.places[:both]
                places_b += other.places[:both]
        if tag != "equal":
            told.append(_difference(part_a, part_b))
    if len(told) > _MOST:
        told = [*told[:_MOST], f"{len(told) - _MOST} more differences"]
    return Aligned(places_a=places_a, places_b=places_b, differences=told)


def words(batch: Input, row: int) -> Iterator[Word]:
    """Yield the words of a sentence in order; a special token is one of its own, and so is every token of a trace that
    does not say which word it is part of.
    """
    tokens, numbers = batch.tokens[row], batch.words[row] if batch.words else []
    places: list[int] = []
    for place, seen in enumerate(batch.attention_mask[row]):
        if not seen:
            continue
        if places and not _same_word(batch, row, numbers, places[-1], place):
            yield _word(batch, row, tokens, places)
            places = []
        places.append(place)
    if places:
        yield _word(batch, row, tokens, places)


def _same_word(batch: Input, row: int, numbers: Sequence[int | None], one: int, other: int) -> bool:
    if not numbers or numbers[other] is None:
        return False
    segments = batch.sides(row)
    return (segments[one], numbers[one]) == (segments[other], numbers[other])


def _word(batch: Input, row: int, tokens: Sequence[str], places: Sequence[int]) -> Word:
    start, end = batch.offsets[row][places[0]][0], batch.offsets[row][places[-1]][1]
    second = batch.pairs is not None and batch.sides(row)[places[0]] == 1
    text = batch.pairs[row] if second and batch.pairs is not None else batch.texts[row]
    spelled = tuple(tokens[place] for place in places)
    shown = "".join(shown_token(batch, row, place) for place in places)
    return Word(text=text[start:end] or shown, shown=shown, tokens=spelled, places=tuple(places))


def _difference(a: Sequence[Word], b: Sequence[Word]) -> str:
    in_a, in_b = (" ".join(word.text for word in side) for side in (a, b))
    if in_a == in_b:  # the same words, of other tokens: with a space before them, or without
        in_a, in_b = (" ".join(word.shown for word in side) for side in (a, b))
    if not a or not b:
        return f"'{in_a or in_b}' only in {'A' if a else 'B'}"
    return f"'{in_a}' in A, '{in_b}' in B"
