"""The words of a sentence, each with the tokens that it was cut into."""

from dataclasses import dataclass

from ...traces.record import Input
from ...traces.sentences import real_places


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word as it stands in its text; ``places`` are those of its tokens, ``side`` 1 is the second text of a pair."""

    text: str
    places: tuple[int, ...]
    side: int


def words_of(batch: Input, row: int) -> list[Word]:
    """Return the words of a sentence in their order; special tokens and padding are none."""
    found: dict[tuple[int, int], list[int]] = {}
    sides = batch.sides(row)
    for place in real_places(batch, row):
        number = batch.words[row][place] if batch.words else place
        if number is not None:
            found.setdefault((sides[place] if batch.pairs is not None else 0, number), []).append(place)
    texts = batch.texts[row], batch.pairs[row] if batch.pairs is not None else ""
    return [
        Word(
            text=texts[bool(side)][batch.offsets[row][places[0]][0] : batch.offsets[row][places[-1]][1]],
            places=tuple(places),
            side=side,
        )
        for (side, _), places in found.items()
    ]
