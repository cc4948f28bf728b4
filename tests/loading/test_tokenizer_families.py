"""The tokenizer of every family is the one that AutoTokenizer makes of the same files, token for token."""

import json
from pathlib import Path
from typing import Any

import pytest
from family_tokenizers import FAMILIES, TEXTS, save
from transformers import AutoTokenizer

from bert_inspect.loading.locate import Checkpoint
from bert_inspect.loading.tokenizer import load_tokenizer


def checkpoint(folder: Path) -> Checkpoint:
    config = json.loads((folder / "config.json").read_text())
    return Checkpoint(name="copy", source="folder", config=config, weights="none", folder=folder)


def assert_same(folder: Path, theirs: Any = None) -> list[str]:
    """Compare what is loaded with what AutoTokenizer loads, and return what was told."""
    told: list[str] = []
    ours, theirs = (
        load_tokenizer(checkpoint(folder), notice=told.append),
        theirs or AutoTokenizer.from_pretrained(folder),
    )
    assert ours.model_input_names == theirs.model_input_names
    for pairs in (None, TEXTS[::-1]):
        mine, other = ours(TEXTS, pairs), theirs(TEXTS, pairs)
        assert dict(mine) == dict(other)
        for field in ("tokens", "offsets", "type_ids", "special_tokens_mask", "word_ids"):
            assert [getattr(row, field) for row in mine.encodings] == [getattr(row, field) for row in other.encodings]
        assert [ours.decode(ids) for ids in mine["input_ids"]] == [theirs.decode(ids) for ids in other["input_ids"]]
    for name in ("model_max_length", "padding_side", "truncation_side", "pad_token_id", "special_tokens_map"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.get_vocab() == theirs.get_vocab()
    assert [*map(str, ours.added_tokens_decoder.items())] == [*map(str, theirs.added_tokens_decoder.items())]
    return told


@pytest.mark.parametrize("family", FAMILIES)
def test_a_saved_tokenizer_is_the_one_of_autotokenizer(tmp_path: Path, family: str) -> None:
    assert assert_same(save(family, tmp_path)) == []
