"""Attention as the page holds it: probabilities as 16-bit numbers, as much as fits, and what is said of each head."""

import math
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...analysis.attention import HeadSummary, LayerAttention, summaries
from ...analysis.patterns import in_words, pattern
from ...traces.record import Trace

DESCRIBED = 5_000
"""The most heads, each in each sentence, that are described in words."""
CELLS = 1_500_000
"""The most probabilities that a page holds: 4 MB in its text."""
_FULL = 65_535
"""How a probability of 1 is written: steps of a 65,535th are finer than the 0.1 % that the page shows."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What of the attention a page holds: the first sentences, and of each the first tokens."""

    sentences: int
    tokens: int


def fit(layers: Sequence[LayerAttention], *, cells: int = CELLS) -> Fit:
    """Return how many sentences fit with all layers and heads; if not one does, how many tokens of the first."""
    sentences, heads, tokens, _ = layers[0].probabilities.shape
    each = len(layers) * heads * tokens**2
    if each <= cells:
        return Fit(sentences=min(sentences, cells // each), tokens=tokens)
    return Fit(sentences=1, tokens=max(1, math.isqrt(cells // (len(layers) * heads))))


def heads_data(trace: Trace, layers: Sequence[LayerAttention], held: Fit) -> list[dict[str, Any]]:
    """Return, for each layer, what is said of its heads and their probabilities, ``(sentences, heads, query tokens, key
    tokens)`` of what is held, as base64 of little-endian 16-bit numbers; a row in which nothing is visible is zeros.
    ``words`` describe each head in the first sentences.
    """
    told = []
    described = DESCRIBED // (len(layers) * layers[0].probabilities.shape[1])
    for layer in layers:
        part = layer.probabilities[: held.sentences, :, : held.tokens, : held.tokens]
        coded = np.rint(np.nan_to_num(part) * _FULL).astype("<u2")
        sentences = [summaries(layer, trace, row) for row in range(held.sentences)]
        told.append(
            {
                "layer": layer.layer,
                "heads": part.shape[1],
                "told": [[_shares(head) for head in sentence] for sentence in sentences],
                "words": [_words(layer, trace, row) for row in range(min(held.sentences, described))],
                "blind": [place for place in layer.blind if place[0] < held.sentences and place[1] < held.tokens],
                "data": b64encode(coded.tobytes()).decode(),
            }
        )
    return told


def _words(layer: LayerAttention, trace: Trace, row: int) -> list[str]:
    """Return what is said of each head, with ``{3}`` in place of the token 3: the page puts each in on its own, so that
    one that is read from right to left does not turn the sentence around.
    """
    tokens = [f"{{{place}}}" for place in range(len(trace.input.tokens[row]))]
    return [in_words(pattern(head, trace, row), tokens, arrow="→") for head in layer.probabilities[row]]


def _shares(head: HeadSummary) -> list[float | None]:
    """Return a head's entropy and its shares on [CLS], [SEP] and padding; None for what is not defined."""
    numbers = (head.entropy, head.classification, head.separators, head.padding)
    return [round(number, 5) if math.isfinite(number) else None for number in numbers]
