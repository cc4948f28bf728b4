"""The parts of a tokenizer.json that the library is to run on the user's sentences: those that are known to end, in a
time and a memory that grow with the sentence, and that say where each token stands.

Their names are those of the library (github.com/huggingface/tokenizers), which ends the process, or prints what it was
doing, where one of them contradicts itself: so they are looked at before.
"""

import re
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from ..notices import short
from .charsmap import check_charsmap, decoded
from .schema import TokenizerJson

_INSIDE = ("normalizers", "pretokenizers", "processors", "decoders")
_KNOWN = {
    "normalizer": {
        *("BertNormalizer", "Lowercase", "StripAccents", "NFC", "NFD", "NFKC", "NFKD", "Strip", "Replace", "Prepend"),
        *("ByteLevel", "Nmt", "Precompiled"),
    },
    "pre_tokenizer": {
        *("BertPreTokenizer", "Whitespace", "WhitespaceSplit", "Punctuation", "Digits", "CharDelimiterSplit", "Split"),
        *("Metaspace", "ByteLevel", "UnicodeScripts"),
    },
    "post_processor": {"BertProcessing", "RobertaProcessing", "TemplateProcessing", "ByteLevel"},
    "decoder": {
        *("WordPiece", "BPEDecoder", "ByteLevel", "Metaspace", "Fuse", "Strip", "Replace", "ByteFallback", "CTC"),
    },
}
_MOST_PARTS = 100
_MOST_GROWTH = 10_000
_PATTERN_LENGTH = 1000


def check_parts(found: TokenizerJson, sections: Sequence[str] = tuple(_KNOWN)) -> None:
    """Hold the parts of a tokenizer.json against what is run; ``sections`` are those that are.

    Raises:
        ValueError: one is unknown, contradicts itself, or may take a time or a memory without bounds.
    """
    for section in sections:
        known, growth = _KNOWN[section], 1
        parts = list(parts_of(getattr(found, section)))
        if len(parts) > _MOST_PARTS:
            raise ValueError(f"its {section} has {len(parts):,} parts, more than {_MOST_PARTS}")
        for part in parts:
            kind = part.get("type")
            if not isinstance(kind, str) or kind not in known:
                raise ValueError(f"its {section} has a part of type {short(str(kind))}, which is not read")
            if "pattern" in part:
                _check_pattern(part["pattern"])
            if kind == "TemplateProcessing":
                _check_template(part)
            if kind == "Precompiled":
                growth *= max(1, check_charsmap(decoded(part.get("precompiled_charsmap"))))
            if (section, kind) == ("decoder", "Strip") and part.get("stop") != 0:
                raise ValueError("its decoder strips the end of a token, and the library fails over an empty one")
        texts = [part.get("content", part.get("prepend", "")) for part in parts]
        if growth * prod(max(1, len(text)) for text in texts if isinstance(text, str)) > _MOST_GROWTH:
            raise ValueError(f"its {section} makes a text more than {_MOST_GROWTH:,} times as long")


def parts_of(section: Any) -> Iterator[dict[str, Any]]:
    """Yield the parts of a section, those of a sequence one by one."""
    if not isinstance(section, dict):
        return
    if section.get("type") != "Sequence":
        yield section
        return
    for key in _INSIDE:
        inside = section.get(key)
        for part in inside if isinstance(inside, list) else ():
            yield from parts_of(part if isinstance(part, dict) else {"type": part})


def _check_template(part: dict[str, Any]) -> None:
    """Refuse a template that names a token it does not define, or the second sentence where there is one only."""
    defined = part.get("special_tokens")
    for name, token in defined.items() if isinstance(defined, dict) else ():
        ids, texts = (token.get(key) if isinstance(token, dict) else None for key in ("ids", "tokens"))
        if not (isinstance(ids, list) and isinstance(texts, list) and len(ids) == len(texts)):
            raise ValueError(f"its post_processor has another number of ids than of tokens for {short(name)}")
    for key, sequences in (("single", {"A"}), ("pair", {"A", "B"})):
        pieces = part.get(key)
        for piece in pieces if isinstance(pieces, list) else ():
            inner = piece.get("Sequence") or piece.get("SpecialToken") if isinstance(piece, dict) else None
            name = inner.get("id") if isinstance(inner, dict) else None
            if not isinstance(name, str):
                raise ValueError(f"its post_processor has a {key} that is no list of tokens and sequences")
            if "Sequence" in piece and name not in sequences:
                raise ValueError(f"its post_processor puts sequence {short(name)} into a {key}")
            if "SpecialToken" in piece and not (isinstance(defined, dict) and name in defined):
                raise ValueError(f"its post_processor puts {short(name)} into a {key} and does not define it")


def _check_pattern(pattern: Any) -> None:
    text = next(iter(pattern.values()), None) if isinstance(pattern, dict) else pattern
    if not isinstance(text, str) or not 0 < len(text) <= _PATTERN_LENGTH:
        raise ValueError(f"it has a pattern that is no text of 1 to {_PATTERN_LENGTH:,} characters")
    if isinstance(pattern, dict) and "Regex" in pattern and not is_bounded(text):
        raise ValueError(f"its pattern {short(text)} may take a time without bounds: a repeated group holds a choice")


# What a regular expression is made of, as far as it matters here: an escaped character, a class, a group's begin or
# end, a choice, a repetition.
_PIECES = re.compile(
    r"\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|\((?:\?(?:[:=!>]|<[=!]|[imx-]+:))?|[)|]|[*+?{]", re.S
)


def is_bounded(pattern: str) -> bool:
    """Whether no text makes a regular expression try more than a power of its length.

    A repetition of what can match one text in several ways tries all of them. So a group that is repeated may hold
    neither a repetition nor a choice, and nothing may refer back to what a group has matched.
    """
    groups = [False]  # for each open group, whether it holds a repetition or a choice
    closed: bool | None = None  # likewise of the group that ended right before
    end = 0
    for piece in _PIECES.finditer(pattern):
        token, before = piece[0], closed if piece.start() == end else None
        closed, end = None, piece.end()
        if token[0] == "\\":
            if token[1] in "123456789kg":
                return False
        elif token[0] == "(":
            groups.append(False)
        elif token == ")" and len(groups) > 1:
            closed = groups.pop()
            groups[-1] |= closed
        elif token == "|":
            groups[-1] = True
        elif token in "*+{":
            if before:
                return False
            groups[-1] = True
        elif token == "?":
            groups[-1] = True  # there or not: a choice
    return True
