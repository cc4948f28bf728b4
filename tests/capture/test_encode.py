"""The batch against the tokenizer's own words."""

from typing import Any

import pytest
from helpers import TEXTS
from transformers.models.bert.tokenization_bert import BertTokenizer

from bert_inspect.capture.encode import Sentences, encode, token_limit
from bert_inspect.errors import UsageError
from bert_inspect.traces.record import Input
from bert_inspect.traces.sentences import cuts


def encoded(tokenizer: Any, *texts: str, pairs: list[str] | None = None, limit: int | None = 512, **more: Any) -> Input:
    return encode(tokenizer, Sentences(texts=texts, pairs=pairs), limit=limit, truncate=more.get("truncate", False))


def test_the_ids_are_the_tokenizers_own(tokenizer: Any) -> None:
    texts = [*TEXTS, "", "日本語 🐈", "[MASK] me [SEP]", " ".join(["cats"] * 300)]
    batch, plain = encoded(tokenizer, *texts), tokenizer(texts, padding=True)
    assert batch.input_ids == plain["input_ids"]
    assert batch.attention_mask == plain["attention_mask"] and batch.token_type_ids == plain["token_type_ids"]
    assert batch.truncated == [0] * len(texts)


def test_offsets_point_at_the_text(tokenizer: Any) -> None:
    batch = encoded(tokenizer, "He hates pineapple pizza.")
    words = ["", "He", "hates", "pine", "ap", "ple", "pizza", ".", ""]
    assert [batch.texts[0][start:end] for start, end in batch.offsets[0]] == words
    assert batch.words[0] == [None, 0, 1, 2, 2, 2, 3, 4, None]


def test_offsets_of_a_pair_point_at_the_second_text(tokenizer: Any) -> None:
    batch = encoded(tokenizer, "I love cats!", pairs=["Me too."])
    second = [span for span, segment in zip(batch.offsets[0], batch.token_type_ids[0], strict=True) if segment]
    assert ["Me too."[start:end] for start, end in second] == ["Me", "too", ".", ""]


def test_truncation_counts_tokens_and_names_words(tokenizer: Any) -> None:
    batch = encoded(tokenizer, "I love pineapple pizza", limit=6, truncate=True)
    assert batch.tokens == [["[CLS]", "I", "love", "pine", "##ap", "[SEP]"]]
    assert batch.truncated == [2] and [cut.words for cut in cuts(batch, 0)] == [["ple", "pizza"]]


def test_a_sentence_too_long_says_how_long(tokenizer: Any) -> None:
    with pytest.raises(UsageError, match="sentence 2 has 602 tokens, the limit is 512"):
        encoded(tokenizer, "short", " ".join(["cats"] * 600))
    with pytest.raises(UsageError, match="no room"):
        encoded(tokenizer, "cats", limit=1, truncate=True)


def test_the_tokenizer_is_left_as_it_was(tokenizer: Any) -> None:
    before = tokenizer.backend_tokenizer.to_str()
    encoded(tokenizer, "I love cats!", "cats", limit=4, truncate=True)
    tokenizer("x")
    assert tokenizer.backend_tokenizer.to_str() == before


@pytest.mark.parametrize(
    ("own", "positions", "asked", "limit"),
    [
        (512, 1024, None, 512),
        (512, 1024, 1024, 1024),
        (512, 1024, 700, 700),
        (512, 1024, 4000, 1024),
        (512, 512, None, 512),
        (int(1e30), 512, None, 512),
        (512, 64, 100, 64),
        (512, None, 700, 700),
        (512, 1024, 8, 8),
    ],
)
def test_what_is_asked_for_goes_up_to_the_positions_of_the_model(
    own: int, positions: int | None, asked: int | None, limit: int
) -> None:
    tokenizer = BertTokenizer(vocab={"[UNK]": 0, "[CLS]": 1, "[SEP]": 2}, model_max_length=own)
    found = token_limit(tokenizer, positions, asked)
    assert found == limit
    with pytest.raises(UsageError) as caught:
        encode(tokenizer, Sentences(texts=["a " * limit]), limit=found, truncate=False)
    message, hint = str(caught.value), caught.value.hint or ""
    raised = asked is None and positions is not None and own < positions
    assert message.startswith(f"sentence 1 has {limit + 2} tokens, the limit is {limit}: ")
    assert ("so says the tokenizer" in message) == raised == ("`max_length=1024`" in hint)
    assert (f"the model has {positions or 0:,} positions" in message) == (raised or limit == positions)
