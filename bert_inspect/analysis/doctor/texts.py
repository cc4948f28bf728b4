"""Questions about the tokenizer and the sentences."""

from ...capture.encode import Sentences, encode
from ...traces.vocabulary import roles
from .check_context import CheckContext
from .diagnosis import Finding

_CASED = 0.05
"""The share of words with a capital letter above which a vocabulary is a cased one (bert-base-cased: 0.4)."""
_UNKNOWN = 0.2
_SPACES = "Ġ▁"
"""How vocabularies write the space before a word."""
_SPECIAL = ("unk_token", "cls_token", "sep_token", "pad_token")


def tokenizer(context: CheckContext) -> Finding:
    """Does the tokenizer belong to this model?"""
    words, config = context.tokenizer.get_vocab(), context.model.config
    rows = context.loaded.module(roles.WORD_EMBEDDINGS).num_embeddings
    largest = max(words.values(), default=-1)
    if largest >= rows:
        return _fail(
            f"its largest id is {largest}, the embedding has {rows} rows",
            "it belongs to another model, or resize the embedding after adding words",
        )
    special = {name: getattr(context.tokenizer, name, None) for name in _SPECIAL}
    missing = [f"{name} ({token})" for name, token in special.items() if token is not None and token not in words]
    if missing:
        return _fail(f"its vocabulary lacks {', '.join(missing)}", "it belongs to another model")
    pad = context.tokenizer.pad_token_id
    if None not in (pad, config.pad_token_id) and config.pad_token_id != pad:
        return _fail(
            f"its padding has id {pad}, the configuration says {config.pad_token_id}",
            "it belongs to another model: its other ids will be wrong too",
        )
    named = (word.lstrip(_SPACES) for word in words if word[:1] not in "[<")
    plain = [word for word in named if word.isascii() and any(sign.isalpha() for sign in word)]
    cased = sum(word != word.lower() for word in plain) / max(1, len(plain))
    lowers = _lowers(context)
    if lowers and cased > _CASED:
        return _fail(
            f"it lowercases all text, but {cased:.0%} of the vocabulary's words have capital letters",
            "set do_lower_case to false in tokenizer_config.json",
        )
    if not lowers and cased < _CASED / 10 and _better_lowered(context):
        return _fail(
            "it keeps capital letters, but the vocabulary has none",
            "set do_lower_case to true in tokenizer_config.json",
        )
    if unnamed := [name for name, token in special.items() if token is None]:
        return Finding(
            question="tokenizer",
            verdict="warn",
            evidence=f"its files name no {', no '.join(unnamed)}",
            fix="name them in tokenizer_config.json: without a pad_token there are no batches",
        )
    if not context.tokenizer("", verbose=False)["input_ids"]:
        return Finding(
            question="tokenizer",
            verdict="warn",
            evidence=f"it adds no special tokens: the pooler takes the first word in place of {special['cls_token']}",
            fix="if the model was trained with them, give tokenizer.json a post_processor that adds them",
        )
    return _unknown(context, rows, largest)


def _lowers(context: CheckContext) -> bool:
    """Whether the tokenizer makes lower case of text: what its normalizer does, which no vocabulary hides."""
    normalizer = context.tokenizer.backend_tokenizer.normalizer
    return normalizer is not None and bool(normalizer.normalize_str("CATS") == "cats")


def _better_lowered(context: CheckContext) -> bool:
    """Whether the sentences have fewer unknown tokens in lower case."""
    texts = list(context.sentences.texts)
    given, lowered = (_ids(context, each) for each in (texts, [text.lower() for text in texts]))
    unknown = context.tokenizer.unk_token_id
    return sum(row.count(unknown) for row in lowered) < sum(row.count(unknown) for row in given)


def _ids(context: CheckContext, texts: list[str]) -> list[list[int]]:
    encoded = context.tokenizer(texts, add_special_tokens=False, padding=False, truncation=False, verbose=False)
    ids: list[list[int]] = encoded["input_ids"]
    return ids


def _unknown(context: CheckContext, rows: int, largest: int) -> Finding:
    """Go on with how much of the sentences the vocabulary does not know."""
    unknown = context.tokenizer.unk_token_id
    ids = _ids(context, list(context.sentences.texts))
    total = sum(map(len, ids))
    share = sum(row.count(unknown) for row in ids) / max(1, total)
    if share:
        return Finding(
            question="tokenizer",
            verdict="fail" if share > _UNKNOWN else "warn",
            evidence=f"{share:.0%} of {total:,} tokens are unknown to it ({context.tokenizer.unk_token})",
            fix="the model cannot see what they say: bert-inspect tokens shows which",
        )
    return Finding(
        question="tokenizer",
        verdict="pass",
        evidence=f"ids up to {largest} for {rows} rows; padding, casing and special tokens fit; nothing is unknown",
    )


def truncation(context: CheckContext) -> Finding:
    """Is a sentence longer than the model takes?"""
    most = context.loaded.most_tokens
    positions = 10**9 if most is None else most
    limit = positions if context.limit is None else min(positions, context.limit)
    given = context.tokenizer.model_max_length
    pairs = context.sentences.pairs
    lengths = [
        len(ids)
        for ids in context.tokenizer(
            list(context.sentences.texts),
            None if pairs is None else list(pairs),
            padding=False,
            truncation=False,
            verbose=False,
        )["input_ids"]
    ]
    long = [(number, length) for number, length in enumerate(lengths, start=1) if length > limit]
    if long:
        number, length = long[0]
        more = f", and {len(long) - 1} more" if len(long) > 1 else ""
        return Finding(
            question="truncation",
            verdict="warn",
            evidence=f"sentence {number} has {length} tokens, the limit is {limit}: {length - limit} are cut{more}",
            fix="split it, or see with `truncate=True` which words are lost",
        )
    if positions < given < 10**9:
        return Finding(
            question="truncation",
            verdict="warn",
            evidence=f"the tokenizer allows {given} tokens, the model has {positions} positions",
            fix="set model_max_length in tokenizer_config.json",
        )
    return Finding(
        question="truncation", verdict="pass", evidence=f"the longest sentence has {max(lengths)} of {limit} tokens"
    )


def visible(context: CheckContext) -> Finding:
    """Is there something to see in every row?"""
    batch = encode(
        context.tokenizer,
        Sentences(texts=context.sentences.texts, pairs=context.sentences.pairs),
        limit=context.limit,
        truncate=True,
    )
    hidden = [row for row, mask in enumerate(batch.attention_mask, start=1) if not any(mask)]
    if hidden:
        return Finding(
            question="visible",
            verdict="fail",
            evidence=f"no token of sentence {hidden[0]} is visible: its attention means nothing",
            fix="look at the attention mask: bert-inspect tokens",
        )
    blank = [
        row
        for row, (mask, special) in enumerate(zip(batch.attention_mask, batch.special, strict=True), start=1)
        if sum(mask) == sum(m and s for m, s in zip(mask, special, strict=True))
    ]
    if blank:
        return Finding(
            question="visible",
            verdict="warn",
            evidence=f"sentence {blank[0]} is blank: only special tokens are visible",
            fix="leave blank sentences out",
        )
    return Finding(question="visible", verdict="pass", evidence="every sentence has visible tokens")


def _fail(evidence: str, fix: str) -> Finding:
    return Finding(question="tokenizer", verdict="fail", evidence=evidence, fix=fix)
