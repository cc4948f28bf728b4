"""How a tokenizer splits a word into pieces: the ``model`` of a tokenizer.json, or what the files before it say."""

import math
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from ..notices import short

MOST_WORDS = 1_000_000
_LONGEST_PIECE = 1_000


class WordPiece(Struct, frozen=True, kw_only=True):
    """The longest pieces from the left, those inside a word with a prefix (or whole words only: ``WordLevel``)."""

    vocab: dict[str, int]
    type: str | None = "WordPiece"
    unk_token: str = "[UNK]"
    continuing_subword_prefix: str = "##"
    max_input_chars_per_word: int = 100


class Bpe(Struct, frozen=True, kw_only=True):
    """Characters or bytes, merged pair by pair."""

    vocab: dict[str, int]
    merges: list[str | tuple[str, str]]
    type: str | None = "BPE"
    dropout: float | None = None
    unk_token: str | None = None
    continuing_subword_prefix: str | None = None
    end_of_word_suffix: str | None = None
    fuse_unk: bool = False
    byte_fallback: bool = False
    ignore_merges: bool = False


class Unigram(Struct, frozen=True, kw_only=True):
    """The pieces whose scores have the largest sum; the id of each is its place."""

    vocab: list[tuple[str, float]]
    type: str | None = "Unigram"
    unk_id: int | None = None
    byte_fallback: bool = False


Model = WordPiece | Bpe | Unigram


class _Header(Struct):
    vocab: msgspec.Raw
    type: str | None = None
    merges: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def decode_model(data: bytes) -> Model:
    """Return the model of a tokenizer.json. Older ones do not name its type: its fields do.

    Raises:
        ValueError: it is damaged, or of a type that is not read.
    """
    header = msgspec.json.decode(data, type=_Header)
    kind = header.type
    if kind is None:
        is_list = bytes(header.vocab).lstrip()[:1] == b"["
        kind = "BPE" if header.merges is not msgspec.UNSET else "Unigram" if is_list else "WordPiece"
    types: dict[str, type[Model]] = {"WordPiece": WordPiece, "WordLevel": WordPiece, "BPE": Bpe, "Unigram": Unigram}
    if kind not in types:
        raise ValueError(f"its model is of type {short(kind)}, which is not read")
    found = msgspec.json.decode(data, type=types[kind])
    check_model(found)
    return msgspec.structs.replace(found, type=kind)


def check_model(model: Model) -> None:
    """Hold a vocabulary against what can be run.

    Raises:
        ValueError: it is empty or too large, or contradicts itself.
    """
    count = max(len(model.vocab), len(model.merges) if isinstance(model, Bpe) else 0)
    if count > MOST_WORDS:
        raise ValueError(f"its vocabulary has {count:,} entries, at most {MOST_WORDS:,} are read")
    if not model.vocab:
        raise ValueError("its vocabulary is empty")
    if isinstance(model, Unigram):
        _check_unigram(model)
    elif min(model.vocab.values()) < 0 or max(model.vocab.values()) >= 2**31:
        raise ValueError("its ids are not rows of an embedding")
    if isinstance(model, Bpe):
        _check_merges(model)


def _check_unigram(model: Unigram) -> None:
    if not all(math.isfinite(score) and abs(score) < 1e30 for _, score in model.vocab):
        raise ValueError("a score of its vocabulary is not a number")
    if max(len(piece) for piece, _ in model.vocab) > _LONGEST_PIECE:
        raise ValueError(f"a piece of its vocabulary has more than {_LONGEST_PIECE:,} characters")
    if model.unk_id is not None and not 0 <= model.unk_id < len(model.vocab):
        raise ValueError(f"its unk_id {model.unk_id} is none of its {len(model.vocab):,} pieces")


def _check_merges(model: Bpe) -> None:
    prefix = model.continuing_subword_prefix or ""
    for pair in pairs(model.merges):
        if len(pair) != 2 or not (pair[0] in model.vocab and pair[1] in model.vocab):
            raise ValueError(f"it merges {short(repr(' '.join(pair)))}, which are not two pieces of its vocabulary")
        if (prefix and not pair[1].startswith(prefix)) or pair[0] + pair[1][len(prefix) :] not in model.vocab:
            raise ValueError(f"it merges {short(repr(' '.join(pair)))} to no piece of its vocabulary")


def pairs(merges: Sequence[str | tuple[str, str]]) -> list[tuple[str, ...]]:
    """Return what is merged with what; older files write it in one text, with a space between them."""
    return [tuple(merge.split(" ")) if isinstance(merge, str) else merge for merge in merges]


def words_of(model: Model) -> dict[str, int]:
    """Return the id of each piece."""
    if isinstance(model, Unigram):
        return {piece: number for number, (piece, _) in enumerate(model.vocab)}
    return model.vocab
