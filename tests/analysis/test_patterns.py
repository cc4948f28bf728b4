"""What is said of one head, against sums done by hand and matrices in which a pattern is planted."""

from typing import Any

import numpy as np
import pytest
from helpers import TEXTS, tiny_model
from msgspec import structs

from bert_inspect import Trace
from bert_inspect.analysis.attention import attentions
from bert_inspect.analysis.patterns import Pair, in_words, pattern
from bert_inspect.api import trace

TOKENS = ["[CLS]", "not", "bad", ".", "[SEP]", "[PAD]"]


@pytest.fixture(scope="module")
def six(tokenizer: Any) -> Trace:
    """A trace whose first sentence is five tokens and one of padding."""
    traced = trace(tiny_model(), tokenizer, ["not bad.", "not bad at."])
    assert traced.input.tokens[0] == TOKENS
    return traced


@pytest.fixture(scope="module")
def twice(tokenizer: Any) -> Trace:
    """A trace of a sentence in which a word of two pieces and a word of one stand twice."""
    traced = trace(tiny_model(), tokenizer, "unbelievable cats, Unbelievable or Cats and dogs.")
    tokens = "[CLS] un ##believable cats , Un ##believable or Cats and dogs . [SEP]"
    assert traced.input.tokens[0] == tokens.split()
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
        "same word": 0.0,
        "token": (0.2 + 0.1 + 0.8) / 5,
    }
    assert found.shares == pytest.approx(by_hand)
    assert found.covers == pytest.approx({**by_hand, "previous": 2.6 / 5, "next": 0.4 / 5})
    assert (found.place, found.spread, found.token) == ("previous", False, 2)
    moved = (0.8 + 0.4 + 0.5 + 0.6 + 0.4) / 5  # what each row has above an even fifth
    assert found.uneven == pytest.approx(moved)
    assert found.pairs == (Pair(query=2, key=1, probability=0.7),)  # not the full stop's 0.8, and no even 0.2
    assert in_words(found, TOKENS) == "mostly the token before (65 %); strongest: bad -> not 70 %"


def on(column: int, of: int = 6) -> Any:
    """Every token looks at one."""
    found = np.zeros((of, of))
    found[:, column] = 1.0
    return found


PREVIOUS = np.eye(6, k=-1) + np.eye(6) * [1, 0, 0, 0, 0, 0]
UNCLEAR = matrix(
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    [0.0, 0.0, 0.0, 0.0, 1.0, 0.0],
    [0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
    [0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
)
"""Each token looks at one, and no two at the same kind of place."""


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (np.eye(6), "mostly the token itself (100 %)"),
        (np.eye(6, k=1), "mostly the token after (100 %); strongest: not -> bad 100 %"),
        (
            np.eye(6, k=-1) + np.eye(6) * [1, 0, 0, 0, 0, 0],
            "mostly the token before (100 %); strongest: bad -> not 100 %",
        ),
        (on(0), "mostly [CLS] (100 %)"),
        (on(4), "mostly [SEP] (100 %)"),
        (on(2), "mostly bad (100 %); strongest: not -> bad 100 %"),
        (np.full((6, 6), 1 / 5) * [1, 1, 1, 1, 1, 0], "spread almost evenly over all tokens"),
        (UNCLEAR, "no clear pattern, 40 % on bad"),
        (0.5 * on(0) + 0.5 * np.eye(6), "mostly [CLS] (60 %)"),
        (0.5 * on(0) + 0.5 * on(2), "no clear pattern, 50 % on [CLS]; strongest: not -> bad 50 %"),
        (0.7 / 5 + 0.3 * np.eye(6), "no clear pattern, 44 % on the token itself"),
        (0.9 / 5 * (on(0) + on(1) + on(2) + on(3) + on(4)) + 0.1 * on(0), "spread almost evenly over all tokens"),
    ],
    ids=[
        "itself",
        "next",
        "previous",
        "first",
        "separator",
        "token",
        "even",
        "unclear",
        "two",
        "half",
        "weak",
        "slight",
    ],
)
def test_each_pattern_has_its_words(six: Trace, numbers: Any, words: str) -> None:
    assert in_words(pattern(numbers, six, 0), TOKENS) == words


