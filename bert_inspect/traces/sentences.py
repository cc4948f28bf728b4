"""What the tokens of a sentence are, from the recorded input alone: which are real, which is [CLS], what was cut."""

from dataclasses import dataclass

from msgspec import structs

from .record import Input


def only_row(batch: Input, row: int) -> Input:
    """Return a batch of one of its sentences, with the padding that it has."""
    return _rows(batch, slice(row, row + 1))


def first_rows(batch: Input, count: int) -> Input:
    """Return a batch of its first sentences, with the padding that they have."""
    return _rows(batch, slice(count))


def _rows(batch: Input, kept: slice) -> Input:
    each = ((field, getattr(batch, field)) for field in batch.__struct_fields__)
    return structs.replace(batch, **{field: rows[kept] for field, rows in each if isinstance(rows, list) and rows})


def real_places(batch: Input, row: int) -> list[int]:
    """Return the places of a sentence's tokens that are not padding, on whichever side that stands."""
    return [place for place, seen in enumerate(batch.attention_mask[row]) if seen]


def classification_place(batch: Input, row: int) -> int | None:
    """Return the place of [CLS] (or what another vocabulary calls it): the special token that a sentence begins with.

    None where the tokenizer puts none there. A trace that does not say which tokens are special has one in each
    sentence.
    """
    real = real_places(batch, row)
    return real[0] if real and (not batch.special or batch.special[row][real[0]]) else None


def context_places(batch: Input, row: int) -> list[int]:
    """Return the places of the tokens that an answer may be made of: the words of the second text, of the only one
    where there is no second.
    """
    context = 0 if batch.pairs is None else 1
    words = batch.words[row] if batch.words else [None] * len(batch.tokens[row])
    columns = zip(batch.attention_mask[row], words, batch.sides(row), strict=True)
    return [place for place, (seen, word, side) in enumerate(columns) if seen and word is not None and side == context]


def names_of_special(batch: Input) -> tuple[str, str]:
    """Return what this vocabulary calls the token that a sentence begins with and the one that closes it: [CLS] and
    [SEP] in a BERT, <s> and </s> in a RoBERTa.
    """
    first, last = "[CLS]", "[SEP]"
    for row, tokens in enumerate(batch.tokens):
        places = real_places(batch, row)
        if batch.special and places and batch.special[row][places[0]] and batch.special[row][places[-1]]:
            return tokens[places[0]], tokens[places[-1]]
    return first, last


@dataclass(frozen=True, kw_only=True)
class Cut:
    """The words that truncation took from one end of a text; ``segment`` 1 is the second sentence of a pair."""

    segment: int
    at_end: bool
    words: list[str]


def cuts(batch: Input, row: int) -> list[Cut]:
    """Return what was cut from a sentence and from its pair, as it stands in the text; none where nothing was.

    A tokenizer cuts all texts on one side. On the other a few characters may be missing that never become a token.
    """
    if not batch.truncated[row]:
        return []
    found: list[Cut] = []
    for segment, text in enumerate((batch.texts[row], batch.pairs[row] if batch.pairs is not None else "")):
        spans = zip(batch.offsets[row], batch.sides(row), strict=True)
        kept = [span for span, type_id in spans if type_id == segment and span[1] > span[0]]
        start = min((start for start, _ in kept), default=len(text))
        end = max((end for _, end in kept), default=len(text))
        for at_end, missing in ((False, text[:start]), (True, text[end:])):
            if words := missing.split():
                found.append(Cut(segment=segment, at_end=at_end, words=words))

    def lost(at_end: bool) -> int:
        return sum(len(word) for cut in found if cut.at_end is at_end for word in cut.words)

    return [cut for cut in found if cut.at_end is (lost(True) >= lost(False))]


def cut_in_words(batch: Input, row: int) -> str:
    """Return how many tokens were cut from a sentence and where: ``10 tokens cut from its beginning``. Empty where
    none was.
    """
    count = batch.truncated[row]
    if not count:
        return ""
    ends = ["end" if cut.at_end else "beginning" for cut in cuts(batch, row)]
    if batch.pairs is None:
        where = " and from ".join(f"its {end}" for end in ends)
    else:
        which = [("first", "second")[cut.segment] for cut in cuts(batch, row)]
        where = " and from ".join(f"the {end} of the {one} sentence" for end, one in zip(ends, which, strict=True))
    return f"{count} token{'' if count == 1 else 's'} cut" + (f" from {where}" if where else "")
