"""A sentence in pieces, each with the share of the token or word that it is: the whole text, coloured."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ...safetext import safe_text
from ...traces.record import Input
from .digits import largest_of, strengths
from .rows import Group

_GAP = 80
"""So many characters between two tokens are shown: they are spaces, or signs that no tokenizer reads."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A piece of a text, safe to show.

    Attributes:
        text: what stands there.
        kind: a token or word with a share (``share``), one that was put in and is no part of the text (``inserted``),
            what is between them (``plain``), or words on what is left out (``cut``).
        share: what it adds.
        strength: that beside the largest share, from -1 to 1.
        places: the places of its tokens.
    """

    text: str
    kind: Literal["share", "inserted", "plain", "cut"] = "plain"
    share: float = 0.0
    strength: float = 0.0
    places: tuple[int, ...] = ()

    @property
    def tells(self) -> bool:
        """Whether it has a share."""
        return self.kind in ("share", "inserted")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One text in pieces: that of a row of the batch, ``side`` 1 the second one of a pair."""

    sentence: int
    side: int
    pieces: list[Piece]


def lines(batch: Input, groups: Sequence[Group]) -> list[Line]:
    """Return the texts that the tokens of an answer stand in, in pieces; how strong each is follows from the largest
    of all of them.
    """
    largest = largest_of(row.share for group in groups for row in group.rows)
    return [
        Line(sentence=group.sentence, side=group.side, pieces=_shaded(list(_pieces(batch, group)), largest))
        for group in groups
    ]


def text_of(batch: Input, sentence: int, side: int) -> str:
    """Return the first text of a row, or the second one of its pair."""
    return batch.pairs[sentence] if side and batch.pairs is not None else batch.texts[sentence]


def _pieces(batch: Input, group: Group) -> Iterator[Piece]:
    text, offsets = text_of(batch, group.sentence, group.side), batch.offsets[group.sentence]
    spans = [(offsets[row.places[0]][0], offsets[row.places[-1]][1]) for row in group.rows]
    written = [place for place, (start, end) in enumerate(spans) if end > start]
    at = 0
    for place, (row, (start, end)) in enumerate(zip(group.rows, spans, strict=True)):
        if end <= start:
            yield Piece(text=row.name, kind="inserted", share=row.share, places=row.places)
            continue
        if place == written[0] and start > _GAP:
            yield Piece(text=f"({start:,} characters before) ... ", kind="cut")
        elif start > at:
            yield Piece(text=safe_text(text[at:start], most=_GAP))
        yield Piece(text=safe_text(text[max(at, start) : end]), kind="share", share=row.share, places=row.places)
        at = max(at, end)
        if place == written[-1] and len(text) > at + _GAP:
            yield Piece(text=f" ... ({len(text) - at:,} more characters)", kind="cut")
        elif place == written[-1] and len(text) > at:
            yield Piece(text=safe_text(text[at:]))


def _shaded(pieces: list[Piece], largest: float) -> list[Piece]:
    """Return the pieces with their strengths; a token that shares its characters with the one before joins it."""
    found: list[Piece] = []
    for piece in pieces:
        if piece.kind == "share" and not piece.text and found and found[-1].kind == "share":
            before = found[-1]
            found[-1] = replace(before, share=before.share + piece.share, places=before.places + piece.places)
        elif piece.text:
            found.append(piece)
    shades = strengths([piece.share for piece in found], largest=largest)
    return [replace(piece, strength=shade) for piece, shade in zip(found, shades, strict=True)]
