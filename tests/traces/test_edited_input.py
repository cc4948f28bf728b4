"""Tokens that are hidden or left out: what becomes of the input, and that nothing else of it moves."""

from typing import Any

import pytest
from helpers import PAIRS, TEXTS
from msgspec import structs

from bert_inspect.capture.encode import Sentences, encode
from bert_inspect.errors import UsageError
from bert_inspect.traces.edited_input import Spare, edited_input
from bert_inspect.traces.edits import parse_edits
from bert_inspect.traces.record import Input

SPARE = Spare(mask=(103, "[MASK]"), padding=(0, "[PAD]"))


def encoded(tokenizer: Any, *texts: str, **more: Any) -> Input:
    return encode(tokenizer, Sentences(texts=list(texts), **more), limit=None, truncate=False)


def edited(batch: Input, *written: str, spare: Spare = SPARE) -> Input:
    return edited_input(batch, parse_edits(written), spare)


def test_a_token_is_hidden_in_its_place(tokenizer: Any) -> None:
    batch = encoded(tokenizer, *TEXTS)
    found = edited(batch, "token.3")
    assert [row[3] for row in found.tokens] == ["[MASK]"] * 2 and [row[3] for row in found.input_ids] == [103] * 2
    for row in (0, 1):
        assert found.tokens[row][:3] == batch.tokens[row][:3] and found.tokens[row][4:] == batch.tokens[row][4:]
    for name in ("offsets", "words", "attention_mask", "token_type_ids", "texts"):
        assert getattr(found, name) == getattr(batch, name)


def test_a_text_means_a_token_or_a_word_with_all_its_pieces_wherever_it_stands(tokenizer: Any) -> None:
    batch = encoded(tokenizer, "Pineapple pizza loves pizza", "No pizza.")
    rows = edited(batch, "token:pizza").tokens
    assert [token == "[MASK]" for token in rows[0]].count(True) == sum(word in (1, 3) for word in batch.words[0])
    assert "[MASK]" in rows[1]
    whole = edited(batch, "token:pineapple").tokens[0]
    pieces = [place for place, word in enumerate(batch.words[0]) if word == 0]
    assert len(pieces) > 1 and [place for place, token in enumerate(whole) if token == "[MASK]"] == pieces


@pytest.mark.parametrize("side", ["right", "left"])
def test_what_is_left_out_is_as_if_it_had_not_been_written(tokenizer: Any, side: Any) -> None:
    batch, shorter = encoded(tokenizer, "I love big cats!", "He does."), encoded(tokenizer, "I love cats!", "He does.")
    found = edited(batch, "token:big=drop", spare=Spare(mask=None, padding=(0, "[PAD]"), side=side))
    for row in (0, 1):
        ids = shorter.input_ids[row]
        own = [number for number, seen in zip(ids, shorter.attention_mask[row], strict=True) if seen]
        padding = [0] * (len(ids) - len(own))
        assert found.input_ids[row] == (own + padding if side == "right" else padding + own)
    lengths = {len(row) for name in ("tokens", "offsets", "words", "special") for row in getattr(found, name)}
    assert lengths == {len(shorter.tokens[0])}


def test_pairs_keep_their_sides(tokenizer: Any) -> None:
    batch = encoded(tokenizer, *TEXTS, pairs=PAIRS)
    found = edited(batch, "token.1=drop")
    for row in (0, 1):
        real = [type_ for type_, seen in zip(batch.token_type_ids[row], batch.attention_mask[row], strict=True) if seen]
        left = [type_ for type_, seen in zip(found.token_type_ids[row], found.attention_mask[row], strict=True) if seen]
        assert left == real[:1] + real[2:]


def test_edits_mean_the_batch_as_it_was_given(tokenizer: Any) -> None:
    batch = encoded(tokenizer, TEXTS[0])
    assert edited(batch, "token.1=drop", "token.2").tokens[0] == ["[CLS]", "[MASK]", *batch.tokens[0][3:]]


def test_a_token_cannot_be_replaced_and_left_out(tokenizer: Any) -> None:
    batch = encoded(tokenizer, "I love cats", "We love cats")
    with pytest.raises(UsageError, match="token 2 of sentence 1, 'love', is to be replaced and to be left out"):
        edited(batch, "token:love=drop", "token.2")


def test_what_is_not_there_is_refused_with_what_is(tokenizer: Any) -> None:
    batch = encoded(tokenizer, "I love pizza")
    for written, says, hint in (
        ("token.9", "there is no token 9: the sentences have tokens 0 to", "counted from 0"),
        ("token:pizz", "no sentence has the token 'pizz'", "did you mean"),
        ("token:zzz", "no sentence has the token 'zzz'", "the tokens are [CLS] I love"),
    ):
        with pytest.raises(UsageError) as caught:
            edited(batch, written)
        assert says in caught.value.message and hint in (caught.value.hint or "")
    with pytest.raises(UsageError, match="no token that hides a word"):
        edited(batch, "token.1", spare=Spare(mask=None, padding=None))
    with pytest.raises(UsageError, match="no token would be left of sentence 1"):
        edited(batch, *(f"token.{place}=drop" for place in range(len(batch.tokens[0]))))
    with pytest.raises(UsageError, match="no padding token"):
        edited(encoded(tokenizer, "I do", "I love"), "token:do=drop", spare=Spare(mask=None, padding=None))
    assert edited(batch, "layer.3") == batch
    assert structs.asdict(edited(batch)) == structs.asdict(batch)
