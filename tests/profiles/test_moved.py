"""What moved between two profiles: what a test moves is found, with the figures that follow by hand."""

import numpy as np
import pytest
from msgspec import structs
from profiles.made import Answer, Made, record_of

from bert_inspect.errors import UsageError
from bert_inspect.profiles.moved.moves import moves
from bert_inspect.profiles.moved.shift import by_chance, distance


def test_a_profile_is_the_same_as_itself() -> None:
    found = moves(Made(examples=2).profile(), Made().profile())  # examples are no numbers
    assert found.same and found.paired and not found.differs and not found.gained and not found.units
    assert {one.distance for one in found.steps} == {0.0}


@pytest.mark.parametrize("paired", [True, False])
def test_what_moved_most_comes_first_in_deviations_of_a(paired: bool) -> None:
    values = np.random.default_rng(0).normal(size=4000)
    before, after = Made(more={"moved": values, "still": values}), Made(more={"moved": 2 * values + 3, "still": values})
    a, b = before.profile(), after.profile()
    if not paired:
        b = structs.replace(b, input=structs.replace(b.input, digests=["f" * 16], files=["other.txt"]))
    found = moves(a, b)
    most = found.steps[0]
    assert not found.same and found.paired is paired and most.a.held.label == "moved"
    assert most.mean == pytest.approx((values.mean() + 3) / values.std(ddof=1), abs=1e-5)
    assert most.std == pytest.approx(2, abs=1e-5)
    assert 0.5 < most.distance <= 1
    assert all(one.distance == 0 and one.mean == 0 for one in found.steps[1:])
    assert (most.chance == 0) is paired and [what for what, _, _ in found.differs] == ([] if paired else ["corpus"])


def test_the_distance_is_half_the_sum_of_the_differences() -> None:
    a, b = record_of(np.array([1, 1, 2, 0.0])), record_of(np.array([1, -1, 0, 0.0, np.nan, 2, 2, 2]))
    # shares: 1: 2/4, 1/8; -1: 0, 1/8; 2: 1/4, 3/8; 0: 1/4, 2/8; NaN: 0, 1/8
    assert distance(a, b) == pytest.approx((3 / 8 + 1 / 8 + 1 / 8 + 0 + 1 / 8) / 2)
    assert distance(a, a) == 0 and distance(a, record_of(np.array([9.0]))) == 1


@pytest.mark.parametrize("counts", [(200, 200), (5000, 700)])
def test_chance_is_how_far_two_samples_of_one_distribution_lie_apart(counts: tuple[int, int]) -> None:
    draw = np.random.default_rng(4)

    def two() -> tuple[float, float]:
        a, b = (record_of(draw.normal(size=count)) for count in counts)
        return distance(a, b), by_chance(a, b)

    far, chance = np.mean([two() for _ in range(20)], axis=0)
    assert chance == pytest.approx(far, rel=0.1)


def test_heads_outliers_and_units_that_changed_are_named() -> None:
    before, after = Made(), Made()
    before.hidden[1:, :, 3] = 50
    after.hidden[1:, :, 7] = 40
    before.units[0, :, 4] = 0
    after.units[0, :, [5, 9]] = 0
    after.heads["separator"][1, 2] = before.heads["separator"][1, 2] + 0.5
    found = moves(before.profile(), after.profile())
    assert [one.dimension for one in found.gained] == [7] and [one.dimension for one in found.lost] == [3]
    assert [(one.layer, one.gained, one.lost) for one in found.units] == [(0, [5, 9], [4])]
    head = found.heads[0]
    assert (head.a.layer, head.a.head, head.place, head.change) == (1, 2, "separator", pytest.approx(0.5))
    assert {one.change for one in found.heads[1:]} == {0}


def test_another_answer_alone_is_a_difference() -> None:
    def answered(index: int) -> Made:
        return Made(answers=[Answer(index=index, probability=0.75)])

    assert moves(answered(0).profile(), answered(0).profile()).same
    assert not moves(answered(0).profile(), answered(1).profile()).same


def test_other_weights_are_said() -> None:
    a = Made().profile()
    assert moves(a, structs.replace(a, weights="1" * 64)).differs == [("weights", "0" * 12, "1" * 12)]


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (Made(width=32), "hidden 48 and 32"),
        (Made(layers=2), "layers 3 and 2"),
        (Made(more={"scores": np.ones(3)}), "A runs embeddings.dropout (dropout) where B runs extra.7 (scores)"),
    ],
    ids=["width", "layers", "steps"],
)
def test_other_sizes_and_other_steps_are_not_comparable(other: Made, told: str) -> None:
    with pytest.raises(UsageError, match="not comparable") as caught:
        moves(Made().profile(), other.profile())
    assert told in caught.value.message


def test_fewer_steps_are_not_comparable() -> None:
    whole = Made().profile()
    with pytest.raises(UsageError, match="A has 8 steps and B 7"):
        moves(whole, structs.replace(whole, steps=whole.steps[:-1]))
