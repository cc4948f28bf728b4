"""A vocabulary in the files of before tokenizer.json: lines, pieces with merges, or a sentencepiece model."""

from dataclasses import dataclass
from typing import Any

import msgspec

from ...errors import ModelError
from ..files import VOCABULARY_LIMIT, CheckpointFiles
from ..notices import Notice, counted, short, with_article
from .charsmap import check_charsmap
from .classes import TokenizerClass
from .models import MOST_WORDS, Bpe, Model, Unigram, WordPiece, check_model
from .schema import Word
from .sentencepiece_model import read_sentencepiece

# What the library's reader of vocab.txt takes off the end of a line: Unicode's white space.
_SPACES = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """How words are split into which pieces. ``charsmap`` is the table of characters that a sentencepiece model brings
    (empty: none), ``sentencepiece`` what else its tokenizer is told of one.
    """

    model: Model
    charsmap: bytes = b""
    sentencepiece: dict[str, Any] | None = None


def read_vocabulary(files: CheckpointFiles, made: TokenizerClass, notice: Notice) -> Vocabulary:
    """Return the vocabulary of a checkpoint without tokenizer.json, from the files that its class is made of.

    Raises:
        ModelError: they are not there, or damaged.
    """
    missing = [file for file in made.files if files.find(file) is None]
    if missing:
        raise ModelError(
            f"{files.name} has no tokenizer.json and no {' and no '.join(missing)}, "
            f"of which {with_article(made.name)} is made",
            "load it where transformers can, and save it: tokenizer.save_pretrained(folder) writes tokenizer.json",
        )
    file = made.files[0]
    data = files.read(file, limit=VOCABULARY_LIMIT) or b""
    try:
        if made.model == "WordPiece":
            return Vocabulary(model=_lines(data, f"{file} of {files.name}", notice))
        if made.model == "BPE":
            pieces = msgspec.json.decode(data, type=dict[str, int])
            file = made.files[1]
            merges = _merges(files.read(file, limit=VOCABULARY_LIMIT) or b"")
            found: Model = Bpe(vocab=pieces, merges=merges)
            check_model(found)
            return Vocabulary(model=found)
        return _sentencepiece(data)
    except UnicodeDecodeError as error:
        raise files.damaged(file, "it is not UTF-8 text") from error
    except (ValueError, msgspec.DecodeError, RecursionError) as error:
        raise files.damaged(file, short(str(error), 200)) from error


def _lines(data: bytes, file: str, notice: Notice) -> WordPiece:
    """Return the words of vocab.txt, whose ids are the numbers of their lines."""
    if data.count(b"\n") > MOST_WORDS:
        raise ValueError(f"its vocabulary has {data.count(bytes([10])):,} entries, at most {MOST_WORDS:,} are read")
    lines = data.decode("utf-8").split("\n")
    if not lines[-1]:
        lines.pop()
    if not lines:
        raise ValueError("it is empty")
    vocabulary = {line.rstrip(_SPACES): number for number, line in enumerate(lines)}
    if twice := len(lines) - len(vocabulary):
        notice(f"{file} has {counted(twice, 'word')} twice: the later line counts")
    return WordPiece(vocab=vocabulary)


def _merges(data: bytes) -> list[str | tuple[str, str]]:
    """Return the pairs of merges.txt in their order, one a line; a line that begins with ``#version`` is none."""
    if data.count(b"\n") > MOST_WORDS:
        raise ValueError(f"it has more than {MOST_WORDS:,} lines")
    lines = data.decode("utf-8").split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines if not line.startswith("#version")]


def _sentencepiece(data: bytes) -> Vocabulary:
    found = read_sentencepiece(data)
    model = Unigram(vocab=found.pieces, unk_id=found.unknown)
    check_model(model)
    if found.charsmap:
        check_charsmap(found.charsmap)
    added = [Word(content=piece, normalized=False, special=special) for piece, special in found.added]
    told = {"unk_id": found.unknown, "additional_special_tokens": added}
    return Vocabulary(model=model, charsmap=found.charsmap, sentencepiece=told)
