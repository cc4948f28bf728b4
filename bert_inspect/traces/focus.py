"""Which head, and which token, the values of tensors are shown of."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import UsageError
from .record import Input
from .token_text import token_texts

_MOST_NAMES = 20


@dataclass(frozen=True, kw_only=True)
class Focus:
    """One head (None: the first, of a stack of them), and one token (None: all): its text, or its place from 0."""

    head: int | None = None
    token: str | None = None

    def check(self, batch: Input, *, heads: int | None) -> None:
        """Refuse what is not there; ``heads`` is how many a layer has, None where that is not known.

        Raises:
            UsageError: no layer has such a head, or no sentence such a token.
        """
        if self.head is not None and heads is not None and not 0 <= self.head < heads:
            raise UsageError(
                f"there is no head {self.head}: this model has heads 0 to {heads - 1}", "heads are counted from 0"
            )
        if self.token is None or any(self.place(batch, row) is not None for row in range(len(batch.tokens))):
            return
        if self.token.isdecimal():
            last = max(map(len, batch.tokens), default=0) - 1
            raise UsageError(
                f"there is no token {self.token}: the sentences have tokens 0 to {last}", "tokens are counted from 0"
            )
        names = list(dict.fromkeys(token for row in range(len(batch.tokens)) for token in token_texts(batch, row)))
        more = " ..." if len(names) > _MOST_NAMES else ""
        raise UsageError(
            f"no sentence has the token {self.token!r}", f"the tokens are {' '.join(names[:_MOST_NAMES])}{more}"
        )

    def place(self, batch: Input, sentence: int) -> int | None:
        """Return where the token stands in a sentence; None if it is not in it, or none was named.

        A text is that of a token, in upper or lower case, or that of a word, whose first token is taken.
        """
        if self.token is None or sentence >= len(batch.tokens):
            return None
        tokens, shown = batch.tokens[sentence], token_texts(batch, sentence)
        if self.token.isdecimal():
            place = int(self.token[:9])
            return place if place < len(tokens) else None
        wanted = self.token.casefold()
        ways: Sequence[Sequence[str]] = (
            [token if token == self.token else "" for token in tokens],
            shown,
            [token.casefold() for token in shown],
            word_texts(batch, sentence),
        )
        return next((way.index(found) for way in ways for found in (self.token, wanted) if found in way), None)

    def sentences(self, batch: Input, most: int) -> list[int]:
        """Return the sentences of which values are shown: the first ones, of those that have the token."""
        rows = range(len(batch.tokens))
        return [row for row in rows if self.token is None or self.place(batch, row) is not None][:most]

    def indices(self, batch: Input, most: int) -> tuple[int, ...]:
        """Return the indices of heads and tokens that are shown of these sentences."""
        places = [self.place(batch, row) for row in self.sentences(batch, most)]
        return tuple(sorted({index for index in (self.head, *places) if index is not None}))


def word_texts(batch: Input, sentence: int) -> list[str]:
    """Return the word that each token is a part of, in lower case; empty where it is part of none."""
    spans: dict[tuple[int, int], tuple[int, int]] = {}
    keys = (
        [
            (segment, -1 if word is None else word)
            for segment, word in zip(batch.sides(sentence), batch.words[sentence], strict=True)
        ]
        if batch.words
        else []
    )
    for key, (start, end) in zip(keys, batch.offsets[sentence], strict=False):
        first, last = spans.get(key, (start, end))
        spans[key] = min(first, start), max(last, end)
    texts = (batch.texts[sentence], "" if batch.pairs is None else batch.pairs[sentence])
    return ["" if word < 0 else texts[bool(segment)][slice(*spans[segment, word])].casefold() for segment, word in keys]
