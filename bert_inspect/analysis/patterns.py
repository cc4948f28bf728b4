"""What one head does in one sentence, in words: where most of its attention goes, and which words it ties strongest.

Only real tokens ask, and only real tokens are counted as a place that a token may stand before or after: padding is
left out, but for the share that falls on it. The rules and their bounds stand at `Pattern`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..traces.record import Input, Trace
from ..traces.sentences import classification_place
from ..traces.vocabulary.places import MOST, PLACES, Place
from .attention import Array, marks

EVEN = 0.2
"""Up to this share of the attention may have to move for it to be even, if it is to be called spread."""
PAIRS = 3
"""How many pairs of words are named at most."""
TIED = 0.1
"""From this probability on a second or third pair is named."""
_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Tokens of two words, and the probability that the query token gives the key token."""

    query: int
    key: int
    probability: float


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """Where a head looks in one sentence.

    ``shares`` says how much of the attention falls on each place: the mean, over the real query tokens that have such
    a place, of the probability there. The first token has none before it, the last none after it, and only a token
    whose word stands in the sentence again has the same word elsewhere. ``token`` is the one key token, neither [CLS]
    nor [SEP], that gets the most. Shares overlap: the first token is also the one before the second. ``covers`` is the
    same mean over all real query tokens, those without such a place as 0: the part of all attention that falls there.

    ``uneven`` is the share of the attention that would have to move for it to be even over the real tokens: half the
    sum of |probability - 1 / real tokens|, in the mean over the query tokens. 0 is even, near 1 is one token alone.

    ``pairs`` are the largest probabilities between tokens of two words, the largest first, as far as they are more than
    an even share; special tokens and punctuation are no words, and the pieces of one word are no two words. ``first``
    and ``last`` are where [CLS] and the last [SEP] stand, ``alike`` the places of tokens that stand there more than
    once.
    """

    first: int | None
    last: int | None
    token: int | None
    alike: frozenset[int]
    shares: dict[Place, float]
    covers: dict[Place, float]
    uneven: float
    pairs: tuple[Pair, ...]

    @property
    def largest(self) -> Place:
        """The place with the largest share of all attention."""
        return max(self.covers, key=lambda place: self.covers[place])

    @property
    def place(self) -> Place | None:
        """Where more than half of all attention goes; None where it goes to no one place."""
        return self.largest if self.covers[self.largest] > MOST else None

    @property
    def spread(self) -> bool:
        """Whether the attention is close to even: it goes to no one place, and a fifth of it moved would make it so."""
        return self.place is None and self.uneven <= EVEN


def pattern(matrix: Array, trace: Trace, row: int) -> Pattern | None:
    """Return where a head looks, from its probabilities (query tokens, key tokens) in a sentence; None where nothing is
    visible to any of its real tokens.
    """
    first, separators, padding = marks(trace, row)
    real = ~padding
    seeing = real & ~np.isnan(matrix).any(axis=1)
    places = np.flatnonzero(seeing)
    if not places.size:
        return None
    asked, words = matrix[places], _words(trace.input, row)
    token = _most_looked_at(asked, real & ~(first | separators))
    one = np.arange(len(padding)) == (-1 if token is None else token)
    gets: dict[Place, tuple[Array, Any]] = {  # of each query token, and whether it has such a place
        "first": (asked[:, first].sum(axis=1), first.any()),
        "separator": (asked[:, separators].sum(axis=1), separators.any()),
        "padding": (asked[:, padding].sum(axis=1), padding.any()),
        "itself": (matrix[places, places], True),
        "previous": _neighbour(matrix, places, real, -1),
        "next": _neighbour(matrix, places, real, 1),
        "same word": _same_word(asked, places, words),
        "token": (asked[:, one].sum(axis=1), token is not None),
    }
    shares: dict[Place, float] = {}
    covers: dict[Place, float] = {}
    for place, (there, has) in gets.items():
        having = np.broadcast_to(has, there.shape)
        shares[place] = float(there[having].mean()) if having.any() else 0.0
        covers[place] = float(there.mean())
    even = np.where(real, 1 / real.sum(), 0.0)
    closing = np.flatnonzero(separators)
    return Pattern(
        first=classification_place(trace.input, row),
        last=int(closing[-1]) if closing.size else None,
        token=token,
        alike=_alike(trace.input.tokens[row]),
        shares=shares,
        covers=covers,
        uneven=float(np.abs(asked - even).sum(axis=1).mean() / 2),
        pairs=_pairs(matrix, words, seeing, even=1 / int(real.sum())),
    )


