"""The rows of a sum: every share in exactly one of them."""

import math

import pytest
from msgspec import structs
from render.explain.records import BIASES, SHARES, batch, by_component, by_token, tokens_of

from bert_inspect.render.explain.rows import added, bias_rows, component_rows, largest, token_groups


def test_every_token_has_a_row_and_padding_none() -> None:
    given = batch("great film", padding=3)
    found = by_token([1, 2, 3, 4, 0, 0, 0], given=given)
    (group,) = token_groups(given, found.answers[0])
    assert [(row.name, row.share, row.place) for row in group.rows] == [
        ("[CLS]", 1, 0),
        ("great", 2, 1),
        ("film", 3, 2),
        ("[SEP]", 4, 3),
    ]
    assert [row.special for row in group.rows] == [True, False, False, True]


def test_padding_that_adds_something_is_not_hidden() -> None:
    given = batch("great film", padding=3)
    found = by_token([1, 2, 3, 4, 0, -0.5, 0], given=given)
    (group,) = token_groups(given, found.answers[0])
    assert group.rows[-1].name == "[PAD]" and added(group.rows) == 9.5


@pytest.mark.parametrize("words", [False, True])
def test_rows_add_up_to_the_tokens_whatever_is_put_together(words: bool) -> None:
    found = by_token()
    (group,) = token_groups(found.input, found.answers[0], words=words)
    assert added(group.rows) == sum(SHARES)
    assert sorted(place for row in group.rows for place in row.places) == list(range(len(SHARES)))
    for row in group.rows:
        known = [kind for kind in row.kinds if kind is not None]
        assert math.fsum(known) == row.share


def test_the_pieces_of_a_word_are_added_up_and_special_tokens_stay() -> None:
    found = by_token()
    (group,) = token_groups(found.input, found.answers[0], words=True)
    names = [row.name for row in group.rows]
    assert names == ["[CLS]", "great", "unbelievable", "film", ".", "[SEP]"]
    assert group.rows[2].share == sum(SHARES[2:5]) and group.rows[2].places == (2, 3, 4)


def test_the_texts_of_a_pair_are_told_apart() -> None:
    given = batch("a film", pairs=["a film"])
    found = by_token([1, 2, 3, 4, 5, 6, 7], given=given)
    groups = token_groups(given, found.answers[0])
    assert [(group.side, [row.name for row in group.rows]) for group in groups] == [
        (0, ["[CLS]", "a", "film", "[SEP]"]),
        (1, ["a", "film", "[SEP]"]),
    ]


def test_the_rows_of_two_choices_are_told_apart() -> None:
    given = batch("a", "a", pairs=["b", "c"])
    found = by_token(given=given, tokens=[*tokens_of([1] * 5, sentence=1), *tokens_of([-1] * 5, sentence=0)])
    groups = token_groups(given, found.answers[0])
    assert [(group.sentence, group.side) for group in groups] == [(1, 0), (1, 1), (0, 0), (0, 1)]
    assert [added(group.rows) for group in groups] == [3, 2, -3, -2]


def test_biases_are_rows_of_their_own_grouped_by_layer_or_each() -> None:
    answer = by_token().answers[0]
    rows, every = bias_rows(answer), bias_rows(answer, each=True)
    assert [row.name for row in rows] == ["embedding norm", "layer 0", "layer 1", "pooler", "classifier"]
    assert "layer 0 attention norm" in [row.name for row in every] and len(every) == len(BIASES)
    assert len({row.name for row in every}) == len(every)
    assert added(rows) == added(every) == sum(float(bias.share) for bias in BIASES)


@pytest.mark.parametrize("each", [False, True])
def test_components_and_biases_add_up_to_the_number(each: bool) -> None:
    found = by_component(heads=[[0.5, -0.25], [2.0, 0.0]])
    answer = found.answers[0]
    rows = component_rows(answer, each=each)
    assert answer.total is not None and added(rows) == answer.total.value
    assert len({row.name for row in rows}) == len(rows)
    convolved = structs.replace(answer, components=structs.replace(answer.components, convolution=0.5))
    assert added(component_rows(convolved)) == answer.total.value + 0.5


def test_of_many_rows_the_largest_are_kept_in_order_and_the_rest_added_up() -> None:
    answer = by_token([(-1) ** place * place / 8 for place in range(60)], " ".join(["word"] * 58)).answers[0]
    (group,) = token_groups(batch(" ".join(["word"] * 58)), answer)
    shown = largest(group.rows)
    assert [row.place for row in shown[:-1]] == list(range(40, 60))
    assert shown[-1].name == "40 others" and shown[-1].others == 40
    assert added(shown) == added(group.rows)
    assert largest(group.rows[:24]) == group.rows[:24]  # a row for four others says less than they do


def test_what_is_no_number_is_among_the_largest_and_spoils_the_sum() -> None:
    shares = [1.0] * 40
    answer = by_token(shares, " ".join(["word"] * 38)).answers[0]
    broken = structs.replace(answer.tokens[30], share="NaN")
    tokens = [*answer.tokens[:30], broken, *answer.tokens[31:]]
    (group,) = token_groups(batch(" ".join(["word"] * 38)), structs.replace(answer, tokens=tokens))
    shown = largest(group.rows)
    assert any(row.place == 30 for row in shown) and math.isnan(added(shown))
