"""A checkpoint without tokenizer.json: the vocabularies of before it, read as AutoTokenizer reads them."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from family_tokenizers import (
    CONTROL,
    USER_DEFINED,
    Piece,
    assert_same,
    byte_level,
    charsmap,
    checkpoint,
    pieces,
    save,
    sentencepiece,
    words,
)
from tokenizers.models import BPE
from transformers import AutoTokenizer
from transformers.convert_slow_tokenizer import SentencePieceExtractor

from bert_inspect.errors import ModelError
from bert_inspect.loading.files import CheckpointFiles
from bert_inspect.loading.tokenizer import load_tokenizer
from bert_inspect.loading.tokenizing.present import TOKENIZER_FILES, has_tokenizer


def bare(folder: Path, family: str, files: dict[str, bytes], **settings: Any) -> Path:
    """A folder with a configuration and these files of a tokenizer."""
    (folder / "config.json").write_text(json.dumps({"model_type": family, "vocab_size": 1000}))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def merges_file() -> dict[str, bytes]:
    vocabulary, merges = byte_level()
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    return {"vocab.json": json.dumps(vocabulary).encode(), "merges.txt": "\n".join([*lines, ""]).encode()}


BERT_LIKE = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
MPNET = ("<s>", "<pad>", "</s>", "<unk>", "[UNK]", "<mask>")


@pytest.mark.parametrize("family", ["distilbert", "electra", "mpnet"])
def test_lines_are_read(tmp_path: Path, family: str) -> None:
    special = MPNET if family == "mpnet" else BERT_LIKE
    assert_same(bare(tmp_path, family, {"vocab.txt": "\n".join(words(*special)).encode()}, do_lower_case=False))


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_pieces_and_merges_are_read(tmp_path: Path, end: bytes) -> None:
    files = merges_file()
    bare(tmp_path, "roberta", {**files, "merges.txt": files["merges.txt"].replace(b"\n", end)}, add_prefix_space=True)
    assert_same(tmp_path)
    saved = {"mask_token": {"content": "<mask>", "lstrip": True, "normalized": True}}
    (tmp_path / "special_tokens_map.json").write_text(json.dumps(saved))
    assert_same(tmp_path)


FAIRSEQ: list[Piece] = [("<unk>", 0.0, 2), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]
SENTENCEPIECE: dict[str, tuple[str, list[Piece], int]] = {
    "xlm-roberta": ("sentencepiece.bpe.model", FAIRSEQ, 0),
    "camembert": ("sentencepiece.bpe.model", FAIRSEQ, 0),
    "albert": (
        "spiece.model",
        [("<pad>", 0.0, CONTROL), ("<unk>", 0.0, 2), *((name, 0.0, CONTROL) for name in ("[CLS]", "[SEP]", "[MASK]"))],
        1,
    ),
    "deberta-v2": (
        "spm.model",
        [
            ("[PAD]", 0.0, CONTROL),
            ("[CLS]", 0.0, CONTROL),
            ("[SEP]", 0.0, CONTROL),
            ("[UNK]", 0.0, 2),
            ("cats", 0.0, 4),
        ],
        3,
    ),
}


@pytest.fixture
def as_sentencepiece_says(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let transformers see a sentencepiece model without the package that would read it."""

    def use(found: list[Piece], *, unknown: int, charsmap: bytes) -> None:
        proto = SimpleNamespace(
            pieces=[SimpleNamespace(piece=text, score=_single(score), type=role) for text, score, role in found],
            trainer_spec=SimpleNamespace(unk_id=unknown, model_type=1),
            normalizer_spec=SimpleNamespace(precompiled_charsmap=charsmap),
        )
        monkeypatch.setattr(SentencePieceExtractor, "__init__", lambda self, _: setattr(self, "proto", proto))

    return use


def _single(score: float) -> float:
    """A number as 32 bits hold it."""
    return float(struct.unpack("<f", struct.pack("<f", score))[0])


@pytest.mark.parametrize("table", [b"", charsmap()], ids=["no table", "a table"])
@pytest.mark.parametrize("family", SENTENCEPIECE)
def test_a_sentencepiece_model_is_read_without_its_package(
    tmp_path: Path, as_sentencepiece_says: Callable[..., None], family: str, table: bytes
) -> None:
    file, special, unknown = SENTENCEPIECE[family]
    found = [*special, *((text, score, 1) for text, score in pieces("<unk>") if text not in ("<unk>", "cats"))]
    found += [("user's", -1.0, USER_DEFINED)]
    bare(tmp_path, family, {file: sentencepiece(found, unknown=unknown, charsmap=table)}, do_lower_case=False)
    as_sentencepiece_says(found, unknown=unknown, charsmap=table)
    try:
        theirs = AutoTokenizer.from_pretrained(tmp_path)
    except Exception as failure:  # older releases hand an empty table on, and fail, or look for other packages
        assert isinstance(failure, ImportError) or "Cannot parse precompiled_charsmap" in str(failure)
        assert not table
        pytest.skip("this release of transformers reads no model of this kind without a table")
    assert_same(tmp_path, theirs)


