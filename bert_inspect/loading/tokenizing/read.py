"""A checkpoint's tokenizer files, reduced to what its tokenizer is made of: how words are split, settings, added
tokens, and where tokenizer.json is to be followed, the parts of that.

Nothing else in them is acted upon: no code (``auto_map``), no other file that they name. Which file has the say in what
is as in the ``AutoTokenizer`` of transformers.
"""

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from ...errors import ModelError
from ..files import VOCABULARY_LIMIT, CheckpointFiles
from ..notices import Notice, counted, short, with_article
from .charsmap import check_charsmap, decoded
from .classes import CLASSES, Choice, TokenizerClass, choose
from .differences import differences
from .models import Bpe, Model, Unigram, WordPiece, decode_model, words_of
from .parts import check_parts, parts_of
from .present import JSON
from .schema import Settings, TokenizerJson, Word
from .vocabularies import Vocabulary, read_vocabulary

_CONFIG, _SPECIAL, _ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
_MOST_ADDED, _MOST_LETTERS = 10_000, 500_000  # the library takes a second for them
_NEEDED = ("unk_token", "cls_token", "sep_token")  # what BertTokenizer cannot do without
_BERT = frozenset(CLASSES)
_Kind = TypeVar("_Kind")


@dataclass(frozen=True, kw_only=True)
class TokenizerFiles:
    """What a tokenizer is made of: ``made``, one of transformers' classes, of a vocabulary, its settings by name and
    what was added under which id; or, without a class, of ``found``, tokenizer.json as it is.
    """

    made: TokenizerClass | None = CLASSES["BertTokenizer"]
    vocabulary: Vocabulary
    settings: dict[str, Any]
    added: dict[int, Word]
    found: TokenizerJson | None = None
    words: dict[str, int] = field(default_factory=dict)
    """The id of each piece of the vocabulary."""


def read_tokenizer(
    files: CheckpointFiles, *, notice: Notice, known: Container[str] = _BERT, by_name: bool = True
) -> TokenizerFiles:
    """Read the tokenizer of a checkpoint.

    Args:
        files: where it lies.
        notice: is told what is worth saying about it.
        known: the tokenizer classes that transformers has. Where AutoTokenizer takes the one that is named, it makes
            the tokenizer by its own rules; else tokenizer.json is followed as it is.
        by_name: whether AutoTokenizer takes every one that tokenizer_config.json names, or the model type's own only.

    Raises:
        ModelError: a file is damaged, or is another model's.
    """
    config = files.read_object(_CONFIG) or {}
    if config.get("auto_map"):
        notice(f"the tokenizer of {files.name} brings code of its own (auto_map): it is not run")
    for key, value in _IGNORED.items():
        if config.get(key, value) not in (value, None, []):
            notice(f"{_CONFIG} of {files.name} sets {key}, which fast tokenizers do not know: it has no effect")
    data = files.read(JSON, limit=VOCABULARY_LIMIT)
    found = None if data is None else _decode(files, JSON, data, TokenizerJson)
    model = None if found is None else _model(files, found)
    if isinstance(model, Bpe) and model.dropout:
        notice(f"{JSON} of {files.name} leaves out merges at random (dropout): none is left out here")
        model = msgspec.structs.replace(model, dropout=None)
    choice = choose(files.read_object("config.json") or {}, config, known=known, by_name=by_name)
    made = _made(files, choice, model, notice)
    settings = _settings(files, _CONFIG, config)
    added = settings.pop("added_tokens_decoder", None)
    words: dict[int, Word] = added or {}
    if added is None:  # as transformers 4 and older save it
        older = _settings(files, _SPECIAL, files.read_object(_SPECIAL) or {})
        settings |= {key: _as_special(value) for key, value in older.items() if key != "added_tokens_decoder"}
        words = _added_words(files, settings)
    if found is not None:
        if added is None:
            words |= {word.id: word for word in found.added_tokens}
        _take_sides(found, settings, as_is=made is None)
    null = next((key for key in _NEEDED if settings.get(key, "") is None), None)
    if null is not None and made is not None and made.model == "WordPiece":
        raise files.damaged(_CONFIG, f"{null} is null")
    if len(words) > _MOST_ADDED or sum(len(word.content) for word in words.values()) > _MOST_LETTERS:
        raise ModelError(
            f"the tokenizer of {files.name} adds {counted(len(words), 'word')}, too many or too long",
            f"at most {_MOST_ADDED:,} are read",
        )
    if model is None or found is None:
        assert made is not None
        vocabulary = read_vocabulary(files, made, notice)
    else:
        vocabulary = Vocabulary(model=model, charsmap=_charsmap(files, found, made))
        if made is None:
            _check_followed(files, found, vocabulary)
        elif made.package in ("bert", "distilbert") and isinstance(model, WordPiece):
            for difference in differences(found, model, settings):
                notice(f"{JSON} of {files.name} {difference}")
    return TokenizerFiles(
        made=made, vocabulary=vocabulary, settings=settings, added=words, found=found, words=words_of(vocabulary.model)
    )