def test_the_same_word_is_found_whatever_its_case_and_pieces(twice: Trace) -> None:
    tokens = twice.input.tokens[0]
    size = len(tokens)
    other = {1: 5, 2: 6, 5: 1, 6: 2, 3: 8, 8: 3}
    numbers = np.full((size, size), 0.0)
    for place in range(size):
        numbers[place, other.get(place, 0)] = 1.0
    found = pattern(numbers, twice, 0)
    assert found is not None and found.shares["same word"] == 1.0
    assert found.covers["same word"] == pytest.approx(len(other) / size)
    told = in_words(found, tokens)
    assert told.split("; ") == [
        "mostly [CLS] (54 %)",
        "repeated words mostly at their other occurrences (100 %)",
        "strongest: un -> Un 100 %, ##believable (2) -> ##believable (6) 100 %, cats -> Cats 100 %",
    ]
    inside = np.eye(size)
    inside[1], inside[2] = np.eye(size)[2], np.eye(size)[1]  # the pieces of one word look at each other
    found = pattern(inside, twice, 0)
    assert found is not None and found.shares["same word"] == 0.0 and found.pairs == ()


def test_unknown_words_are_not_the_same_word(tokenizer: Any) -> None:
    traced = trace(tiny_model(), tokenizer, "你 好 你")
    assert traced.input.tokens[0] == ["[CLS]", *["[UNK]"] * 3, "[SEP]"]
    numbers = np.eye(5)[[0, 2, 1, 2, 4]]
    found = pattern(numbers, traced, 0)
    assert found is not None and found.shares["same word"] == 0.0
    found = pattern(np.eye(5)[[0, 3, 2, 1, 4]], traced, 0)
    assert found is not None and found.shares["same word"] == 1.0


def test_a_head_may_do_nothing_but_find_the_same_word(tokenizer: Any) -> None:
    traced = trace(tiny_model(), tokenizer, "cats dogs cats dogs cats dogs")
    tokens = traced.input.tokens[0]
    numbers = np.eye(len(tokens))
    for place in range(1, 7):
        numbers[place] = np.eye(len(tokens))[(place + 1) % 6 + 1]
    told = in_words(pattern(numbers, traced, 0), tokens)
    assert told.startswith("mostly the same word elsewhere (100 %)") and "repeated" not in told


def test_attention_on_padding_is_told(six: Trace) -> None:
    found = pattern(on(5), six, 0)
    assert found is not None and found.place == "padding" and found.shares["padding"] == 1.0
    assert in_words(found, TOKENS) == "mostly padding (100 %)"


def test_where_nothing_is_visible_nothing_is_said(six: Trace) -> None:
    assert pattern(np.full((6, 6), np.nan), six, 0) is None
    assert in_words(None, TOKENS) == "nothing is visible"
    hidden = structs.replace(six.input, attention_mask=[[0] * 6, six.input.attention_mask[1]])
    assert pattern(BEFORE, structs.replace(six, input=hidden), 0) is None


def test_one_word_is_tied_to_no_other(tokenizer: Any) -> None:
    one = trace(tiny_model(), tokenizer, "cats")
    found = pattern(np.eye(3), one, 0)
    assert found is not None and found.pairs == ()
    assert in_words(found, one.input.tokens[0]) == "mostly the token itself (100 %)"


def test_a_neighbour_of_half_the_tokens_is_no_pattern(tokenizer: Any) -> None:
    empty = trace(tiny_model(), tokenizer, "")
    assert empty.input.tokens[0] == ["[CLS]", "[SEP]"]
    assert in_words(pattern(np.eye(2)[::-1], empty, 0), empty.input.tokens[0]) == "no clear pattern, 50 % on [CLS]"


def test_padding_on_the_left_changes_nothing(six: Trace) -> None:
    names = ("tokens", "attention_mask", "special", "words", "offsets", "token_type_ids")
    rolled: Any = {name: [[row[-1], *row[:-1]] for row in getattr(six.input, name)[:1]] for name in names}
    left = structs.replace(six, input=structs.replace(six.input, **rolled))
    found, right = pattern(np.roll(BEFORE, 1, axis=(0, 1)), left, 0), pattern(BEFORE, six, 0)
    assert found is not None and right is not None
    assert found.shares == pytest.approx(right.shares) and found.uneven == pytest.approx(right.uneven)
    assert in_words(found, left.input.tokens[0]) == in_words(right, TOKENS)


def test_words_are_numbers_of_the_matrix(tokenizer: Any) -> None:
    traced = trace(tiny_model(initializer_range=0.4), tokenizer, TEXTS, values=True)
    told = []
    for layer in attentions(traced):
        for row, tokens in enumerate(traced.input.tokens):
            for head in layer.probabilities[row]:
                found = pattern(head, traced, row)
                assert found is not None and found.shares["padding"] == 0
                told.append(found)
                for pair in found.pairs:
                    assert pair.probability == head[pair.query, pair.key] and pair.query != pair.key
                for best in found.pairs[:1]:
                    assert f"strongest: {tokens[best.query]} -> {tokens[best.key]}" in in_words(found, tokens)
    assert len(told) == 16 and any(found.pairs for found in told)
