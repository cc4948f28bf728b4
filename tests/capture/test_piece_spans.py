"""Where the pieces of byte-level and sentencepiece tokenizers stand in a text."""

from typing import Any

import pytest
from family_tokenizers import FAMILIES, TEXTS, make

from bert_inspect.capture.encode import Sentences, encode
from bert_inspect.capture.odd_text import lost_characters, typed_special_tokens, unknown_words, why_unknown
from bert_inspect.traces.record import Input
from bert_inspect.traces.token_text import token_texts

PIECES = {
    **dict.fromkeys(("roberta", "modernbert"), "byte-level"),
    **dict.fromkeys(("xlm-roberta", "camembert", "albert", "deberta-v2"), "metaspace"),
}
AS_WRITTEN = ["roberta", "modernbert", "camembert", "deberta-v2", "xlm-roberta"]
"""The families of which no token is written in other characters than the text, unless its characters are rare."""


def encoded(tokenizer: Any, texts: list[str], pairs: list[str] | None = None) -> Input:
    return encode(tokenizer, Sentences(texts=texts, pairs=pairs), limit=None, truncate=False)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_kind_of_pieces_is_told(family: str) -> None:
    assert encoded(make(family), ["I love cats!"]).pieces == PIECES.get(family, "")


@pytest.mark.parametrize(("family", "trimmed"), [*((each, True) for each in AS_WRITTEN), ("roberta", False)])
def test_a_span_is_the_text_of_its_piece(family: str, trimmed: bool) -> None:
    """Whether the tokenizer takes the space before a word off its span, or leaves it there."""
    tokenizer = make(family)
    if not trimmed:
        tokenizer.backend_tokenizer.post_processor = None
    texts = [text for text in TEXTS if "\u0301" not in text and "▁" not in text and "\n" not in text]
    batch = encoded(tokenizer, texts, texts[::-1])
    compared = 0
    for row in range(len(texts)):
        for place, shown in enumerate(token_texts(batch, row)):
            second = batch.sides(row)[place]
            start, end = batch.offsets[row][place]
            if batch.special[row][place] or "<0x" in shown or batch.input_ids[row][place] == tokenizer.unk_token_id:
                continue
            text = batch.pairs[row] if second and batch.pairs else batch.texts[row]
            if "ﬁ" not in text[start:end]:
                assert text[start:end] == shown.lstrip("·")
                compared += 1
    assert compared > 250


@pytest.mark.parametrize("family", AS_WRITTEN)
def test_words_are_those_of_the_text(family: str) -> None:
    batch = encoded(make(family), ["  I love   cats, unbelievable cats! "])
    spans: dict[int, list[int]] = {}
    for word, (start, end) in zip(batch.words[0], batch.offsets[0], strict=True):
        if word is not None:
            spans.setdefault(word, []).extend(range(start, end))
    spelled = [batch.texts[0][min(places) : max(places) + 1] for places in spans.values() if places]
    assert "".join(spelled).split() == "".join(spelled).split(" ")  # no word holds a space
    assert "".join(spelled) == "Ilovecats,unbelievablecats!"
    assert lost_characters(batch, 0) == []


def test_a_special_token_that_is_typed_has_the_span_of_its_name() -> None:
    for family, mask in (("camembert", "<mask>"), ("mpnet", "<mask>"), ("xlm-roberta", "<mask>")):
        text = f"I love {mask} cats"
        batch = encoded(make(family), [text])
        place = batch.tokens[0].index(mask)
        start, end = batch.offsets[0][place]
        assert text[start:end] == mask
        assert typed_special_tokens(batch, 0, make(family)) == [mask]


def test_what_is_unknown_is_told_by_each_kind() -> None:
    text = "I love ☃☄ cats"
    byte_level, unigram, pieces = make("roberta"), make("camembert"), make("distilbert")
    assert unknown_words(encoded(byte_level, [text]), 0, byte_level) == []  # every byte has a token
    batch = encoded(unigram, [text])
    assert "<unk>" in batch.tokens[0]
    assert unknown_words(batch, 0, unigram) == unknown_words(encoded(pieces, [text]), 0, pieces) == ["☃☄"]
    assert why_unknown("☃☄", unigram) == why_unknown("☃☄", pieces) == "no token has ☃, ☄"
    assert why_unknown("cats" * 50, pieces) == "200 characters, more than the 100 that a word may have"
