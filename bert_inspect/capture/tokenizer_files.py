"""A checkpoint's tokenizer files, reduced to what BERT's tokenizer is made of: words, settings, added tokens.

Nothing else in them is acted upon: no code (``auto_map``), no other file that they name, no patterns of their own.
Which file has the say in what is as in the ``from_pretrained`` of transformers.
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from ..errors import ModelError
from .checkpoint_files import VOCABULARY_LIMIT, CheckpointFiles
from .notices import Notice, counted, short

_CONFIG, _SPECIAL, _ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
_WHOLE, _LINES = "tokenizer.json", "vocab.txt"
_MOST_ADDED = 10_000
_MOST_WORDS = 1_000_000
# All of these make BERT's tokens.
_SAME = {"Bert", "DistilBert", "Electra", "MobileBert", "PreTrained", "TokenizersBackend"}
# What the library's reader of vocab.txt takes off the end of a line: Unicode's white space.
_SPACES = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_Kind = TypeVar("_Kind")


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """A token that is looked for before the text is split. What is unset is for the library to say."""

    content: str
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool | UnsetType = UNSET
    special: bool = False


class _NumberedWord(Word, frozen=True, kw_only=True):
    id: int


class _Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What tokenizer_config.json and special_tokens_map.json may say, under their names there."""

    do_lower_case: bool = True
    tokenize_chinese_chars: bool = True
    strip_accents: bool | None = None
    split_special_tokens: bool = False
    clean_up_tokenization_spaces: bool | None = None
    model_max_length: int | float | None = None
    max_len: int | float | None = None
    padding_side: Literal["left", "right"] = "right"
    truncation_side: Literal["left", "right"] = "right"
    unk_token: str | Word = "[UNK]"
    sep_token: str | Word = "[SEP]"
    cls_token: str | Word = "[CLS]"
    pad_token: str | Word | None = "[PAD]"
    mask_token: str | Word | None = "[MASK]"
    bos_token: str | Word | None = None
    eos_token: str | Word | None = None
    extra_special_tokens: list[str | Word] | None = None
    additional_special_tokens: list[str | Word] | None = None  # the older name
    added_tokens_decoder: dict[int, Word] | None = None


class _Model(msgspec.Struct, frozen=True):
    vocab: msgspec.Raw
    type: str | None = None


class _Direction(msgspec.Struct, frozen=True):
    direction: Literal["Left", "Right"] = "Right"


class _Whole(msgspec.Struct, frozen=True):
    """tokenizer.json."""

    model: _Model
    added_tokens: list[_NumberedWord] = []
    padding: _Direction | None = None
    truncation: _Direction | None = None


@dataclass(frozen=True, kw_only=True)
class TokenizerFiles:
    """What BERT's tokenizer is made of: each word's id, its settings by name, what was added under which id."""

    vocabulary: dict[str, int]
    settings: dict[str, Any]
    added: dict[int, Word]


def read_tokenizer(files: CheckpointFiles, *, notice: Notice) -> TokenizerFiles:
    """Read the tokenizer of a checkpoint.

    Raises:
        ModelError: a file is damaged, or is another model's.
    """
    config = files.read_object(_CONFIG) or {}
    _tell(files.name, config, notice)
    settings = _settings(files, _CONFIG, config)
    added = settings.pop("added_tokens_decoder", None)
    words: dict[int, Word] = added or {}
    if added is None:  # as transformers 4 and older save it
        older = _settings(files, _SPECIAL, files.read_object(_SPECIAL) or {})
        settings |= {key: as_special(value) for key, value in older.items() if key != "added_tokens_decoder"}
        words = _added_words(files, settings)
    whole = files.read(_WHOLE, limit=VOCABULARY_LIMIT)
    if whole is None:
        vocabulary = _lines(files, notice)
    else:
        found = _decode(files, _WHOLE, whole, _Whole)
        vocabulary = _vocabulary(files, found.model)
        for side, part in (("padding_side", found.padding), ("truncation_side", found.truncation)):
            if part is not None:
                settings.setdefault(side, part.direction.lower())
        if added is None:
            words |= {word.id: word for word in found.added_tokens}
    if len(words) > _MOST_ADDED:
        raise ModelError(
            f"the tokenizer of {files.name} adds {len(words):,} words", f"at most {_MOST_ADDED:,} are read"
        )
    return TokenizerFiles(vocabulary=vocabulary, settings=settings, added=words)


def as_special(value: Any) -> Any:
    """Return what special_tokens_map.json says with its tokens marked as what they are."""
    if isinstance(value, list):
        return [as_special(item) for item in value]
    return msgspec.structs.replace(value, special=True) if isinstance(value, Word) else value


def _settings(files: CheckpointFiles, file: str, found: dict[str, Any]) -> dict[str, Any]:
    """Return those settings that a file holds and that are BERT's."""
    held = {key: value for key, value in found.items() if key in _Settings.__struct_fields__}
    if held.get("extra_special_tokens") is None and "additional_special_tokens" in held:
        held["extra_special_tokens"] = held["additional_special_tokens"]
    held.pop("additional_special_tokens", None)
    if isinstance(held.get("extra_special_tokens"), dict):
        held["extra_special_tokens"] = list(held["extra_special_tokens"].values())
    converted = _convert(files, file, held, _Settings)
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


def _vocabulary(files: CheckpointFiles, model: _Model) -> dict[str, int]:
    if model.type not in ("WordPiece", None):
        raise ModelError(
            f"{_WHOLE} of {files.name} is a {short(model.type)} tokenizer, not BERT's WordPiece",
            "it belongs to another model",
        )
    found = _decode(files, _WHOLE, bytes(model.vocab), dict[str, int])
    _check_count(files, len(found))
    if not found or min(found.values()) < 0 or max(found.values()) >= 2**31:
        raise files.damaged(_WHOLE, "its vocabulary is empty" if not found else "its ids are no rows of an embedding")
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


def _tell(name: str, config: dict[str, Any], notice: Notice) -> None:
    if config.get("auto_map"):
        notice(f"the tokenizer of {name} brings code of its own (auto_map): it is not run")
    kind = config.get("tokenizer_class")
    if isinstance(kind, str) and kind.removesuffix("Fast").removesuffix("Tokenizer") not in _SAME:
        notice(f"{name} was made with a {short(kind)}; the tokens shown are those of BertTokenizer")


def _decode(files: CheckpointFiles, file: str, data: bytes, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.json.decode(data, type=kind)
    except (ValueError, RecursionError) as error:
        raise files.damaged(file, short(str(error), 200)) from error


def _convert(files: CheckpointFiles, file: str, thing: Any, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.convert(thing, kind, strict=True, str_keys=True)
    except (ValueError, RecursionError) as error:
        raise files.damaged(file, short(str(error), 200)) from error
