"""What int8 would lose, against rounding the numbers themselves."""

from collections.abc import Callable

import numpy as np
import pytest
from profiles.made import Floats, record_of

from bert_inspect.profiles.findings.int8 import of_numbers


@pytest.mark.parametrize(
    "drawn",
    [
        lambda draw: draw.normal(size=20000),
        lambda draw: draw.uniform(-1, 1, size=20000),
        lambda draw: np.r_[draw.normal(size=20000), 400.0],  # nearly all become 0
        lambda draw: draw.dirichlet(np.full(20, 0.2), size=1000).ravel(),
    ],
    ids=["normal", "uniform", "outlier", "probabilities"],
)
def test_the_error_is_that_of_rounding(drawn: Callable[[np.random.Generator], Floats]) -> None:
    values = drawn(np.random.default_rng(5)).astype(np.float32).astype(float)
    step = np.abs(values).max() / 127
    rounded = np.rint(values / step) * step
    found = of_numbers(record_of(values))
    assert found is not None and found.step == pytest.approx(step)
    assert found.error == pytest.approx(np.sqrt(((rounded - values) ** 2).mean()) / values.std(ddof=1), rel=0.03)
    assert found.zeroed == pytest.approx(((rounded == 0) & (values != 0)).mean(), abs=0.01)


def test_spread_numbers_lose_a_step_over_the_root_of_twelve() -> None:
    values = np.random.default_rng(0).normal(size=50000)
    found = of_numbers(record_of(values))
    assert found is not None
    assert found.error == pytest.approx(found.step / np.sqrt(12) / values.std(), rel=0.02)


@pytest.mark.parametrize("values", [np.zeros(5), np.full(5, 3.0), np.array([2.0]), np.array([np.nan, np.inf])])
def test_what_does_not_vary_loses_nothing_that_can_be_told(values: Floats) -> None:
    assert of_numbers(record_of(values)) is None