def in_words(found: Pattern | None, tokens: Sequence[str], *, arrow: str = "->") -> str:
    """Return a pattern in a sentence: ``mostly the token before (62 %); strongest: not -> bad 64 %``. A token that
    stands there more than once has its place behind it, counted from 0: ``cat (6)``.
    """
    if found is None:
        return "nothing is visible"
    told = [_where(found, tokens)]
    again = found.shares["same word"]
    if found.place != "same word" and again > MOST:
        told.append(f"repeated words mostly at their other occurrences ({_percent(again)})")
    if found.pairs:
        named = [pair for place, pair in enumerate(found.pairs) if not place or pair.probability >= TIED]
        ends = [(_token(found, pair.query, tokens), _token(found, pair.key, tokens), pair) for pair in named]
        pairs = (f"{query} {arrow} {key} {_percent(pair.probability)}" for query, key, pair in ends)
        told.append(f"strongest: {', '.join(pairs)}")
    return "; ".join(told)


def _where(found: Pattern, tokens: Sequence[str]) -> str:
    if found.place is not None:
        return f"mostly {_name(found, found.place, tokens)} ({_percent(found.shares[found.place])})"
    if found.spread:
        return "spread almost evenly over all tokens"
    return f"no clear pattern, {_percent(found.covers[found.largest])} on {_name(found, found.largest, tokens)}"


def _name(found: Pattern, place: Place, tokens: Sequence[str]) -> str:
    """Return a place in words; [CLS] and [SEP] by what this vocabulary calls them."""
    if place == "token" and found.token is not None:
        return _token(found, found.token, tokens)
    at = {"first": found.first, "separator": found.last}.get(place)
    return PLACES[place] if at is None else tokens[at]


def _token(found: Pattern, place: int, tokens: Sequence[str]) -> str:
    return f"{tokens[place]} ({place})" if place in found.alike else tokens[place]


def _alike(tokens: Sequence[str]) -> frozenset[int]:
    counts = Counter(tokens)
    return frozenset(place for place, token in enumerate(tokens) if counts[token] > 1)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _words(batch: Input, row: int) -> list[tuple[str, int] | None]:
    """Return of each token the word that it is a piece of, as it stands in the text and where its tokens begin; None
    for special tokens and punctuation. Upper and lower case spell one word.
    """
    size = len(batch.tokens[row])
    special = batch.special[row] if batch.special else [0] * size
    numbers = batch.words[row] if batch.words else range(size)
    sides, offsets = batch.sides(row), batch.offsets[row]
    pieces: dict[tuple[int, int], list[int]] = {}
    for place, number in enumerate(numbers):
        if number is not None and not special[place]:
            pieces.setdefault((sides[place], number), []).append(place)
    found: list[tuple[str, int] | None] = [None] * size
    for (side, _), places in pieces.items():
        text = batch.pairs[row] if side and batch.pairs is not None else batch.texts[row]
        spelled = text[offsets[places[0]][0] : offsets[places[-1]][1]].strip().casefold()
        for place in places if any(sign.isalnum() for sign in spelled) else []:
            found[place] = (spelled, places[0])
    return found


def _neighbour(matrix: Array, places: NDArray[np.intp], real: NDArray[np.bool_], by: int) -> tuple[Array, Any]:
    """Return of each query token the probability of the token ``by`` places on, and whether there is one."""
    other = places + by
    has = (other >= 0) & (other < len(real))
    other = np.where(has, other, places)
    has &= real[other]
    return np.where(has, matrix[places, other], 0.0), has


def _same_word(asked: Array, places: NDArray[np.intp], words: Sequence[tuple[str, int] | None]) -> tuple[Array, Any]:
    """Return of each query token what falls on the other occurrences of its word, and whether there are any."""
    codes: dict[str, int] = {}
    spelled = np.array([codes.setdefault(word[0], len(codes)) if word else -1 for word in words])
    begins = np.array([word[1] if word else -1 for word in words])
    again = spelled[places, None] == spelled[None, :]
    again &= (begins[places, None] != begins[None, :]) & (begins[None, :] >= 0)
    return np.where(again, asked, 0.0).sum(axis=1), again.any(axis=1)


def _most_looked_at(asked: Array, among: NDArray[np.bool_]) -> int | None:
    """Return the key token that gets the most of what the query tokens (rows) give."""
    return int(np.where(among, asked.mean(axis=0), -1.0).argmax()) if among.any() else None


def _pairs(
    matrix: Array, words: Sequence[tuple[str, int] | None], seen: NDArray[np.bool_], *, even: float
) -> tuple[Pair, ...]:
    """Return the largest probabilities between the tokens of two words, the largest first."""
    begins = np.array([word[1] if word else -1 for word in words])
    among = (begins >= 0) & seen
    two = among[:, None] & among[None, :] & (begins[:, None] != begins[None, :])
    queries, keys = np.nonzero(two & (matrix > even * (1 + _ROUNDING)))
    numbers = matrix[queries, keys]
    if len(numbers) > PAIRS:
        high = np.flatnonzero(numbers >= np.partition(numbers, -PAIRS)[-PAIRS])
        queries, keys, numbers = queries[high], keys[high], numbers[high]
    order = np.argsort(-numbers, kind="stable")[:PAIRS]
    return tuple(
        Pair(query=int(queries[place]), key=int(keys[place]), probability=float(numbers[place])) for place in order
    )
