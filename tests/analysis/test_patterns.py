"""What is said of one head, against sums done by hand."""

from typing import Any

import numpy as np
import pytest
from helpers import TEXTS, tiny_model
from msgspec import structs

from bert_inspect import Trace
from bert_inspect.analysis.patterns import in_words, pattern
from bert_inspect.api import trace

TOKENS = ["[CLS]", "not", "bad", ".", "[SEP]", "[PAD]"]


@pytest.fixture(scope="module")
def six(tokenizer: Any) -> Trace:
    """A trace whose first sentence is five tokens and one of padding."""
    traced = trace(tiny_model(), tokenizer, ["not bad.", "not bad at."])
    assert traced.input.tokens[0] == TOKENS
    return traced


def matrix(*rows: list[float]) -> Any:
    return np.array(rows)


BEFORE = matrix(
    [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [0.6, 0.2, 0.2, 0.0, 0.0, 0.0],
    [0.0, 0.7, 0.1, 0.2, 0.0, 0.0],
    [0.1, 0.0, 0.8, 0.1, 0.0, 0.0],
    [0.3, 0.0, 0.0, 0.5, 0.2, 0.0],
    [0.0, 0.0, 0.0, 0.0, 1.0, 0.0],  # padding: what it asks does not count
)


def test_shares_are_means_over_real_tokens(six: Trace) -> None:
    found = pattern(BEFORE, six, 0)
    assert found is not None
    by_hand = {
        "first": (1.0 + 0.6 + 0.0 + 0.1 + 0.3) / 5,
        "separator": 0.2 / 5,
        "padding": 0.0,
        "itself": (1.0 + 0.2 + 0.1 + 0.1 + 0.2) / 5,
        "previous": (0.6 + 0.7 + 0.8 + 0.5) / 4,
        "next": (0.0 + 0.2 + 0.2 + 0.0) / 4,
    }
    assert found.shares == pytest.approx(by_hand)
    assert (found.place, found.spread) == ("previous", False)
    assert (found.strongest, found.strength) == ((2, 1), 0.7)  # not the full stop's 0.8
    assert in_words(found, TOKENS) == "mostly the token before (65 %); strongest: bad -> not 70 %"


def on(column: int) -> Any:
    """Every token looks at one."""
    found = np.zeros((6, 6))
    found[:, column] = 1.0
    return found


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (np.eye(6), "mostly the token itself (100 %)"),
        (np.eye(6, k=1) + np.eye(6)[:, [5]] * 0, "mostly the token after (100 %)"),
        (on(0), "mostly [CLS] (100 %)"),
        (on(4), "mostly the separator (100 %)"),
        (np.full((6, 6), 1 / 6), "spread, most on "),
    ],
    ids=["itself", "next", "first", "separator", "even"],
)
def test_each_place_has_its_words(six: Trace, numbers: Any, words: str) -> None:
    assert in_words(pattern(numbers, six, 0), TOKENS).startswith(words)


def test_attention_on_padding_is_told(six: Trace) -> None:
    found = pattern(on(5), six, 0)
    assert found is not None and found.place == "padding" and found.shares["padding"] == 1.0


def test_where_nothing_is_visible_nothing_is_said(six: Trace) -> None:
    assert pattern(np.full((6, 6), np.nan), six, 0) is None
    assert in_words(None, TOKENS) == "nothing is visible"
    hidden = structs.replace(six.input, attention_mask=[[0] * 6, six.input.attention_mask[1]])
    assert pattern(BEFORE, structs.replace(six, input=hidden), 0) is None


def test_one_word_is_tied_to_no_other(tokenizer: Any) -> None:
    one = trace(tiny_model(), tokenizer, "cats")
    found = pattern(np.eye(3), one, 0)
    assert found is not None and found.strongest is None
    assert in_words(found, one.input.tokens[0]) == "mostly the token itself (100 %)"


def test_padding_on_the_left_changes_nothing(six: Trace, tokenizer: Any) -> None:
    names = ("tokens", "attention_mask", "special")
    rolled: Any = {name: [[row[-1], *row[:-1]] for row in getattr(six.input, name)[:1]] for name in names}
    left = structs.replace(six, input=structs.replace(six.input, **rolled))
    found, right = pattern(np.roll(BEFORE, 1, axis=(0, 1)), left, 0), pattern(BEFORE, six, 0)
    assert found is not None and right is not None
    assert found.shares["previous"] == pytest.approx(right.shares["previous"])
    assert found.shares["itself"] == pytest.approx(right.shares["itself"]) and found.strength == right.strength


def test_the_tutorial_s_sentences_have_words_for_every_head(tokenizer: Any) -> None:
    from bert_inspect.analysis.attention import attentions

    traced = trace(tiny_model(), tokenizer, TEXTS, values=True)
    for layer in attentions(traced):
        for row, tokens in enumerate(traced.input.tokens):
            for head in layer.probabilities[row]:
                found = pattern(head, traced, row)
                assert found is not None and found.strongest is not None and found.shares["padding"] == 0
                query, key = found.strongest
                assert found.strength == head[query, key] and query != key
                assert f"strongest: {tokens[query]} -> {tokens[key]}" in in_words(found, tokens)