_IGNORED = {"never_split": None, "do_basic_tokenize": True}
"""Settings of the slow BERT tokenizer that the fast one has no place for, with the value that asks for nothing."""


def _made(files: CheckpointFiles, choice: Choice, model: Model | None, notice: Notice) -> TokenizerClass | None:
    """Return the class that the tokenizer is made of; None where tokenizer.json is followed as it is."""
    if model is not None and choice.as_is:
        return None
    made = choice.made
    if made is None and (model is None or isinstance(model, WordPiece)):
        made = choice.own
        if made is None:
            raise ModelError(f"{files.name} has no {JSON}, and its tokenizer is made of nothing else", _SAVE)
        was = with_article(short(choice.named))
        notice(f"{files.name} was made with {was}; the tokens shown are those of {made.name}")
    elif made is None:
        was = with_article(short(choice.named))
        notice(f"{files.name} was made with {was}; the tokens shown are those of its {JSON}")
    if made is not None and model is not None and made.model != (kind := _kind(model)):
        raise ModelError(
            f"{JSON} of {files.name} is a {kind} tokenizer, not the {made.model} of {made.name}",
            'is it another model\'s? if not, write "tokenizer_class": "PreTrainedTokenizerFast" into '
            f"{_CONFIG}, and it is taken as it is",
        )
    return made


_SAVE = "load it where transformers can, and save it: tokenizer.save_pretrained(folder) writes tokenizer.json"


def _kind(model: Model) -> str:
    return "BPE" if isinstance(model, Bpe) else "Unigram" if isinstance(model, Unigram) else "WordPiece"


def _take_sides(found: TokenizerJson, settings: dict[str, Any], *, as_is: bool) -> None:
    """Add to the settings what tokenizer.json says of padding and cutting, where they say nothing."""
    if found.truncation is not None:
        settings.setdefault("truncation_side", found.truncation.direction.lower())
    if found.padding is not None:
        settings.setdefault("padding_side", found.padding.direction.lower())
        if as_is:
            settings.setdefault("pad_token", found.padding.pad_token)
            settings.setdefault("pad_token_type_id", found.padding.pad_type_id)


def _charsmap(files: CheckpointFiles, found: TokenizerJson, made: TokenizerClass | None) -> bytes:
    """Return the table of characters that a class takes from tokenizer.json; empty where there is none."""
    if made is None or made.model != "Unigram":
        return b""
    for part in parts_of(found.normalizer):
        if part.get("type") == "Precompiled" and "precompiled_charsmap" in part:
            try:
                table = decoded(part["precompiled_charsmap"])
                check_charsmap(table)
            except ValueError as error:
                raise files.damaged(JSON, str(error)) from error
            return table
    return b""


def _check_followed(files: CheckpointFiles, found: TokenizerJson, vocabulary: Vocabulary) -> None:
    """Refuse a tokenizer.json that cannot be run as it is."""
    if len(found.added_tokens) > _MOST_ADDED or sum(len(word.content) for word in found.added_tokens) > _MOST_LETTERS:
        raise files.damaged(JSON, f"it adds {counted(len(found.added_tokens), 'word')}, too many or too long")
    model = vocabulary.model
    unknown = None if isinstance(model, Unigram) else model.unk_token
    if unknown is not None and unknown not in words_of(model):
        raise files.damaged(JSON, f"its unk_token {short(repr(unknown))} is not in its vocabulary")
    if isinstance(model, Unigram) and model.unk_id is None:
        raise files.damaged(JSON, "it names no unknown piece (unk_id)")
    try:
        check_parts(found)
    except ValueError as error:
        raise ModelError(
            f"{JSON} of {files.name} is not run: {error}",
            "make the tokenizer of the parts that the library's own tokenizers are made of",
        ) from error


def _as_special(value: Any) -> Any:
    """Return what special_tokens_map.json says with its tokens marked as what they are."""
    if isinstance(value, list):
        return [_as_special(item) for item in value]
    return msgspec.structs.replace(value, special=True) if isinstance(value, Word) else value


def _settings(files: CheckpointFiles, file: str, found: dict[str, Any]) -> dict[str, Any]:
    """Return those settings that a file holds and that are a tokenizer's."""
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


def _model(files: CheckpointFiles, found: TokenizerJson) -> Model:
    try:
        return decode_model(bytes(found.model))
    except (ValueError, msgspec.DecodeError, RecursionError) as error:
        raise files.damaged(JSON, short(str(error), 200)) from error


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
