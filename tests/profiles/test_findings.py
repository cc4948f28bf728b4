"""What stands out in a profile: what a test plants is found and named, what is drawn at random is not."""

import numpy as np
import pytest
from msgspec import structs
from profiles.made import HEADS, Made

from bert_inspect.profiles.findings.found import findings
from bert_inspect.profiles.findings.outliers import outliers, rms, standing_out
from bert_inspect.profiles.record import Dimensions


@pytest.mark.parametrize("width", [32, 128, 768])
@pytest.mark.parametrize("seed", range(5))
def test_nothing_stands_out_of_what_is_drawn_at_random(width: int, seed: int) -> None:
    found = findings(Made(seed=seed, width=width, count=100).profile())
    assert found.outliers == [] and found.massive == [] and found.not_finite == []
    assert [(units.dead, units.nearly_dead) for units in found.units] == [([], [])] * 3
    assert not any(look.place or look.sink for row in found.heads for look in row)


@pytest.mark.parametrize("width", [32, 768])
def test_fixed_offsets_alone_which_scatter_the_most_are_no_outliers(width: int) -> None:
    offsets = np.abs(np.random.default_rng(3).normal(size=(7, width)))
    assert (
        offsets > offsets.mean() + 3 * offsets.std()
    ).any() or width == 32  # the three deviations alone are not enough
    assert outliers(dict(enumerate(offsets))) == []


def test_a_planted_outlier_dimension_is_named_with_its_hidden_states() -> None:
    made = Made()
    made.hidden[1:, :, 7] = 40.0
    (found,) = findings(made.profile()).outliers
    assert found.dimension == 7 and list(found.rms) == [1, 2, 3]
    assert all(size == pytest.approx(40) for size in found.rms.values())
    sizes = np.sqrt((made.hidden[2].astype(np.float32).astype(float) ** 2).mean(axis=0))
    assert found.times[2] == pytest.approx(40 / np.median(sizes))
    assert found.deviations[2] == pytest.approx((40 - sizes.mean()) / sizes.std(ddof=1))


def test_an_outlier_in_fewer_than_half_of_the_hidden_states_is_none() -> None:
    made = Made()
    made.hidden[2, :, 7] = 40.0
    assert findings(made.profile()).outliers == []


def test_one_giant_does_not_hide_another_outlier() -> None:
    sizes = np.ones(768)
    sizes[[3, 500]] = 1000.0, 20.0
    assert sizes[500] < sizes.mean() + 3 * sizes.std()
    assert list(standing_out(sizes)) == [3, 500]


def test_a_dimension_that_is_not_finite_hides_no_outlier() -> None:
    sizes = np.ones(64)
    sizes[[1, 2]] = np.nan, 30.0
    assert list(standing_out(sizes)) == [2]


def test_the_root_mean_square_follows_from_mean_and_deviation() -> None:
    values = np.random.default_rng(0).normal(2, 3, size=(9, 2))
    record = Dimensions(
        count=9,
        min=[],
        max=[],
        mean=values.mean(axis=0).tolist(),
        std=values.std(axis=0, ddof=1).tolist(),
        zeros=[],
        total="",
        squares="",
    )
    assert rms(record) == pytest.approx(np.sqrt((values**2).mean(axis=0)))


def test_a_massive_activation_is_named() -> None:
    made = Made()
    made.hidden[2, 3, 9] = -2500.0
    (found,) = findings(made.profile()).massive
    assert (found.hidden_state, found.dimension, found.largest) == (2, 9, -2500)
    assert found.times == pytest.approx(2500 / np.median(np.abs(made.hidden[2])), rel=1 / 32)
    made.hidden[2, 3, 9] = 0.0
    made.hidden *= 1000  # large, but not beside the others
    assert findings(made.profile()).massive == []


def test_dead_and_nearly_dead_units_are_named() -> None:
    made = Made()
    made.units[1, :, 5] = 0
    made.units[2, :, 6] *= 1e-5
    made.units[2, :250, 8] = 0
    none, one, two = findings(made.profile()).units
    assert (none.dead, none.nearly_dead) == ([], [])
    assert (one.dead, one.nearly_dead, one.layer) == ([5], [], 1)
    assert (two.dead, two.nearly_dead) == ([], [6])
    assert two.zeros[8] == 0.5 and two.zeros[6] == 0 and two.count == 64


def test_the_units_of_a_gated_feed_forward_part_are_what_passes_the_gate() -> None:
    made = Made()
    made.units[1, :, 5] = 0
    profile = made.profile()
    steps = [
        structs.replace(step, label="gated intermediate") if step.label == "gelu activation" else step
        for step in profile.steps
    ]
    found = findings(structs.replace(profile, steps=steps)).units
    assert [(units.label, units.dead) for units in found] == [("gated intermediate", dead) for dead in ([], [5], [])]


def test_what_short_sentences_give_to_the_first_token_anyhow_is_no_sink() -> None:
    made = Made()
    made.heads["first"][1, 2] = 0.55
    made.heads["first"][1, 3] = 0.75
    made.heads["first"][2, 0] = made.heads["separator"][2, 0] = 0.34
    found = made.profile(sentences=160)  # of 500 tokens: about three each, of which one gets a third by chance
    looks = findings(found).heads
    assert looks[1][2].even == pytest.approx(0.32)
    assert (looks[1][2].place, looks[1][2].sink) == ("first", False)
    assert (looks[1][3].place, looks[1][3].sink) == ("first", True)
    assert (looks[2][0].place, looks[2][0].sink) == (None, False)


def test_a_sink_is_named_and_what_looks_elsewhere_is_none() -> None:
    made = Made()
    made.heads["separator"][1, 2] = 0.9
    made.heads["previous"][0, 1] = 0.8
    made.heads["first"][2, 0] = made.heads["separator"][2, 0] = 0.4
    looks = findings(made.profile()).heads
    assert (looks[1][2].place, looks[1][2].sink, looks[1][2].shares["separator"]) == ("separator", True, 0.9)
    assert (looks[0][1].place, looks[0][1].sink) == ("previous", False)
    assert (looks[2][0].place, looks[2][0].sink, looks[2][0].on_special) == (None, True, pytest.approx(0.8))
    assert sum(look.sink or look.place is not None for row in looks for look in row) == 3
    assert [len(row) for row in looks] == [HEADS] * 3


def test_what_is_not_finite_is_named() -> None:
    numbers = np.array([1.0, 2.0, np.nan, np.inf, -np.inf])
    (found,) = findings(Made(more={"scores": numbers, "others": numbers[:2]}).profile()).not_finite
    assert (found.held.label, found.not_finite) == ("scores", "1 NaN, 2 infinite")


def test_masks_may_hold_infinities() -> None:
    mask = np.array([0.0, 0.0, -np.inf])
    found = findings(Made(more={"attention mask": mask, "masked attention scores": mask}).profile())
    assert found.not_finite == []
