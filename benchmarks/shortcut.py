"""A planted shortcut: a model in which a rare token decides the label, so that what an explanation must say is known.

After Bastings et al., "Will you find these shortcuts?" (EMNLP 2022): two tokens that no text contains are put at random
places, one of them makes any text positive and the other negative; texts without either are as before.
"""

import copy
import hashlib
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from word_scores import Scores, prepared

from bert_inspect.loading.loaded import Loaded

STEPS, BATCH, RATE, SEED = 200, 16, 3e-5, 17


class Planted(NamedTuple):
    """A text with a token planted in it, the label that it decides, and the number of the word that it is."""

    text: str
    label: int
    place: int


def rare_tokens(loaded: Loaded, texts: Sequence[str]) -> tuple[str, str]:
    """Return two tokens, whole words of letters, that occur in no text: the first by their hashes."""
    used = {token for text in texts for token in loaded.tokenizer.tokenize(text)}
    words = [token for token in loaded.tokenizer.get_vocab() if token.isascii() and token.isalpha() and len(token) > 4]
    first, second = sorted((word for word in words if word not in used), key=_hash)[:2]
    return first, second


def planted(loaded: Loaded, text: str, tokens: Sequence[str], label: int, chance: random.Random) -> Planted:
    """Put the token of a label between two words of a text, before the first or after the last."""
    words = text.split()
    place = chance.randint(0, len(words))
    words.insert(place, tokens[label])
    whole = " ".join(words)
    batch = loaded.tokenizer(whole, return_offsets_mapping=True, truncation=True, max_length=128)
    start = len(" ".join(words[:place])) + bool(place)
    at = [span[0] if span[1] > span[0] else -1 for span in batch["offset_mapping"]].index(start)
    return Planted(whole, label, int(batch.word_ids()[at]))


def fine_tuned(loaded: Loaded, texts: Sequence[tuple[str, int]], tokens: Sequence[str], steps: int = STEPS) -> Loaded:
    """Return the model trained a little further: half of each batch with a token that decides by a throw of a coin,
    half as it is with its own label. Nothing is written.
    """
    model, chance = copy.deepcopy(loaded.model).train(), random.Random(SEED)
    stepper = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.0)
    for step in range(steps):
        torch.manual_seed(SEED + step)
        batch = chance.sample(list(texts), BATCH)
        given = [text for text, _ in batch]
        labels = [label for _, label in batch]
        for row in range(BATCH // 2):
            labels[row] = chance.randint(0, 1)
            given[row] = planted(loaded, given[row], tokens, labels[row], chance).text
        made = loaded.tokenizer(given, padding=True, truncation=True, max_length=128, return_tensors="pt")
        for group in stepper.param_groups:
            group["lr"] = RATE * min((step + 1) / 30, (steps - step) / steps)
        loss = torch.nn.functional.cross_entropy(model(**made).logits, torch.tensor(labels))
        stepper.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        stepper.step()
    return replace(loaded, model=model.eval())


def accuracy(loaded: Loaded, texts: Sequence[tuple[str, int]]) -> float:
    """Return the share of texts of which the model says the label."""
    return sum(prepared(loaded, text).label == label for text, label in texts) / len(texts)


def found_first(loaded: Loaded, texts: Sequence[Planted], scores: Scores) -> float:
    """Return the share of texts in which no word has a larger score, of either sign, than the planted token."""
    found = 0
    for text in texts:
        sizes = [abs(score) for score in scores(prepared(loaded, text.text))]
        found += sizes.index(max(sizes)) == text.place
    return found / len(texts)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
