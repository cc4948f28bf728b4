"""What is left of a probability when words are masked: AOPC, ERASER's figures, and intervals of their differences.

Written anew rather than taken from ``bert_inspect``: a benchmark that asks the program for its own marks shows little.
"""

import math
import random
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

CURVE = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""The parts of the words that are masked for AOPC."""
BINS = (0.01, 0.05, 0.1, 0.2, 0.5)
"""Those of DeYoung et al., "ERASER" (ACL 2020)."""
DRAWS = 10
"""How many random orders the mean is taken over."""
RESAMPLES = 10_000


class Sentence(NamedTuple):
    """A sentence as the model is given it (tokens), the places of each word's pieces, and what the model predicts."""

    text: str
    ids: list[int]
    words: list[tuple[int, ...]]
    label: int
    probability: float

    def per_word(self, shares: Sequence[float]) -> list[float]:
        """Return what each word has of shares by token."""
        return [math.fsum(shares[place] for place in word) for word in self.words]


class Figures(NamedTuple):
    """What an order of words does to one sentence: AOPC, and ERASER's two figures at each of its parts."""

    aopc: float
    comprehensiveness: tuple[float, ...]
    sufficiency: tuple[float, ...]


class Masked:
    """The probability of a sentence's label with some words masked; every choice of words runs once."""

    def __init__(self, model: Any, sentence: Sentence, mask: int) -> None:
        self._model, self._sentence, self._mask = model, sentence, mask
        self._known: dict[frozenset[int], float] = {frozenset(): sentence.probability}

    def __call__(self, words: Iterable[int]) -> float:
        """Return the probability with these words masked."""
        chosen = frozenset(words)
        if chosen not in self._known:
            self.run([chosen])
        return self._known[chosen]

    def run(self, choices: Iterable[Iterable[int]]) -> None:
        """Run what has not been run yet, in batches."""
        new = sorted({frozenset(words) for words in choices} - self._known.keys(), key=sorted)
        for start in range(0, len(new), 64):
            some = new[start : start + 64]
            ids = torch.tensor([self._sentence.ids] * len(some))
            for row, words in enumerate(some):
                ids[row, [place for word in words for place in self._sentence.words[word]]] = self._mask
            with torch.inference_mode():
                shares = self._model(input_ids=ids).logits.double().softmax(dim=-1)[:, self._sentence.label]
            self._known |= dict(zip(some, shares.tolist(), strict=True))


def first(order: Sequence[int], part: float) -> Sequence[int]:
    """Return the first part of an order, a begun word as a whole one."""
    return order[: math.ceil(round(part * len(order), 6))]


def descending(scores: Sequence[float]) -> list[int]:
    """Return the numbers of the words from the largest score down."""
    return sorted(range(len(scores)), key=lambda word: -scores[word])


def shuffled(count: int) -> list[list[int]]:
    """Return some random orders of so many words, the same ones each time."""
    return [random.Random(seed).sample(range(count), count) for seed in range(DRAWS)]


def figures(masked: Masked, whole: float, orders: Sequence[Sequence[int]]) -> Figures:
    """Return the figures of an order of the words, or the mean of several orders."""
    words = frozenset(orders[0])
    taken = {part: [frozenset(first(order, part)) for order in orders] for part in (*CURVE, *BINS)}
    masked.run(choice for part in taken.values() for choice in part)
    masked.run(words - choice for part in BINS for choice in taken[part])

    def fall(choices: Iterable[Iterable[int]]) -> float:
        return math.fsum(whole - masked(choice) for choice in choices) / len(orders)

    return Figures(
        aopc=math.fsum(fall(taken[part]) for part in CURVE) / len(CURVE),
        comprehensiveness=tuple(fall(taken[part]) for part in BINS),
        sufficiency=tuple(fall(words - choice for choice in taken[part]) for part in BINS),
    )


def interval(differences: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of a mean by the bootstrap: sentences drawn anew, both methods on the same ones."""
    values = np.asarray(differences)
    drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)
