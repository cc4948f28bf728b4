"""What is said of text that does not reach the model as its writer thinks, held against the tokenizer's own ids."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import change
from transformers import BertTokenizer

from bert_inspect.capture.encode import Sentences, encode
from bert_inspect.capture.odd_text import lost_characters, typed_special_tokens, unknown_words, why_unknown
from bert_inspect.traces.record import Input

Command = Callable[..., tuple[int, str, str]]
LONG = "x" * 101


def encoded(tokenizer: Any, text: str, pair: str | None = None, limit: int | None = None) -> Input:
    sentences = Sentences(texts=[text], pairs=None if pair is None else [pair])
    return encode(tokenizer, sentences, limit=limit, truncate=True)


def test_why_a_word_is_unknown(tokenizer: Any) -> None:
    batch = encoded(tokenizer, f"cats {LONG} {LONG[:-1]} \u2603 a\u2603b [UNK]")
    words = unknown_words(batch, 0, tokenizer)
    assert words == [LONG, "\u2603", "a\u2603b"]
    assert batch.input_ids[0].count(tokenizer.unk_token_id) == len(words) + 1  # one was typed
    reasons = [why_unknown(word, tokenizer) for word in words]
    assert reasons == ["101 characters, more than the 100 that a word may have", "", "no token has \u2603"]


def test_special_tokens_in_the_text(tokenizer: Any) -> None:
    batch = encoded(tokenizer, "I [SEP] love [MASK] [SEP] [cls] cats", "and [PAD]")
    assert typed_special_tokens(batch, 0, tokenizer) == ["[SEP]", "[MASK]", "[PAD]"]
    assert batch.input_ids[0].count(tokenizer.sep_token_id) == 4
    assert typed_special_tokens(encoded(tokenizer, "I love cats"), 0, tokenizer) == []


def test_characters_that_leave_no_token(tokenizer: Any) -> None:
    assert lost_characters(encoded(tokenizer, "\u200b I love \u0007 cats \ufffd"), 0) == ["\u200b", "\x07", "\ufffd"]
    assert lost_characters(encoded(tokenizer, "I  love\tcats\n and \u3000 caf\u00e9"), 0) == []
    assert lost_characters(encoded(tokenizer, "cats", "\u200b dogs"), 0) == ["\u200b"]
    cut = encoded(tokenizer, "I \u200b love cats and \u0007 dogs", limit=5)
    assert cut.tokens[0][1:-1] == ["I", "love", "cats"] and lost_characters(cut, 0) == ["\u200b"]


@pytest.mark.parametrize("name", ["run", "tokens"])
def test_it_is_told(command: Command, checkpoint: Path, name: str) -> None:
    text = f"I [SEP] love {LONG} \u200b cats"
    err = command(name, text, "--model", checkpoint)[2]
    assert "101 characters, more than the 100 that a word may have" in err
    assert "[SEP] in the text is taken as the special token, not as text: for two sentences use --pair" in err
    assert "the tokenizer drops U+200B" in err
    assert "--pair" not in command(name, "I love [MASK]", "--model", checkpoint)[2]
    assert not any("sentence" in line for line in command(name, "I love cats", "--model", checkpoint)[2].splitlines())


def test_settings_without_effect_are_told(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    shutil.copytree(checkpoint, folder)
    before = command("tokens", "I love#cats", "--model", folder)
    change(folder / "tokenizer_config.json", never_split=["#cats"])
    code, out, err = command("tokens", "I love#cats", "--model", folder)
    assert (code, out) == before[:2] and "sets never_split, which fast tokenizers do not know" in err
    assert BertTokenizer.from_pretrained(folder).tokenize("I love#cats") == ["I", "love", "#", "cats"]


def test_the_table_marks_what_was_typed(command: Command, checkpoint: Path) -> None:
    out = command("tokens", "I [SEP] love", "--model", checkpoint)[1]
    assert out.count("special, typed in the text") == 1 and out.count("special\n") == 2
