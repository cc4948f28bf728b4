"""The shapes of the files of a BERT tokenizer, as far as they are read: msgspec holds the files against them."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """A token that is looked for before the text is split. What is unset is for the library to say."""

    content: str
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool | UnsetType = UNSET
    special: bool = False


class NumberedWord(Word, frozen=True, kw_only=True):
    """Such a token with its id, as tokenizer.json lists it."""

    id: int


class Settings(msgspec.Struct, frozen=True, kw_only=True):
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


class Model(msgspec.Struct, frozen=True):
    """How a word is split into pieces. Only WordPiece has a vocabulary of this kind, so it is decoded later."""

    vocab: msgspec.Raw
    type: str | None = None
    continuing_subword_prefix: str = "##"


class Normalizer(msgspec.Struct, frozen=True):
    """What is done to a text before it is split."""

    type: str
    lowercase: bool = True
    strip_accents: bool | None = None
    handle_chinese_chars: bool = True


class Direction(msgspec.Struct, frozen=True):
    """The side on which sentences are padded, or cut."""

    direction: Literal["Left", "Right"] = "Right"


class TokenizerJson(msgspec.Struct, frozen=True):
    """The file tokenizer.json."""

    model: Model
    added_tokens: list[NumberedWord] = []
    normalizer: Normalizer | None = None
    padding: Direction | None = None
    truncation: Direction | None = None
