"""The histogram, against numpy over the numbers themselves."""

import numpy as np
import pytest
import torch

from bert_inspect.analysis.profiling.real_tokens import Rows
from bert_inspect.analysis.profiling.summaries import numbers_of
from bert_inspect.profiles import buckets
from bert_inspect.profiles.record import Numbers
from bert_inspect.profiles.tensor_totals import NumbersTotal

SHARES = [0.0, 0.001, 0.01, 0.05, 0.5, 0.95, 0.99, 0.999, 1.0]


def record_of(numbers: np.ndarray, dtype: torch.dtype = torch.float32) -> Numbers:
    total = NumbersTotal()
    total.add(numbers_of(Rows(torch.tensor(numbers).to(dtype).reshape(1, -1))))
    return total.record()


CASES = {
    "normal": np.random.default_rng(1).normal(size=5000),
    "wide": np.random.default_rng(2).normal(size=5000) * 10.0 ** np.random.default_rng(3).integers(-30, 30, 5000),
    "zeros": np.array([0.0, -0.0, 0.0, 1.0, -1.0, 1e-42, -1e-42]),
    "one": np.array([3.25]),
    "constant": np.full(77, 0.1),
    "negative": -np.random.default_rng(4).exponential(size=999),
    "subnormal": np.arange(1, 200) * 1e-45,
    "largest": np.array([3.38e38, -3.38e38, 1.0]),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_quantiles_lie_within_the_stated_error(name: str, dtype: torch.dtype) -> None:
    numbers = torch.tensor(CASES[name]).to(dtype).double().numpy()
    found = record_of(CASES[name], dtype)
    exact = np.quantile(numbers, SHARES, method="inverted_cdf")
    # Below the smallest normal float32 buckets are of one width.
    near = buckets.ERROR * np.abs(exact) + 2.0**-130
    assert (np.abs(np.array(buckets.quantiles(found, SHARES)) - exact) <= near).all()
    sizes = np.quantile(np.abs(numbers), SHARES, method="inverted_cdf")
    near = buckets.ERROR * sizes + 2.0**-130
    assert (np.abs(np.array(buckets.quantiles_of_size(found, SHARES)) - sizes) <= near).all()
    counted = sum(found.negative.counts) + sum(found.positive.counts) + found.zeros
    assert counted == found.count == len(numbers) and found.zeros == int((numbers == 0).sum())


@pytest.mark.parametrize("name", ["normal", "negative", "zeros"])
def test_the_share_below_a_size_is_right_within_a_bucket(name: str) -> None:
    numbers = CASES[name]
    found = record_of(numbers)
    for size in (1e-3, 0.1, 0.5, 1.0, 2.0):
        low, high = (
            np.mean(np.abs(numbers) < size * factor) for factor in (1 - 2 * buckets.ERROR, 1 + 2 * buckets.ERROR)
        )
        assert low <= buckets.share_below(found, size) <= high


def test_what_is_not_finite_is_counted_apart() -> None:
    found = record_of(np.array([1.0, np.nan, np.inf, -np.inf, 3.0]))
    assert (found.count, found.nan, found.inf, found.min, found.max, found.mean) == (5, 1, 2, 1.0, 3.0, 2.0)
    nothing = record_of(np.array([np.nan, np.nan]))
    assert nothing.min is None and nothing.mean is None and np.isnan(buckets.quantiles(nothing, [0.5])).all()


def test_edges_are_those_of_floats() -> None:
    numbers = np.abs(CASES["normal"]).astype(np.float32)
    places = (numbers.view(np.uint32) >> buckets.SHIFT).astype(int)
    ends = buckets.edges(0, buckets.SIDE - 16)
    assert (ends[places] <= numbers).all() and (numbers < ends[places + 1]).all()
    assert ends[0] == 0 and (np.diff(ends) > 0).all()
