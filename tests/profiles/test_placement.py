"""Where a run lies in a corpus: what is planted is found, with the figures that follow by hand."""

import math

import numpy as np
import pytest
from msgspec import structs
from profiles.made import Answer, Made, record_of

from bert_inspect.profiles.placement.answers import placed_answers
from bert_inspect.profiles.placement.dimensions import Bounds, bounds_of, far_dimensions, state_of
from bert_inspect.profiles.placement.margin import margin
from bert_inspect.profiles.placement.placement import Placement, placement
from bert_inspect.profiles.placement.steps import StepPlace, placed_steps, tail
from bert_inspect.profiles.record import Profile
from bert_inspect.traces.output import Prediction
from bert_inspect.traces.selection import Wanted


def placed(corpus: Profile, run: Profile, **how: object) -> Placement:
    return placement(corpus, run, states={}, places=[], **how)  # type: ignore[arg-type]


def one_step(corpus: list[float], run: list[float]) -> StepPlace | None:
    """Where numbers lie that a step gave in a run, beside those that it gave in the corpus."""
    profiles = (Made(more={"planted": np.array(numbers)}).profile() for numbers in (corpus, run))
    return next((step for step in placed_steps(*profiles) if step.held.label == "planted"), None)


@pytest.mark.parametrize(
    ("run", "above", "below", "verdict"),
    [
        ([-1.0, 0.5, 2.0], 0, 0, "usual"),
        ([2.5], 0.5, 0, "beyond"),
        ([-1.25, 4.0], 2, 0.25, "beyond"),
        ([2.0 + 2.0**-20], 0, 0, "usual"),  # rounding: another batch may give as much
        ([2.0 + 2.0**-16], 2.0**-16, 0, "beyond"),
        ([0.0, math.nan, math.inf], 0, 0, "not finite"),
        ([math.nan], 0, 0, "not finite"),
    ],
)
def test_what_passes_the_corpus_by_more_than_rounding_is_beyond_it(
    run: list[float], above: float, below: float, verdict: str
) -> None:
    found = one_step([-1.0, 0.0, 2.0], run)
    assert found is not None
    assert (found.above, found.below, found.verdict) == (pytest.approx(above), pytest.approx(below), verdict)
    assert found.excess == pytest.approx(max(above, below) / 3)


def test_what_was_never_finite_in_the_corpus_is_not_told() -> None:
    assert one_step([math.nan], [1.0]) is None
    known = one_step([1.0, math.nan], [1.0, math.nan])
    assert known is not None and known.verdict == "usual"


def test_half_the_digits_round_more() -> None:
    assert margin("float32", 2.0) == 2 * 64 * 2.0**-24 and margin("bfloat16", -2.0) == 2 * 8 * 2.0**-8


def test_large_numbers_are_counted_exactly() -> None:
    drawn = np.random.default_rng(0).normal(size=50_000).astype(np.float32)
    here = np.concatenate([drawn[:900], np.full(30, -4.5, dtype=np.float32)])
    found = tail(record_of(drawn), record_of(here))
    assert found is not None and (found.count, found.corpus <= 0.001) == (930, True)
    assert found.corpus == (np.abs(drawn) >= found.size).mean() > 0.0005
    assert found.here == (np.abs(here) >= found.size).sum()
    assert found.many and found.times == pytest.approx(found.here / 930 / found.corpus)
    # Nine of ten numbers are far more than one in a thousand, and few all the same.
    few = tail(record_of(drawn), record_of(np.array([4.5] * 9 + [0.1])))
    assert few is not None and few.times > 100 and not few.many
    # Where a thousandth of the corpus is less than one number, nothing can be said.
    assert tail(record_of(drawn[:500]), record_of(here)) is None
    assert tail(record_of(drawn), record_of(np.array([math.nan]))) is None


