"""A checkpoint's tokenizer files, reduced to what its tokenizer is made of: words, settings, added tokens, and where
tokenizer.json is to be followed, the parts of that.

Nothing else in them is acted upon: no code (``auto_map``), no other file that they name. Which file has the say in what
is as in the ``AutoTokenizer`` of transformers.
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from ..errors import ModelError
from .files import VOCABULARY_LIMIT, CheckpointFiles
from .notices import Notice, counted, short
from .tokenizer_differences import differences
from .tokenizer_parts import check_parts
from .tokenizer_schema import Model, Settings, TokenizerJson, Word

_CONFIG, _SPECIAL, _ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
_JSON, _LINES = "tokenizer.json", "vocab.txt"
_MOST_ADDED, _MOST_LETTERS = 10_000, 500_000  # the library takes a second for them
_MOST_WORDS = 1_000_000
# All of these make BERT's tokens.
_SAME = {"Bert", "DistilBert", "Electra", "MobileBert", "LayoutLM", "Lxmert", "SqueezeBert"}
# What the library's reader of vocab.txt takes off the end of a line: Unicode's white space.
_SPACES = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_NEEDED = ("unk_token", "cls_token", "sep_token")  # what BertTokenizer cannot do without
_BERT = frozenset({"BertTokenizer"})
_Kind = TypeVar("_Kind")


@dataclass(frozen=True, kw_only=True)
class TokenizerFiles:
    """What a tokenizer is made of: each word's id, its settings by name, what was added under which id; and
    tokenizer.json where it is to be followed as it is, as AutoTokenizer does with most classes but BERT's.
    """

    vocabulary: dict[str, int]
    settings: dict[str, Any]
    added: dict[int, Word]
    followed: TokenizerJson | None = None


def read_tokenizer(
    files: CheckpointFiles, *, notice: Notice, known: Container[str] = _BERT, by_name: bool = True
) -> TokenizerFiles:
    """Read the tokenizer of a checkpoint.

    Args:
        files: where it lies.
        notice: is told what is worth saying about it.
        known: the tokenizer classes that transformers has. Where AutoTokenizer takes the one that is named, it makes
            the tokenizer by its own rules; else tokenizer.json is followed as it is.
        by_name: whether AutoTokenizer takes every one that tokenizer_config.json names, or BERT's only.

    Raises:
        ModelError: a file is damaged, or is another model's.
    """
    config = files.read_object(_CONFIG) or {}
    if config.get("auto_map"):
        notice(f"the tokenizer of {files.name} brings code of its own (auto_map): it is not run")
    for key, value in _IGNORED.items():
        if config.get(key, value) not in (value, None, []):
            notice(f"{_CONFIG} of {files.name} sets {key}, which fast tokenizers do not know: it has no effect")
    kind = _class(config)
    taken = known if by_name or not kind else _BERT
    kind = kind or _class(files.read_object("config.json") or {}) or "BertTokenizer"
    whole = files.read(_JSON, limit=VOCABULARY_LIMIT)
    follow = whole is not None and kind not in taken
    if not follow and kind.removesuffix("Tokenizer") not in _SAME:
        notice(f"{files.name} was made with a {short(kind)}; the tokens shown are those of BertTokenizer")
    settings = _settings(files, _CONFIG, config)
    added = settings.pop("added_tokens_decoder", None)
    words: dict[int, Word] = added or {}
    if added is None:  # as transformers 4 and older save it
        older = _settings(files, _SPECIAL, files.read_object(_SPECIAL) or {})
        settings |= {key: _as_special(value) for key, value in older.items() if key != "added_tokens_decoder"}
        words = _added_words(files, settings)
    followed = None
    if whole is None:
        vocabulary = _lines(files, notice)
    else:
        found = _decode(files, _JSON, whole, TokenizerJson)
        vocabulary = _vocabulary(files, found.model)
        if added is None:
            words |= {word.id: word for word in found.added_tokens}
        if found.truncation is not None:
            settings.setdefault("truncation_side", found.truncation.direction.lower())
        if found.padding is not None:
            settings.setdefault("padding_side", found.padding.direction.lower())
        if follow:
            followed = found
            if found.padding is not None:
                settings.setdefault("pad_token", found.padding.pad_token)
                settings.setdefault("pad_token_type_id", found.padding.pad_type_id)
        else:
            for difference in differences(found, settings):
                notice(f"{_JSON} of {files.name} {difference}")
    if not follow and (null := next((key for key in _NEEDED if settings.get(key, "") is None), None)):
        raise files.damaged(_CONFIG, f"{null} is null")
    if len(words) > _MOST_ADDED or sum(len(word.content) for word in words.values()) > _MOST_LETTERS:
        raise ModelError(
            f"the tokenizer of {files.name} adds {counted(len(words), 'word')}, too many or too long",
            f"at most {_MOST_ADDED:,} are read",
        )
    if followed is not None:
        _check_followed(files, followed, vocabulary)
    return TokenizerFiles(vocabulary=vocabulary, settings=settings, added=words, followed=followed)


_IGNORED = {"never_split": None, "do_basic_tokenize": True}
"""Settings of the slow BERT tokenizer that the fast one has no place for, with the value that asks for nothing."""


def _class(config: dict[str, Any]) -> str:
    """Return the class that the tokenizer is said to be of, without ``Fast``; empty where none is named."""
    kind = config.get("tokenizer_class")
    return kind.removesuffix("Fast") if isinstance(kind, str) else ""


def _check_followed(files: CheckpointFiles, found: TokenizerJson, vocabulary: dict[str, int]) -> None:
    """Refuse a tokenizer.json that cannot be run as it is."""
    if len(found.added_tokens) > _MOST_ADDED or sum(len(word.content) for word in found.added_tokens) > _MOST_LETTERS:
        raise files.damaged(_JSON, f"it adds {counted(len(found.added_tokens), 'word')}, too many or too long")
    if found.model.unk_token not in vocabulary:
        raise files.damaged(_JSON, f"its unk_token {short(repr(found.model.unk_token))} is not in its vocabulary")
    try:
        check_parts(found)
    except ValueError as error:
        raise ModelError(
            f"{_JSON} of {files.name} is not run: {error}",
            "make the tokenizer of the parts that the library's BertWordPieceTokenizer is made of",
        ) from error


def _as_special(value: Any) -> Any:
    """Return what special_tokens_map.json says with its tokens marked as what they are."""
    if isinstance(value, list):
        return [_as_special(item) for item in value]
    return msgspec.structs.replace(value, special=True) if isinstance(value, Word) else value


def _settings(files: CheckpointFiles, file: str, found: dict[str, Any]) -> dict[str, Any]:
    """Return those settings that a file holds and that are BERT's."""
    held = {key: value for key, value in found.items() if key in Settings.__struct_fields__}
    if held.get("extra_special_tokens") is None and "additional_special_tokens" in held:
        held["extra_special_tokens"] = held["additional_special_tokens"]
    held.pop("additional_special_tokens", None)
    if isinstance(held.get("extra_special_tokens"), dict):
        held["extra_special_tokens"] = list(held["extra_special_tokens"].values())
    converted = _convert(files, file, held, Settings)
    settings = {key: getattr(converted, key) for key in held}
    for key in ("model_max_length", "max_len"):
        if settings.get(key) is not None and not 1 <= settings[key] <= 1e31:  # 1e30 stands for no limit
            raise files.damaged(file, f"{key} is {short(str(settings[key]))}")
    return settings


