"""What one head does in one sentence: to which place most of its attention goes, and which two words it ties strongest.

Over real tokens alone: padding neither asks nor is counted as a place that a token may stand before or after.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ..traces.record import Trace
from ..traces.sentences import classification_place
from ..traces.token_text import token_texts
from .attention import Array, marks

Place = Literal["first", "separator", "padding", "itself", "previous", "next"]

PLACES: Final[dict[Place, str]] = {
    "first": "the first token",
    "separator": "the separator",
    "padding": "padding",
    "itself": "the token itself",
    "previous": "the token before",
    "next": "the token after",
}
"""The places that a head may look at, in words."""

MOST = 0.5
"""From this share on a head looks mostly at one place."""


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """Where a head looks in one sentence.

    ``shares`` are the means over the real query tokens of what falls on each place (for ``previous`` and ``next`` over
    those that have such a neighbour). They overlap: the first token is also the one before the second. ``strongest`` is
    the (query token, key token) of two different words with the largest probability, None where there are no two, and
    ``strength`` that probability; special tokens and punctuation are no words. ``first`` is where [CLS] stands.
    """

    first: int | None
    shares: dict[Place, float]
    strongest: tuple[int, int] | None
    strength: float

    @property
    def place(self) -> Place:
        """The place with the largest share."""
        return max(self.shares, key=lambda place: self.shares[place])

    @property
    def spread(self) -> bool:
        """Whether no place has more than half of the attention."""
        return not self.shares or self.shares[self.place] <= MOST


def pattern(matrix: Array, trace: Trace, row: int) -> Pattern | None:
    """Return where a head looks, from its probabilities (query tokens, key tokens) in a sentence; None where nothing is
    visible to any of its real tokens.
    """
    first, separators, padding = marks(trace, row)
    seeing = ~padding & ~np.isnan(matrix).any(axis=1)
    places = np.flatnonzero(seeing)
    if not places.size:
        return None
    asked = matrix[places]
    shares: dict[Place, float] = {
        "first": float(asked[:, first].sum(axis=1).mean()),
        "separator": float(asked[:, separators].sum(axis=1).mean()),
        "padding": float(asked[:, padding].sum(axis=1).mean()),
        "itself": float(matrix[places, places].mean()),
        "previous": _neighbour(matrix, places, padding, -1),
        "next": _neighbour(matrix, places, padding, 1),
    }
    strongest, strength = _strongest(matrix, _words(trace, row) & ~(first | separators | padding) & seeing)
    begins = classification_place(trace.input, row)
    return Pattern(first=begins, shares=shares, strongest=strongest, strength=strength)


def in_words(found: Pattern | None, tokens: list[str]) -> str:
    """Return a pattern in a sentence: ``mostly the token before (62 %); strongest: not -> bad 64 %``."""
    if found is None:
        return "nothing is visible"
    place, share = PLACES[found.place], found.shares[found.place]
    if found.place == "first" and found.first is not None:
        place = tokens[found.first]
    told = f"spread, most on {place} ({share:.0%})" if found.spread else f"mostly {place} ({share:.0%})"
    told = told.replace("%)", " %)")
    if found.strongest is not None:
        query, key = found.strongest
        told += f"; strongest: {tokens[query]} -> {tokens[key]} {100 * found.strength:.0f} %"
    return told


def _neighbour(matrix: Array, places: NDArray[np.intp], padding: NDArray[np.bool_], by: int) -> float:
    """Return the mean probability of the token that stands ``by`` places on, over the tokens that have one."""
    other = places + by
    inside = (other >= 0) & (other < len(padding))
    asked, other = places[inside], other[inside]
    real = ~padding[other]
    return float(matrix[asked[real], other[real]].mean()) if real.any() else 0.0


def _words(trace: Trace, row: int) -> NDArray[np.bool_]:
    """Return which tokens are words or pieces of words: neither special nor punctuation."""
    tokens, special = token_texts(trace.input, row), trace.input.special
    spelled = [any(sign.isalnum() for sign in token) for token in tokens]
    plain = ~np.array(special[row] if special else [0] * len(tokens), dtype=bool)
    found: NDArray[np.bool_] = np.array(spelled, dtype=bool) & plain
    return found


def _strongest(matrix: Array, words: NDArray[np.bool_]) -> tuple[tuple[int, int] | None, float]:
    places = np.flatnonzero(words)
    if len(places) < 2:
        return None, 0.0
    among = matrix[np.ix_(places, places)].copy()
    np.fill_diagonal(among, -1.0)
    query, key = np.unravel_index(int(among.argmax()), among.shape)
    return (int(places[query]), int(places[key])), float(among[query, key])
