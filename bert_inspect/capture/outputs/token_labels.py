"""Labels of tokens, and the entities that neighbouring tokens of one label make."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ...families.heads import REPLACED_TOKENS
from ...loading.loaded import Loaded
from ...traces.entities import OUTSIDE
from ...traces.output import Entity, Output, Prediction
from ...traces.record import Input
from ...traces.values import Number, strict
from ...traces.vocabulary import known_as
from .classes import class_names, predictions
from .plain_numbers import nested, plain
from .returned import loss_of


def token_classes(loaded: Loaded, batch: Input, returned: Mapping[str, torch.Tensor]) -> Output:
    """Return logits (batch, tokens, labels), the label of each token, and the entities of each sentence."""
    logits = plain(returned[known_as.LOGITS])
    tokens = labelled_tokens(loaded, batch, logits)
    return Output(
        logits=nested(logits),
        probabilities=None,
        loss=loss_of(returned),
        tokens=tokens,
        entities=[entities(batch, row, tokens[row], loaded.tokenizer) for row in range(len(tokens))],
    )


def replaced_tokens(loaded: Loaded, batch: Input, returned: Mapping[str, torch.Tensor]) -> Output:
    """Return logits (batch, tokens) and whether each token is an original one, with the probability of that."""
    logits = plain(returned[known_as.LOGITS])
    return Output(
        logits=nested(logits),
        probabilities=None,
        loss=loss_of(returned),
        tokens=labelled_tokens(loaded, batch, logits),
    )


def labelled_tokens(loaded: Loaded, batch: Input, logits: torch.Tensor) -> list[list[Prediction | None]]:
    """Return the label of each token with its probability, None of padding, from logits (batch, tokens, labels), or
    (batch, tokens) where the model tells replaced tokens from original ones.
    """
    replaced = loaded.head is REPLACED_TOKENS
    names = loaded.head.classes if replaced else class_names(loaded.model.config)
    rows = zip(scores_of_tokens(loaded, logits), batch.attention_mask, strict=True)
    return [_visible(predictions(row, names), seen) for row, seen in rows]


def scores_of_tokens(loaded: Loaded, logits: torch.Tensor) -> torch.Tensor:
    """Return the probabilities of the labels of each token (batch, tokens, labels), from such logits."""
    if loaded.head is not REPLACED_TOKENS:
        return logits.softmax(dim=-1)
    replaced = logits.sigmoid()
    return torch.stack([1 - replaced, replaced], dim=-1)


def _visible(found: Sequence[Prediction], seen: Sequence[int]) -> list[Prediction | None]:
    return [one if visible else None for one, visible in zip(found, seen, strict=True)]


def entities(batch: Input, row: int, labelled: Sequence[Prediction | None], tokenizer: Any) -> list[Entity]:
    """Return the entities of a sentence, grouped as the strategy ``simple`` of transformers' pipeline for token
    classification does: special tokens are left out, neighbours of one label go together unless one begins with ``B-``.
    The pipeline takes no pairs; here no entity runs from the first text of one into the second.
    """
    groups: list[list[int]] = []
    before = ""
    sides = batch.sides(row) if batch.pairs is not None else [0] * len(labelled)
    for place, found in enumerate(labelled):
        if found is None or (batch.special and batch.special[row][place]):
            continue
        begins, tag = _tag(found.label)
        if groups and not begins and tag == before and sides[place] == sides[groups[-1][-1]]:
            groups[-1].append(place)
        else:
            groups.append([place])
        before = tag
    told = [_entity(batch, row, group, labelled, tokenizer) for group in groups]
    return [one for one in told if one.entity_group != OUTSIDE]


def _tag(label: str) -> tuple[bool, str]:
    """Return whether a label begins an entity, and of which kind; one without ``B-`` or ``I-`` continues."""
    return label.startswith("B-"), label[2:] if label.startswith(("B-", "I-")) else label


def _entity(
    batch: Input, row: int, places: Sequence[int], labelled: Sequence[Prediction | None], tokenizer: Any
) -> Entity:
    found = [one for place in places if (one := labelled[place]) is not None]
    spans = [batch.offsets[row][place] for place in places]
    return Entity(
        entity_group=found[0].label.split("-", 1)[-1],
        score=_mean([one.score for one in found]),
        word=_words(batch, row, places, tokenizer),
        start=spans[0][0],
        end=spans[-1][1],
    )


def _words(batch: Input, row: int, places: Sequence[int], tokenizer: Any) -> str:
    """Return the tokens of an entity as text; of a word that the vocabulary does not hold the word itself."""
    texts = batch.texts[row], batch.pairs[row] if batch.pairs is not None else ""
    unknown = getattr(tokenizer, "unk_token_id", None)
    words = []
    for place in places:
        start, end = batch.offsets[row][place]
        spelled = texts[batch.sides(row)[place]][start:end]
        words.append(spelled if batch.input_ids[row][place] == unknown else batch.tokens[row][place])
    return str(tokenizer.convert_tokens_to_string(words)) if tokenizer is not None else " ".join(words)


def _mean(scores: Sequence[Number]) -> Number:
    numbers = [float(score) for score in scores]
    defined = [number for number in numbers if number == number]
    return strict(sum(defined) / len(defined)) if defined else strict(float("nan"))
