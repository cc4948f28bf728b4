"""Tokens are shown as the text that they stand for."""

import pytest
from tokenizers import decoders, pre_tokenizers

from bert_inspect.traces.record import Input
from bert_inspect.traces.token_text import shown_token, token_text, token_texts


def batch(text: str, tokens: list[tuple[str, int, int]], *, pieces: str, special: list[int] | None = None) -> Input:
    count = len(tokens)
    return Input(
        texts=[text],
        pairs=None,
        tokens=[[token for token, _, _ in tokens]],
        offsets=[[(start, end) for _, start, end in tokens]],
        special=[special or [0] * count],
        input_ids=[list(range(count))],
        token_type_ids=[[0] * count],
        attention_mask=[[1] * count],
        labels=None,
        truncated=[0],
        pieces=pieces,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("token", "pieces", "shown"),
    [
        ("Ġlove", "byte-level", "·love"),
        ("fÃ©", "byte-level", "fé"),
        ("æĹ¥", "byte-level", "日"),
        ("æĹ", "byte-level", "<0xE6><0x97>"),
        ("Ã", "byte-level", "<0xC3>"),
        ("ĠĠ", "byte-level", "··"),
        ("aĠb", "byte-level", "a b"),
        ("Ċ", "byte-level", "\n"),
        ("日", "byte-level", "日"),  # no byte is written so: it is an added token
        ("▁love", "metaspace", "·love"),
        ("▁", "metaspace", "·"),
        ("日", "metaspace", "日"),
        ("Ġlove", "metaspace", "Ġlove"),
        ("Ġlove", "", "Ġlove"),
        ("▁love", "", "▁love"),
    ],
)
def test_a_piece_is_shown_as_its_text(token: str, pieces: str, shown: str) -> None:
    assert token_text(token, pieces) == shown


def test_every_byte_is_the_one_that_the_library_writes_so() -> None:
    split, join = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False), decoders.ByteLevel()
    for text in map(chr, [*range(0x21, 0x250), 0x65E5, 0x1F600]):
        ((token, _),) = split.pre_tokenize_str(text)
        assert token_text(token, "byte-level") == text == join.decode([token])


def test_names_are_shown_as_they_are() -> None:
    tokens = [("<ſ>", 0, 0), ("ĠÃ¤", 1, 2), ("é", 2, 3), ("Â", 3, 4), ("½", 3, 4)]
    found = batch(" äé½", tokens, pieces="byte-level", special=[1, 0, 0, 0, 0])
    assert token_texts(found, 0) == ["<ſ>", "·ä", "é", "<0xC2>", "<0xBD>"]
    assert shown_token(found, 0, 1) == "·ä"
