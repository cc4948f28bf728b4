"""What the tokenizer makes of a text that its reader may not expect: words it does not know, special tokens typed by
hand, characters that leave nothing.
"""

from collections.abc import Iterator
from typing import Any

from ..traces.record import Input


def unknown_words(batch: Input, sentence: int, tokenizer: Any) -> list[str]:
    """Return what of a sentence, and of its pair, the vocabulary does not hold: the characters that the unknown token
    stands for, where there is such a token and they do not spell it.
    """
    unknown = tokenizer.unk_token_id
    return [word for id_, word in _spelled(batch, sentence) if id_ == unknown and word and word != tokenizer.unk_token]


def why_unknown(word: str, tokenizer: Any) -> str:
    """Return why a word is unknown: it is longer than WordPiece takes, or the vocabulary has no piece for one of its
    characters. Empty where nothing more can be said.
    """
    model = tokenizer.backend_tokenizer.model
    longest = getattr(model, "max_input_chars_per_word", None)
    if longest is not None and len(word) > longest:
        return f"{len(word)} characters, more than the {longest} that a word may have"
    vocabulary = tokenizer.get_vocab()
    normalizer = tokenizer.backend_tokenizer.normalizer
    plain = word if normalizer is None else normalizer.normalize_str(word)
    inside = getattr(model, "continuing_subword_prefix", None) or ""
    without = dict.fromkeys(sign for sign in plain if sign not in vocabulary and inside + sign not in vocabulary)
    return f"no token has {', '.join(without)}" if without and len(plain) > 1 else ""


def typed_special_tokens(batch: Input, sentence: int, tokenizer: Any) -> list[str]:
    """Return the special tokens that stand in a text itself and are taken as such, each once."""
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    added = batch.special[sentence]
    typed = (word for place, (id_, word) in enumerate(_spelled(batch, sentence)) if id_ in special and not added[place])
    return list(dict.fromkeys(filter(None, typed)))


def lost_characters(batch: Input, sentence: int) -> list[str]:
    """Return the characters of a sentence, and of its pair, that no token stands for, each once. White space is none of
    them, and of a text that was cut only what lies between its tokens is looked at.
    """
    lost: dict[str, None] = {}
    for segment, text in enumerate((batch.texts[sentence], batch.pairs[sentence] if batch.pairs is not None else "")):
        spans = [
            span
            for span, side in zip(batch.offsets[sentence], batch.sides(sentence), strict=True)
            if side == segment and span[1] > span[0]
        ]
        covered = {place for start, end in spans for place in range(start, end)}
        whole = not batch.truncated[sentence]
        first = 0 if whole else min((start for start, _ in spans), default=0)
        last = len(text) if whole else max((end for _, end in spans), default=0)
        missing = (text[place] for place in range(first, last) if place not in covered)
        lost |= dict.fromkeys(sign for sign in missing if not sign.isspace())
    return list(lost)


def _spelled(batch: Input, sentence: int) -> Iterator[tuple[int, str]]:
    """Yield each token's id and the characters that it stands for; none for what the tokenizer adds."""
    texts = batch.texts[sentence], batch.pairs[sentence] if batch.pairs is not None else ""
    spans = zip(batch.input_ids[sentence], batch.offsets[sentence], batch.sides(sentence), strict=True)
    for id_, (start, end), side in spans:
        yield id_, texts[side][start:end] if end > start else ""
