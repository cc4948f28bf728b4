"""The shapes of the files of a tokenizer, as far as they are read: msgspec holds the files against them."""

from typing import Any, Literal

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
    keep_accents: bool = False
    add_prefix_space: bool = False
    trim_offsets: bool = True
    split_by_punct: bool = False
    split_special_tokens: bool = False
    clean_up_tokenization_spaces: bool | None = None
    model_max_length: int | float | None = None
    max_len: int | float | None = None
    padding_side: Literal["left", "right"] = "right"
    truncation_side: Literal["left", "right"] = "right"
    unk_token: str | Word | None = "[UNK]"
    sep_token: str | Word | None = "[SEP]"
    cls_token: str | Word | None = "[CLS]"
    pad_token: str | Word | None = "[PAD]"
    mask_token: str | Word | None = "[MASK]"
    bos_token: str | Word | None = None
    eos_token: str | Word | None = None
    extra_special_tokens: list[str | Word] | None = None
    additional_special_tokens: list[str | Word] | None = None  # the older name
    added_tokens_decoder: dict[int, Word] | None = None
    model_input_names: list[Literal["input_ids", "token_type_ids", "attention_mask"]] | None = None


class Padding(msgspec.Struct, frozen=True):
    """How sentences are padded."""

    direction: Literal["Left", "Right"] = "Right"
    pad_token: str = "[PAD]"
    pad_type_id: int = 0


class Truncation(msgspec.Struct, frozen=True):
    """The side on which sentences are cut."""

    direction: Literal["Left", "Right"] = "Right"


class TokenizerJson(msgspec.Struct, frozen=True):
    """The file tokenizer.json. The model has another form in each type, so it is decoded later. What is done to a text
    before and after it is split is left as it stands there: the library that runs it knows its parts.
    """

    model: msgspec.Raw
    added_tokens: list[NumberedWord] = []
    normalizer: dict[str, Any] | None = None
    pre_tokenizer: dict[str, Any] | None = None
    post_processor: dict[str, Any] | None = None
    decoder: dict[str, Any] | None = None
    padding: Padding | None = None
    truncation: Truncation | None = None
