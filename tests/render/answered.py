"""Traces of tiny models with every head, random or with an output made by hand as a trained one would give it."""

from collections.abc import Sequence
from typing import Any

import torch
from helpers import tiny_config
from msgspec import structs
from transformers import set_seed

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.capture.outputs.by_head import output_of
from bert_inspect.families import heads
from bert_inspect.families.bert import BERT
from bert_inspect.families.heads import Head
from bert_inspect.loading.classes import class_of
from bert_inspect.loading.loaded import Loaded

ENTITY_LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]


def model_of(head: Head, **changes: Any) -> Any:
    set_seed(3)
    return class_of(BERT, head)(tiny_config(max_position_embeddings=512, **changes)).eval()


def traced_with(
    head: Head,
    tokenizer: Any,
    texts: str | Sequence[str],
    pairs: str | Sequence[str] | None = None,
    *,
    choices: Sequence[str] | None = None,
    returned: dict[str, torch.Tensor] | None = None,
    pooling: Sequence[str] = (),
    **changes: Any,
) -> Trace:
    """A trace of a random model; with ``returned`` as if a trained one had returned that."""
    model = model_of(head, **changes)
    traced = trace(model, tokenizer, texts, pairs=pairs, choices=choices)
    if returned is None:
        return traced
    loaded = _trained(model, tokenizer, pooling)
    trained = structs.replace(traced.model, weights="pretrained", name="tiny")
    output = output_of(loaded, traced.input, returned)
    return structs.replace(traced, model=trained, output=output)


def labelled(traced: Trace, wanted: dict[str, str], *, sure: float = 6.0) -> torch.Tensor:
    """Logits (batch, tokens, labels) that label the tokens of the words as wanted, all others as outside."""
    batch = traced.input
    logits = torch.zeros(len(batch.tokens), len(batch.tokens[0]), len(ENTITY_LABELS))
    logits[..., 0] = sure
    for row, tokens in enumerate(batch.tokens):
        for place, token in enumerate(tokens):
            if token in wanted:
                logits[row, place, 0] = 0
                logits[row, place, ENTITY_LABELS.index(wanted[token])] = sure + place / 10
    return logits


def entities(tokenizer: Any, texts: Any, wanted: dict[str, str], pairs: Any = None) -> Trace:
    names = dict(enumerate(ENTITY_LABELS))
    plain = traced_with(heads.TOKEN_CLASSIFICATION, tokenizer, texts, pairs, id2label=names)
    returned = {"logits": labelled(plain, wanted)}
    return traced_with(heads.TOKEN_CLASSIFICATION, tokenizer, texts, pairs, returned=returned, id2label=names)


def span(tokenizer: Any, questions: Any, contexts: Any, begins: str, ends: str) -> Trace:
    """An answer from the token ``begins`` to the token ``ends`` of the context."""
    plain = traced_with(heads.QUESTION_ANSWERING, tokenizer, questions, contexts)
    batch = plain.input
    logits = [torch.zeros(len(batch.tokens), len(batch.tokens[0])) for _ in range(2)]
    for wanted, tensor in zip((begins, ends), logits, strict=True):
        for row, tokens in enumerate(batch.tokens):
            for place, token in enumerate(tokens):
                if token == wanted and (batch.sides(row)[place] or contexts is None):
                    tensor[row, place] = 7.0
                elif place % 5 == 0:
                    tensor[row, place] = 4.0
    returned = {"start_logits": logits[0], "end_logits": logits[1]}
    return traced_with(heads.QUESTION_ANSWERING, tokenizer, questions, contexts, returned=returned)


def masks(tokenizer: Any, texts: Any, pairs: Any = None, *, head: Head = heads.MASKED_LM) -> Trace:
    """The most probable tokens are cat, dog, and so on, at each mask moved by one."""
    plain = traced_with(head, tokenizer, texts, pairs)
    batch = plain.input
    words = ["cat", "dog", "pizza", "film", "man", "house", "sea", "time", "way", "day", "night"]
    ids = tokenizer.convert_tokens_to_ids(words)
    logits = torch.zeros(len(batch.tokens), len(batch.tokens[0]), 28996)
    for place in range(logits.shape[1]):
        for rank in range(len(ids)):
            logits[:, place, ids[(rank + place) % len(ids)]] = 13.0 - 0.7 * rank
    if head is heads.MASKED_LM:
        return traced_with(head, tokenizer, texts, pairs, returned={"logits": logits})
    order = torch.tensor([[2.0, -1.5]] * len(batch.tokens))
    returned = {"prediction_logits": logits, "seq_relationship_logits": order}
    return traced_with(head, tokenizer, texts, pairs, returned=returned)


def replaced(tokenizer: Any, texts: Any, words: Sequence[str], pairs: Any = None) -> Trace:
    """What a discriminator says that takes some words for replaced ones."""
    plain = traced_with(heads.NO_HEAD, tokenizer, texts, pairs)
    batch = plain.input
    logits = torch.linspace(-6, -2, len(batch.tokens[0])).repeat(len(batch.tokens), 1)
    for row, tokens in enumerate(batch.tokens):
        for place, token in enumerate(tokens):
            if token in words:
                logits[row, place] = 3.0 + place / 10
    loaded = _trained(model_of(heads.NO_HEAD), tokenizer)
    vars(loaded)["head"] = heads.REPLACED_TOKENS  # BERT has no such head
    model = structs.replace(plain.model, weights="pretrained", task=heads.REPLACED_TOKENS.task)
    return structs.replace(plain, model=model, output=output_of(loaded, batch, {"logits": logits}))


def similar(tokenizer: Any, texts: Sequence[str], *, pairs: Any = None) -> Trace:
    """Sentences of which each is the more like another the nearer they stand."""
    plain = traced_with(heads.NO_HEAD, tokenizer, texts, pairs)
    size = len(plain.input.tokens[0]), 32
    angles = torch.arange(len(texts)) ** 1.5 / 3
    vectors = torch.zeros(len(texts), *size)
    vectors[..., 0], vectors[..., 1] = angles.cos().unsqueeze(1), angles.sin().unsqueeze(1)
    returned = {"last_hidden_state": vectors}
    return traced_with(heads.NO_HEAD, tokenizer, texts, pairs, returned=returned, pooling=("mean",))


def _trained(model: Any, tokenizer: Any, pooling: Sequence[str] = ()) -> Loaded:
    return Loaded(
        model=model,
        name="tiny",
        source="python",
        weights="pretrained",
        initialised=[],
        seed=0,
        tokenizer=tokenizer,
        pooling=tuple(pooling),
    )


def untrained(traced: Trace) -> Trace:
    """The trace as if the weights of its model had been drawn at random."""
    return structs.replace(traced, model=structs.replace(traced.model, weights="random"))