SPM = sentencepiece([*FAIRSEQ, ("▁a", -1.0, 1)], unknown=0)
NAN = sentencepiece([*FAIRSEQ, ("▁a", float("nan"), 1)], unknown=0)
BROKEN: dict[str, tuple[str, dict[str, bytes], str]] = {
    "no merges": ("roberta", {"vocab.json": b"{}"}, "no tokenizer.json and no merges.txt, of which a RobertaTokenizer"),
    "another's": (
        "roberta",
        {"vocab.txt": b"a"},
        "no vocab.json and no merges.txt, of which",
    ),
    "nothing else": (
        "modernbert",
        merges_file(),
        "no tokenizer.json, and its tokenizer is made of nothing else",
    ),
    "no object": (
        "roberta",
        {**merges_file(), "vocab.json": b"[]"},
        "copy is damaged: Expected `object`",
    ),
    "no numbers": ("roberta", {**merges_file(), "vocab.json": b'{"a": 0.5}'}, "Expected `int`, got `float`"),
    "below zero": ("roberta", {"vocab.json": b'{"a": -1}', "merges.txt": b""}, "its ids are not rows of an embedding"),
    "no piece": (
        "roberta",
        {**merges_file(), "merges.txt": b"x y\n"},
        "copy is damaged: it merges 'x y'",
    ),
    "three": ("roberta", {**merges_file(), "merges.txt": b"a b c"}, "copy is damaged: it merges 'a b c'"),
    "an empty line": (
        "roberta",
        {**merges_file(), "merges.txt": b"\n\n"},
        "copy is damaged: it merges ''",
    ),
    "many merges": ("roberta", {**merges_file(), "merges.txt": b"a\n" * 10**7}, "it has more than 1,000,000 lines"),
    "binary merges": (
        "roberta",
        {**merges_file(), "merges.txt": b"\xff"},
        "copy is damaged: it is not UTF-8",
    ),
    "no message": (
        "albert",
        {"spiece.model": b"\xff" * 99},
        "copy is damaged: it is no protobuf message",
    ),
    "empty": ("albert", {"spiece.model": b""}, "spiece.model of copy is damaged: it has no pieces"),
    "cut off": ("albert", {"spiece.model": SPM[:20]}, "copy is damaged: it is cut off"),
    "text": (
        "albert",
        {"spiece.model": b"version https://git-lfs.github.com/spec/v1\n"},
        "model of copy is damaged",
    ),
    "no score": (
        "deberta-v2",
        {"spm.model": NAN},
        "damaged: a score of its vocabulary is not a number",
    ),
    "BPE": (
        "camembert",
        {"sentencepiece.bpe.model": sentencepiece(FAIRSEQ, unknown=0, kind=2)},
        "it is not a unigram model",
    ),
    "unknown": ("deberta-v2", {"spm.model": sentencepiece(FAIRSEQ, unknown=3)}, "unk_id 3 is none of its 3"),
    "below": ("deberta-v2", {"spm.model": sentencepiece(FAIRSEQ, unknown=2**64 - 1)}, "unk_id -1 is none of its 3"),
    "a table": ("albert", {"spiece.model": sentencepiece(FAIRSEQ, unknown=0, charsmap=b"x")}, "damaged: it is cut off"),
}


@pytest.mark.parametrize(("family", "files", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_vocabulary_is_refused(tmp_path: Path, family: str, files: dict[str, bytes], message: str) -> None:
    with pytest.raises(ModelError) as refused:
        load_tokenizer(checkpoint(bare(tmp_path, family, files)))
    assert message in refused.value.message and refused.value.hint


def test_merges_are_the_ones_that_the_library_reads(tmp_path: Path) -> None:
    bare(tmp_path, "roberta", merges_file())
    ours = load_tokenizer(checkpoint(tmp_path)).backend_tokenizer.model
    theirs = BPE.from_file(str(tmp_path / "vocab.json"), str(tmp_path / "merges.txt"))
    for text in ("unbelievable", "cats", "ĠZÃ¼rich"):
        assert [token.value for token in ours.tokenize(text)] == [token.value for token in theirs.tokenize(text)]


@pytest.mark.parametrize(
    ("there", "holds"),
    [
        (["tokenizer.json"], True),
        (["vocab.txt"], True),
        (["vocab.json"], False),
        (["vocab.json", "merges.txt"], True),
        (["spm.model"], True),
        (["tokenizer_config.json", "special_tokens_map.json"], False),
    ],
)
def test_which_files_make_a_tokenizer(tmp_path: Path, there: list[str], holds: bool) -> None:
    for file in there:
        (tmp_path / file).touch()
    assert has_tokenizer(CheckpointFiles(root=tmp_path, name="copy")) is holds


def test_every_file_that_a_family_saves_is_fetched(tmp_path: Path) -> None:
    for family in ("roberta", "albert", "mpnet"):
        save(family, tmp_path)
    fetched = {file for pattern in TOKENIZER_FILES for file in tmp_path.glob(pattern)}
    assert {file.name for file in tmp_path.iterdir()} - {file.name for file in fetched} <= {"config.json"}
