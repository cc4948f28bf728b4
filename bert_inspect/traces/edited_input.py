"""A batch with tokens replaced by [MASK], or left out: what an edit of a token makes of the input."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, TypeVar

from msgspec import structs

from ..errors import UsageError
from .edits import Edit
from .focus import word_texts
from .record import Input
from .sentences import real_places
from .token_text import token_texts

_MOST_NAMES = 20
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Spare:
    """The tokens that a vocabulary has besides words: by its id and its name, what hides a word and what fills a row
    up; None where it has none. ``side`` is where a row is filled up.
    """

    mask: tuple[int, str] | None
    padding: tuple[int, str] | None
    side: Literal["left", "right"] = "right"


def edited_input(batch: Input, edits: Sequence[Edit], spare: Spare) -> Input:
    """Return a batch with its tokens edited; edits of the model change nothing here.

    A place is one in every sentence, a text every token, or every word with all its pieces, that reads so. What
    replaces a token stands where that stood; where tokens are left out, those behind them move up.

    Raises:
        UsageError: there is no such token, or nothing to put in its place.
    """
    masked = [edit for edit in edits if edit.kind == "token" and edit.how != "drop"]
    dropped = [edit for edit in edits if edit.kind == "token" and edit.how == "drop"]
    if not masked and not dropped:
        return batch
    found = _places(batch, masked)  # both of the batch as it was given: no edit moves another's token
    left_out = _places(batch, dropped)
    _check_apart(batch, found, left_out)
    if masked:
        batch = _masked(batch, found, spare)
    return _without(batch, left_out, spare) if dropped else batch


def check_token_edits(batch: Input, edits: Sequence[Edit]) -> None:
    """Refuse edits of tokens that are not there, or of which one leaves nothing of another.

    Raises:
        UsageError: names those that are there, or the token.
    """
    found, left_out = (
        _places(batch, [edit for edit in edits if edit.kind == "token" and (edit.how == "drop") is drops])
        for drops in (False, True)
    )
    _check_apart(batch, found, left_out)


def _check_apart(batch: Input, masked: Sequence[set[int]], dropped: Sequence[set[int]]) -> None:
    for row, places in enumerate(hidden & gone for hidden, gone in zip(masked, dropped, strict=True)):
        for place in sorted(places)[:1]:
            which = f" of sentence {row + 1}" if len(batch.tokens) > 1 else ""
            raise UsageError(
                f"token {place}{which}, {token_texts(batch, row)[place]!r}, is to be replaced and to be left out",
                "leave one of the two edits out",
            )


def _places(batch: Input, edits: Sequence[Edit]) -> list[set[int]]:
    found: list[set[int]] = [set() for _ in batch.tokens]
    for edit in edits:
        for row, places in enumerate(token_places(batch, edit)):
            found[row].update(places)
    return found


def token_places(batch: Input, edit: Edit) -> list[list[int]]:
    """Return the places of the tokens that an edit means, for each sentence.

    Raises:
        UsageError: there are none; names those nearest, or those that there are.
    """
    rows = range(len(batch.tokens))
    if edit.text is None:
        width = max(map(len, batch.tokens), default=0)
        if edit.number is None or edit.number >= width:
            raise UsageError(
                f"there is no token {edit.number}: the sentences have tokens 0 to {width - 1}",
                "tokens are counted from 0",
            )
        return [[edit.number] if edit.number < len(batch.tokens[row]) else [] for row in rows]
    wanted = edit.text.casefold()
    for text, each in (
        (edit.text, batch.tokens),
        (edit.text, [token_texts(batch, row) for row in rows]),
        (wanted, [[token.casefold() for token in token_texts(batch, row)] for row in rows]),
        (wanted, [word_texts(batch, row) for row in rows]),
    ):
        if any(text in row for row in each):
            return [[place for place, token in enumerate(row) if token == text] for row in each]
    names = list(dict.fromkeys(token for row in rows for token in token_texts(batch, row)))
    near = get_close_matches(edit.text, names, n=3, cutoff=0.6)
    more = " ..." if len(names) > _MOST_NAMES else ""
    hint = (
        "did you mean " + " or ".join(f"token:{name}" for name in near) + "?"
        if near
        else f"the tokens are {' '.join(names[:_MOST_NAMES])}{more}"
    )
    raise UsageError(f"no sentence has the token {edit.text!r}", hint)


def _masked(batch: Input, places: Sequence[set[int]], spare: Spare) -> Input:
    """Put the mask in the place of tokens. What the text says there, and which word it was, stays."""
    if spare.mask is None:
        raise UsageError("this vocabulary has no token that hides a word", "leave the token out: token.4=drop")
    number, name = spare.mask

    def put(rows: list[list[T]], value: T) -> list[list[T]]:
        pairs = zip(rows, places, strict=True)
        return [[value if place in at else own for place, own in enumerate(row)] for row, at in pairs]

    return structs.replace(
        batch,
        tokens=put(batch.tokens, name),
        input_ids=put(batch.input_ids, number),
        special=put(batch.special, 0) if batch.special else batch.special,
    )


def _without(batch: Input, places: Sequence[set[int]], spare: Spare) -> Input:
    """Leave tokens out, and fill the rows up to one length again."""
    keep = [
        [place for place in real_places(batch, row) if place not in left_out] for row, left_out in enumerate(places)
    ]
    width = max(map(len, keep))
    if not all(keep):
        raise UsageError(f"no token would be left of sentence {keep.index([]) + 1}", "leave fewer of them out")
    number, name = (0, "") if spare.padding is None else spare.padding
    if spare.padding is None and any(len(row) < width for row in keep):
        raise UsageError(
            "the tokenizer has no padding token for sentences of different length",
            "hide the token in place of leaving it out: write it without =drop",
        )

    def kept(rows: list[list[T]], filling: T) -> list[list[T]]:
        if not rows:
            return rows
        found = []
        for row, left in zip(rows, keep, strict=True):
            missing = [filling] * (width - len(left))
            own = [row[place] for place in left]
            found.append(own + missing if spare.side == "right" else missing + own)
        return found

    return structs.replace(
        batch,
        tokens=kept(batch.tokens, name),
        offsets=kept(batch.offsets, (0, 0)),
        words=kept(batch.words, None),
        special=kept(batch.special, 1),
        input_ids=kept(batch.input_ids, number),
        token_type_ids=kept(batch.token_type_ids, 0),
        text_ids=kept(batch.text_ids, 0),
        attention_mask=kept(batch.attention_mask, 0),
    )