def test_a_dimension_is_told_where_it_lies_farthest() -> None:
    low, high, mean, std = (np.array(row, dtype=float) for row in ([-1] * 5, [1] * 5, [0] * 5, [0.5, 0.5, 0.5, 0, 0.5]))
    bounds = Bounds(low=low, high=high, mean=mean, std=std, margin=1e-6)
    values = np.array(
        [
            [0.5, -3.0, -0.9, 0.0, math.nan],
            [-0.75, 2.0, 1.1, 5.0, 0.25],
            [0.25, 0.0, 0.0, 1.0, math.inf],
        ]
    )
    found = state_of(values, bounds)
    assert found.value.tolist() == [-0.75, -3.0, 1.1, 5.0, 0.25] and found.token.tolist() == [1, 0, 1, 1, 1]
    assert found.beyond.tolist() == [False, True, True, True, False]
    assert found.deviations[[0, 1, 2, 4]] == pytest.approx([-1.5, -6, 2.2, 0.5]) and math.isnan(found.deviations[3])
    usual = state_of(values[2:, :4], Bounds(low=low[:4], high=high[:4], mean=mean[:4], std=std[:4], margin=1e-6))
    far = far_dimensions({0: usual, 3: found}, 4)
    assert [(one.dimension, one.hidden_state, one.states) for one in far] == [
        (1, 3, [3]),
        (2, 3, [3]),
        (3, 3, [3]),
        (0, 3, []),
    ]
    assert (far[0].value, far[0].token, far[0].low, far[0].high) == (-3.0, 0, -1.0, 1.0)


def test_the_tokens_of_the_corpus_are_inside_and_a_planted_one_is_not() -> None:
    made = Made()
    bounds = bounds_of(made.profile())
    numbers = made.hidden.astype(np.float32).astype(np.float64)
    assert [*bounds] == [0, 1, 2, 3]
    assert not any(state_of(numbers[number], each).beyond.any() for number, each in bounds.items())
    run = numbers[2][:7].copy()
    run[4, 17] = numbers[2][:, 17].max() + 3
    state = state_of(run, bounds[2])
    assert np.flatnonzero(state.beyond).tolist() == [17] and state.token[17] == 4
    known = numbers[2][:, 17]
    assert state.deviations[17] == pytest.approx((run[4, 17] - known.mean()) / known.std(ddof=1))


def test_heads_that_look_elsewhere_come_first() -> None:
    made, other = Made(), Made()
    other.heads["first"][1, 2] += 0.4
    other.heads["itself"][2, 0] -= 0.1
    other.heads["separator"][0, 0] = math.nan
    heads = placed(made.profile(), other.profile()).heads
    assert [(move.a.layer, move.a.head, move.place) for move in heads[:2]] == [(1, 2, "first"), (2, 0, "itself")]
    assert [move.change for move in heads[:3]] == pytest.approx([0.4, -0.1, 0])
    narrowed = placed(made.profile(), other.profile(), wanted=Wanted(layers=frozenset({2})))
    assert {move.a.layer for move in narrowed.heads} == {2}
    assert {step.held.step.layer for step in narrowed.steps} == {2}


def test_answers_are_held_against_those_as_probable() -> None:
    given = [(0, 0.83, 0), (0, 0.86, 1), (1, 0.89, 1), (1, 0.8, None), (1, 0.95, 1), (0, 1.0, 0), (0, 0.55, None)]
    answers = [Answer(index=index, probability=share, label=label) for index, share, label in given]
    corpus = Made(answers=answers).profile()
    like = [
        Prediction(index=index, label=name, score=score)
        for index, name, score in ((0, "negative", 0.81), (1, "positive", 1.0), (0, "negative", 0.61))
    ]
    found = placed(corpus, corpus, predictions=like).answers
    assert [(one.low, one.high, one.count, one.right) for one in found] == [
        (0.8, 0.9, 3, 2),
        (0.9, 1.0, 2, 2),
        (0.6, 0.7, 0, 0),
    ]
    assert [(one.alike, one.total, one.labelled) for one in found] == [(4, 7, True), (3, 7, True), (4, 7, True)]
    bare = Made(answers=[Answer(index=0, probability=0.9)] * 7).profile()
    (only,) = placed_answers(bare.answers, like[:1])
    assert not only.labelled and (only.alike, only.total) == (7, 7)
    assert placed_answers(None, like) == []


def test_by_chance_each_sentence_may_hold_the_extreme() -> None:
    corpus = Made().profile(sentences=39)
    for count in (1, 3):
        run = structs.replace(corpus, input=structs.replace(corpus.input, sentences=count))
        drawn = np.random.default_rng(count).normal(size=(20_000, 39 + count))
        share = (drawn[:, 39:].max(axis=1) > drawn[:, :39].max(axis=1)).mean()
        assert placed(corpus, run).by_chance == pytest.approx(share, abs=0.005)