def _added_words(files: CheckpointFiles, settings: dict[str, Any]) -> dict[int, Word]:
    added = _convert(files, _ADDED, files.read_object(_ADDED) or {}, dict[str, int])
    tokens = [value for key, value in settings.items() if key.endswith("_token")]
    special = {
        value.content if isinstance(value, Word) else value
        for value in [*tokens, *(settings.get("extra_special_tokens") or [])]
    }
    return {
        index: Word(content=word, normalized=word not in special, special=word in special)
        for word, index in added.items()
    }


def _vocabulary(files: CheckpointFiles, model: Model) -> dict[str, int]:
    if model.type not in ("WordPiece", "WordLevel", None):
        raise ModelError(
            f"{_JSON} of {files.name} is a {short(model.type)} tokenizer, not BERT's WordPiece",
            "it belongs to another model",
        )
    found = _decode(files, _JSON, bytes(model.vocab), dict[str, int])
    _check_count(files, len(found))
    if not found or min(found.values()) < 0 or max(found.values()) >= 2**31:
        raise files.damaged(_JSON, "its vocabulary is empty" if not found else "its ids are not rows of an embedding")
    return found


def _check_count(files: CheckpointFiles, count: int) -> None:
    if count > _MOST_WORDS:
        raise ModelError(f"the vocabulary of {files.name} has {count:,} words", f"at most {_MOST_WORDS:,} are read")


def _lines(files: CheckpointFiles, notice: Notice) -> dict[str, int]:
    """Return the words of vocab.txt, whose ids are the numbers of their lines."""
    data = files.read(_LINES, limit=VOCABULARY_LIMIT) or b""
    _check_count(files, data.count(b"\n"))
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise files.damaged(_LINES, "it is not UTF-8 text") from error
    if not lines[-1]:
        lines.pop()
    if not lines:
        raise files.damaged(_LINES, "it is empty")
    vocabulary = {line.rstrip(_SPACES): number for number, line in enumerate(lines)}
    if twice := len(lines) - len(vocabulary):
        notice(f"{_LINES} of {files.name} has {counted(twice, 'word')} twice: the later line counts")
    return vocabulary


def _decode(files: CheckpointFiles, file: str, data: bytes, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.json.decode(data, type=kind)
    except (ValueError, msgspec.DecodeError, RecursionError) as error:
        raise files.damaged(file, short(str(error), 200)) from error


def _convert(files: CheckpointFiles, file: str, thing: Any, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.convert(thing, kind, strict=True, str_keys=True)
    except (ValueError, msgspec.DecodeError, RecursionError) as error:
        raise files.damaged(file, short(str(error), 200)) from error
