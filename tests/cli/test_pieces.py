"""A byte-level vocabulary from the file to the screen: its pieces are shown as text, the trace keeps their names."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizer_files import write

from bert_inspect import Trace
from bert_inspect.diff.align_words import align_words

Command = Callable[..., tuple[int, str, str]]
NAMES = ["<s>", "<pad>", "</s>", "I", "Ġ", "l", "o", "Ġl", "Ġlo", "Ã", "©", "Ã©", "ĠÃ©"]
MERGES = [["Ġ", "l"], ["Ġl", "o"], ["Ã", "©"], ["Ġ", "Ã©"]]
LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
AROUND = {"sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": True, "add_prefix_space": False}


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    """The checkpoint, copied to be changed."""
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


@pytest.fixture
def byte_level(copy: Path) -> Path:
    model = {"type": "BPE", "vocab": {name: number for number, name in enumerate(NAMES)}, "merges": MERGES}
    parts: dict[str, Any] = {"normalizer": None, "pre_tokenizer": LEVEL, "decoder": LEVEL}
    parts["post_processor"] = {"type": "RobertaProcessing", **AROUND}
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "cls_token": "<s>", "sep_token": "</s>"}
    write(
        copy,
        {
            "tokenizer.json": {"version": "1.0", "added_tokens": [], "model": model, **parts},
            "tokenizer_config.json": {**settings, "pad_token": "<pad>", "model_max_length": 64},
        },
    )
    return copy


def test_pieces_are_shown_as_text(byte_level: Path, command: Command, tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    code, out, err = command("run", "I lo é oé", "--model", byte_level, "-o", file, "--values")
    assert code == 0, err
    batch = json.loads(file.read_text())["input"]
    assert batch["pieces"] == "byte-level"
    assert batch["tokens"] == [["<s>", "I", "Ġlo", "ĠÃ©", "Ġ", "o", "Ã©", "</s>"]]
    assert batch["offsets"][0][1:-1] == [[0, 1], [2, 4], [5, 6], [7, 7], [7, 8], [8, 9]]
    shown = "<s> I ·lo ·é · o é </s>"
    assert shown in command("show", file)[1]
    page = tmp_path / "page.html"
    assert command("report", "--trace", file, "-o", page)[0] == 0
    for out in (command("tokens", "--trace", file)[1], command("attention", "--trace", file)[1], page.read_text()):
        # The page carries the trace, which keeps the names.
        assert "·lo" in out and out.count("Ġlo") == out.count('"tokens":[["\\u003cs>","I","Ġlo"')
    assert "·lo" in command("show", file, "--token", "·LO", "--values")[1]
    assert command("show", file, "--token", "·lo", "--values") == command("show", file, "--token", "Ġlo", "--values")
    assert "the tokens are <s> I ·lo ·é" in command("show", file, "--token", "x", "--values")[2]


def test_a_bert_vocabulary_says_nothing_of_its_pieces(copy: Path, command: Command) -> None:
    assert "pieces" not in json.loads(command("tokens", "I love cats!", "--model", copy, "--json")[1])


def test_words_of_two_vocabularies_are_aligned_by_their_text(
    byte_level: Path, command: Command, tmp_path: Path
) -> None:
    one, other = tmp_path / "a.json", tmp_path / "b.json"
    assert command("run", "oé lo I", "--model", byte_level, "-o", one)[0] == 0
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "I", "lo", "oé"]
    write(byte_level, {"vocab.txt": "\n".join(words).encode(), "tokenizer_config.json": {"do_lower_case": False}})
    assert command("run", "lo I", "--model", byte_level, "-o", other)[0] == 0
    a, b = Trace.load(one).input, Trace.load(other).input
    assert a.tokens == [["<s>", "o", "Ã©", "Ġlo", "Ġ", "I", "</s>"]] and b.tokens == [["[CLS]", "lo", "I", "[SEP]"]]
    found = align_words(a, 0, b, 0)
    assert (found.places_a, found.places_b) == ([3, 4, 6], [1, 2, 3])
    assert found.differences == ["'<s> oé' in A, '[CLS]' in B", "'</s>' in A, '[SEP]' in B"]
