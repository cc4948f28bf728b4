"""Where tokenizer.json describes another tokenizer than transformers makes of it.

AutoTokenizer takes the file as it is only where ``tokenizer_class`` leaves it to. BertTokenizer and the like take the
vocabulary and the added words from it, and make everything else from the settings of tokenizer_config.json.
"""

from collections.abc import Iterator
from typing import Any

from ..notices import short
from .models import WordPiece
from .schema import TokenizerJson, Word

_MADE = "BertTokenizer of transformers"


def differences(found: TokenizerJson, model: WordPiece, settings: dict[str, Any]) -> Iterator[str]:
    """Yield what tokenizer.json says and what BertTokenizer does instead, as the ends of sentences that begin with the
    file's name.
    """
    lower, accents = settings.get("do_lower_case", True), settings.get("strip_accents")
    made: dict[str, Any] = {
        "lowercase": lower,
        "strip_accents": lower if accents is None else accents,
        "handle_chinese_chars": settings.get("tokenize_chinese_chars", True),
        "clean_text": True,
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "unk_token": _content(settings.get("unk_token", "[UNK]")),
    }
    normalizer = found.normalizer
    said: dict[str, Any] = {
        "continuing_subword_prefix": model.continuing_subword_prefix,
        "max_input_chars_per_word": model.max_input_chars_per_word,
        "unk_token": model.unk_token,
    }
    if normalizer is not None and normalizer.get("type") == "BertNormalizer":
        low, strip = normalizer.get("lowercase", True), normalizer.get("strip_accents")
        said |= {"lowercase": low, "strip_accents": low if strip is None else strip}
        said |= {key: normalizer.get(key, True) for key in ("handle_chinese_chars", "clean_text")}
    for key in made:
        if key in said and said[key] != made[key]:
            yield f"says {key} is {short(str(said[key]))}: {_MADE} makes it {short(str(made[key]))}"
    if "lowercase" not in said:
        yield f"has {named_part('normalizer', normalizer)}: {_MADE} has its own"
    if (found.pre_tokenizer or {}).get("type") != "BertPreTokenizer":
        yield f"has {named_part('pre-tokenizer', found.pre_tokenizer)}: {_MADE} has its own"
    first, last = _content(settings.get("cls_token", "[CLS]")), _content(settings.get("sep_token", "[SEP]"))
    if found.post_processor is None:
        yield f"adds no special tokens: {_MADE} adds {short(first)} and {short(last)}"
    elif _around(found.post_processor) != _bert(first, last):
        yield f"puts other special tokens around a text: {_MADE} puts {short(first)} and {short(last)} there"


def _content(token: Any) -> str:
    return token.content if isinstance(token, Word) else str(token)


def named_part(what: str, part: dict[str, Any] | None) -> str:
    """Return how a part of a tokenizer.json is called in a sentence."""
    return f"no {what}" if part is None else f"a {what} of type {short(str(part.get('type')))}"


def _bert(first: Any, last: Any) -> list[str]:
    """Return what stands in one sentence, and in a pair, each with its segment."""
    single = [f"{first}:0", "A:0", f"{last}:0"]
    return [*single, "", *single, "B:1", f"{last}:1"]


def _around(part: dict[str, Any]) -> list[str]:
    """Return the same of the part of a tokenizer.json that puts special tokens around a text; empty of another kind."""
    try:
        if part["type"] == "BertProcessing":
            return _bert(part["cls"][0], part["sep"][0])
        pieces = [*part["single"], None, *part["pair"]] if part["type"] == "TemplateProcessing" else []
        inner = [next(iter(piece.values())) if piece else None for piece in pieces]
        return ["" if piece is None else f"{piece['id']}:{piece['type_id']}" for piece in inner]
    except (AttributeError, IndexError, KeyError, TypeError):
        return []  # it is not run, so it need not be whole
