"""A tokenizer.json as the library reads it: the whole, one part, and which parts a class of transformers replaces."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import asdict, replace
from tokenizers import Tokenizer

from .classes import TokenizerClass
from .differences import named_part
from .models import Model, WordPiece
from .parts import check_parts
from .schema import TokenizerJson

_PARTS = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
_REPLACED = {"normalizer": "normalizer", "pre_tokenizer": "pre-tokenizer", "post_processor": "post-processor"}


def as_json(found: TokenizerJson, model: Model) -> str:
    """Return a tokenizer.json of what was read of one. How sentences are padded and cut is asked for at each call."""
    added = [
        asdict(word if word.normalized is not UNSET else replace(word, normalized=not word.special))
        for word in found.added_tokens
    ]
    parts = {key: getattr(found, key) for key in _PARTS}
    whole = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, **parts}
    return msgspec.json.encode({**whole, "model": asdict(model)}).decode()


def part_of_library(found: TokenizerJson, section: str) -> Any:
    """Return one part of a tokenizer.json as the library has it, None where it says nothing of it.

    Raises:
        ValueError: it could not be run safely, or is none of the library's.
    """
    if getattr(found, section) is None:
        return None
    check_parts(found, [section])
    alone = TokenizerJson(model=found.model, **{section: getattr(found, section)})
    try:
        return getattr(Tokenizer.from_str(as_json(alone, _LEAST)), section)
    except Exception as error:
        raise ValueError(str(error)) from error


_LEAST = WordPiece(vocab={"[UNK]": 0})


def parts_replaced(found: TokenizerJson | None, tokenizer: Any, made: TokenizerClass | None) -> Iterator[str]:
    """Yield which parts of a tokenizer.json a class replaces by other ones, as the ends of sentences that begin with
    the file's name. What BertTokenizer does is told in `differences`.
    """
    if found is None or made is None or made.package in ("bert", "distilbert"):
        return
    for section, name in _REPLACED.items():
        try:
            said = part_of_library(found, section)
        except ValueError:
            said = found  # whatever it is, it is not what is made
        done = getattr(tokenizer.backend_tokenizer, section)
        if _state(said) != _state(done):
            yield f"has {named_part(name, getattr(found, section))}: {made.name} of transformers has {_own(done)}"


def _state(part: Any) -> Any:
    return None if part is None else part if isinstance(part, TokenizerJson) else part.__getstate__()


def _own(part: Any) -> str:
    return "none" if part is None else "its own"
