"""What of a context answers a question, from the logits of its first and its last token."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from ...loading.loaded import Loaded
from ...traces.output import Answer, Output
from ...traces.record import Input
from ...traces.sentences import context_places, real_places
from ...traces.values import strict
from ...traces.vocabulary import known_as
from .plain_numbers import plain, rows
from .returned import loss_of

LONGEST_ANSWER = 15
"""The most tokens of an answer, as in transformers' pipeline for question answering (``max_answer_len``)."""
_OUTSIDE = -10_000.0
"""The logit that the pipeline gives to tokens that no answer may begin or end with."""


def answer_spans(loaded: Loaded, batch: Input, returned: Mapping[str, torch.Tensor]) -> Output:
    """Return the logits (batch, tokens) of first and last tokens, and the best span of each context."""
    start, end = plain(returned[known_as.START_LOGITS]), plain(returned[known_as.END_LOGITS])
    return Output(
        probabilities=None,
        loss=loss_of(returned),
        start_logits=rows(start),
        end_logits=rows(end),
        answers=[best_span(batch, row, start[row].numpy(), end[row].numpy()) for row in range(len(batch.texts))],
    )


def best_span(batch: Input, row: int, start: NDArray[np.float64], end: NDArray[np.float64]) -> Answer:
    """Return the most probable answer by start and end logits (tokens), in whole words, as the pipeline of transformers
    4 finds it: probabilities over the tokens of the context and [CLS], of which [CLS] is no answer.

    Without a second text the whole sentence is the context. An empty text says that there is no token to choose.
    """
    best = best_places(batch, row, start, end)
    if best is None:
        return Answer(text="", start=0, end=0, score=0.0)
    first, last, score = best
    begin, stop = _of_word(batch, row, first)[0], _of_word(batch, row, last)[1]
    text = (batch.pairs or batch.texts)[row]
    return Answer(text=text[begin:stop], start=begin, end=stop, score=strict(score))


def best_places(
    batch: Input, row: int, start: NDArray[np.float64], end: NDArray[np.float64]
) -> tuple[int, int, float] | None:
    """Return the places of the first and the last token of the most probable answer, and its score; None where no token
    may be one.
    """
    inside = np.zeros(len(batch.tokens[row]), dtype=bool)
    inside[context_places(batch, row)] = True
    if not inside.any():
        return None
    allowed = inside.copy()
    allowed[real_places(batch, row)[0]] = True  # [CLS], over which "no answer" is decided
    spans = np.triu(np.outer(_shares(start, allowed), _shares(end, allowed)))
    spans = np.tril(spans, LONGEST_ANSWER - 1)
    spans[~inside] = spans[:, ~inside] = 0.0
    first, last = np.unravel_index(int(np.nan_to_num(spans, nan=-1.0).argmax()), spans.shape)
    return int(first), int(last), float(spans[first, last])


def _shares(logits: NDArray[np.float64], allowed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the softmax of logits over the allowed tokens."""
    held = np.where(allowed, logits, _OUTSIDE)
    powers: NDArray[np.float64] = np.exp(held - held.max())
    shares: NDArray[np.float64] = powers / powers.sum()
    return shares


def _of_word(batch: Input, row: int, place: int) -> tuple[int, int]:
    """Return the characters of the word that a token is part of."""
    word, side = batch.words[row][place], batch.sides(row)[place]
    spans = [
        span
        for span, other, of in zip(batch.offsets[row], batch.words[row], batch.sides(row), strict=True)
        if other == word and of == side
    ]
    return spans[0][0], spans[-1][1]
