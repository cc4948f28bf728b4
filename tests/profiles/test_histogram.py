"""Histograms over bins of equal width, against numpy's."""

import numpy as np
import pytest
from profiles.made import Floats, record_of

from bert_inspect.profiles.histogram import bins


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).normal(size=30000),
        np.random.default_rng(1).exponential(size=30000),
        np.r_[-np.random.default_rng(2).exponential(size=9000), np.zeros(1000)],
        np.r_[np.zeros(4000), np.random.default_rng(3).uniform(size=1000)],
    ],
    ids=["both signs", "positive", "negative and zeros", "zeros and positive"],
)
def test_a_bin_holds_what_lies_in_it(values: Floats) -> None:
    values = values.astype(np.float32).astype(float)
    exact = np.histogram(values, bins=20)[0] / len(values)
    found = bins(record_of(values), 20)
    assert found.sum() == pytest.approx(1)
    assert found == pytest.approx(exact, abs=0.012)


def test_one_number_alone_stands_in_the_middle_and_nothing_is_nothing() -> None:
    assert bins(record_of(np.full(7, -2.5)), 9).tolist() == [0] * 4 + [1] + [0] * 4
    assert bins(record_of(np.array([np.nan])), 9).tolist() == []
