"""The rows of a sum: each token or word with its share, each bias, each component; and of many the largest."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ...analysis.explain.explanation import Answer, Bias, TokenShare
from ...diff.align_words import words as words_of
from ...safetext import safe_text
from ...traces.record import Input
from ...traces.token_text import shown_token
from ...traces.vocabulary import labels, roles

LARGEST = 20
"""Of a longer sum so many rows are shown, the largest ones."""
_SPARE = 4
"""Rather than a row for a few others those are shown."""
COMPONENTS = 10


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a sum.

    Attributes:
        name: what it is, safe to show.
        share: what it adds.
        place: a token's place in its sentence, None for all else.
        sentence: that sentence's row in the batch.
        places: the places of all tokens that it holds.
        kinds: of a token, what its rows of the word, position and token type tables add; None where there is no table.
        special: whether it is a special token.
        others: how many rows it stands for that are not shown; 0 where it stands for itself.
    """

    name: str
    share: float
    place: int | None = None
    sentence: int = 0
    places: tuple[int, ...] = ()
    kinds: tuple[float | None, ...] = ()
    special: bool = False
    others: int = 0


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rows of one text: ``sentence`` is its row in the batch, ``side`` 1 the second text of a pair."""

    sentence: int
    side: int
    rows: list[Row] = field(default_factory=list)


def token_groups(batch: Input, answer: Answer, *, words: bool = False) -> list[Group]:
    """Return the rows of an answer's tokens, or words, by the texts that they stand in. Padding adds nothing and has
    no row.
    """
    groups: list[Group] = []
    for sentence in dict.fromkeys(token.sentence for token in answer.tokens):
        tokens = {token.place: token for token in answer.tokens if token.sentence == sentence}
        sides = sides_of(batch, sentence)
        for name, places in _named(batch, sentence, tokens, words=words):
            side = sides[places[0]]
            if not groups or (groups[-1].sentence, groups[-1].side) != (sentence, side):
                groups.append(Group(sentence=sentence, side=side))
            groups[-1].rows.append(_row(batch, sentence, name, [tokens[place] for place in places]))
    return groups


def sides_of(batch: Input, row: int) -> list[int]:
    """Return for each token of a row which text it stands in; a token that was put in stands with the one before."""
    if batch.pairs is None:
        return [0] * len(batch.tokens[row])
    found: list[int] = []
    for side, (start, end) in zip(batch.sides(row), batch.offsets[row], strict=True):
        found.append((found[-1] if found else 0) if start == end else side)
    return found


def _named(
    batch: Input, row: int, tokens: dict[int, TokenShare], *, words: bool
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield each token, or each word, that is not padding or adds something nevertheless: its name and places."""
    found = {word.places[0]: word for word in words_of(batch, row)} if words else {}
    inside = {place for word in found.values() for place in word.places}
    for place, token in tokens.items():
        if place in found and len(found[place].places) > 1:
            yield found[place].text, found[place].places
        elif place in found or (place not in inside and (batch.attention_mask[row][place] or float(token.share) != 0)):
            yield shown_token(batch, row, place), (place,)


def _row(batch: Input, sentence: int, name: str, tokens: Sequence[TokenShare]) -> Row:
    place = tokens[0].place
    start, end = batch.offsets[sentence][place]
    kinds = tuple(_added([getattr(token, kind) for token in tokens]) for kind in ("word", "position", "token_type"))
    return Row(
        name=safe_text(name, most=_NAME),
        share=math.fsum(float(token.share) for token in tokens) if _finite(tokens) else math.nan,
        place=place,
        sentence=sentence,
        places=tuple(token.place for token in tokens),
        kinds=kinds,
        special=start == end or bool(batch.special and batch.special[sentence][place]),
    )


_NAME = 200
"""The characters of a word that are shown."""


def _finite(tokens: Sequence[TokenShare]) -> bool:
    return all(math.isfinite(float(token.share)) for token in tokens)


def _added(shares: Sequence[object]) -> float | None:
    known = [float(share) for share in shares if share is not None]  # type: ignore[arg-type]
    return sum(known) if known else None


def bias_rows(answer: Answer, *, each: bool = False) -> list[Row]:
    """Return a row for the biases of each layer and one for each bias outside of them; with ``each``, of all biases."""
    groups: dict[str, list[Bias]] = {}
    for bias in answer.biases:
        groups.setdefault(_bias_name(bias, each=each), []).append(bias)
    return [
        Row(name=safe_text(name), share=sum(float(bias.share) for bias in biases)) for name, biases in groups.items()
    ]


def _bias_name(bias: Bias, *, each: bool) -> str:
    label = "norm" if bias.label == roles.NORM else bias.label.removesuffix(" projection")
    part = "embedding" if bias.part == roles.EMBEDDINGS else bias.part
    name = f"{part} {label}".strip() if bias.label in (roles.NORM, labels.CONSTANT) else label
    if bias.layer is None:
        return name
    return f"layer {bias.layer} {name}" if each else f"layer {bias.layer}"


def component_rows(answer: Answer, *, each: bool = False) -> list[Row]:
    """Return a row for each component: embeddings, convolution, heads, feed-forward parts, and the biases."""
    found = answer.components
    if found is None:
        return []
    rows = [Row(name="embeddings", share=float(found.embeddings))]
    if found.convolution is not None:
        rows.append(Row(name="convolution", share=float(found.convolution)))
    for layer, heads in enumerate(found.heads):
        rows += [Row(name=f"layer {layer} head {head}", share=float(share)) for head, share in enumerate(heads)]
        rows.append(Row(name=f"layer {layer} feed-forward", share=float(found.feed_forward[layer])))
    for row in bias_rows(answer, each=each):
        name = f"{row.name} biases" if row.name.startswith("layer ") and not each else f"{row.name} bias"
        rows.append(Row(name=name, share=row.share))
    return rows


def largest(rows: Sequence[Row], most: int = LARGEST, *, ordered: Callable[[Row], float] | None = None) -> list[Row]:
    """Return the largest of many rows as they stood, or by ``ordered``, and last one row for all others."""
    if len(rows) <= most + _SPARE:
        kept = list(range(len(rows)))
    else:
        kept = sorted(sorted(range(len(rows)), key=lambda at: (-size_of(rows[at]), at))[:most])
    shown = [rows[at] for at in kept]
    if ordered is not None:
        shown.sort(key=ordered)
    return [*shown, *others([rows[at] for at in range(len(rows)) if at not in set(kept)])]


def others(rows: Sequence[Row]) -> list[Row]:
    """Return the one row that stands for several, none for none."""
    if not rows:
        return []
    name = f"{len(rows):,} other{'' if len(rows) == 1 else 's'}"
    return [Row(name=name, share=added(rows), others=len(rows))]


def added(rows: Sequence[Row]) -> float:
    """Return what rows add up to."""
    shares = [row.share for row in rows]
    return math.fsum(shares) if all(map(math.isfinite, shares)) else math.nan


def size_of(row: Row) -> float:
    """Return how large a share is, whichever its sign; what is no number comes first."""
    return math.inf if math.isnan(row.share) else abs(row.share)
