"""Sums without rounding, against Python's fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bert_inspect.profiles.exact import ExactSum, ExactSums

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
MODERATE = st.floats(min_value=-(2.0**60), max_value=2.0**60).filter(lambda x: x == 0 or abs(x) > 2.0**-40)


@given(st.lists(NUMBERS, min_size=1, max_size=20), st.randoms())
def test_a_sum_is_exact_in_any_order_and_is_read_as_it_was_written(numbers: list[float], random: object) -> None:
    one, other, halves = ExactSum(), ExactSum(), [ExactSum(), ExactSum()]
    for number in numbers:
        one.add(number)
    for place, number in enumerate(reversed(numbers)):
        other.add(number)
        halves[place % 2].add(number)
    halves[1].merge(halves[0])
    exact = sum(map(Fraction, numbers), Fraction(0))
    assert one.written() == other.written() == halves[1].written() == ExactSum.read(one.written()).written()
    mean = exact / len(numbers)
    assert one.mean(len(numbers)) == float(mean)


@given(st.lists(st.lists(MODERATE, min_size=3, max_size=3), min_size=2, max_size=12))
def test_sums_at_once_are_exact_in_any_order(rows: list[list[float]]) -> None:
    one, other = ExactSums(3), ExactSums(3)
    for row in rows:
        one.add(np.array(row))
    for row in reversed(rows):
        part = ExactSums(3)
        part.add(np.array(row))
        other.merge(part)
    assert one.written() == other.written() == ExactSums.read(one.written(), 3).written()
    for found, column in zip(one.means(len(rows)), zip(*rows, strict=True), strict=True):
        # Numbers are rounded to multiples of 2**-96; those drawn here are such multiples, or near enough.
        assert found == pytest.approx(float(sum(map(Fraction, column)) / len(rows)), rel=1e-15, abs=2.0**-95)


def test_deviations_lose_nothing_where_the_mean_is_large() -> None:
    numbers = [10000.0 + place / 1024 for place in range(1000)]  # of float32, whose squares a float64 holds exactly
    total, squares = ExactSum(), ExactSum()
    for number in numbers:
        total.add(number)
        squares.add(number * number)
    exact = [Fraction(number) for number in numbers]
    mean = sum(exact) / 1000
    wanted = math.sqrt(sum((number - mean) ** 2 for number in exact) / 999)
    assert total.deviation(squares, 1000) == pytest.approx(wanted, rel=1e-15)
    halves = ExactSums(1), ExactSums(1)
    for number in [0.5, 1.5, 2.5]:
        halves[0].add(np.array([number]))
        halves[1].add(np.array([number * number]))
    assert halves[0].deviations(halves[1], 3) == [1.0]


def test_what_is_no_number_or_too_large_spoils_its_sum_alone() -> None:
    sums = ExactSums(4)
    sums.add(np.array([1.0, np.nan, -np.inf, 1e300]))
    sums.add(np.array([2.0, 1.0, 1.0, 1.0]))
    assert sums.spoilt.tolist() == [False, True, True, True]
    assert sums.means(2)[0] == 1.5 and all(map(math.isnan, sums.means(2)[1:]))
    total = ExactSum()
    total.add(1.0)
    total.add(math.inf)
    total.add(2.0)
    assert total.spoilt and math.isnan(total.mean(3)) and ExactSum.read(total.written()).spoilt


@pytest.mark.parametrize("text", ["", "12", "xp1", "1p99999999", "-5:1 2", "a:1"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        ExactSum.read(text)
    with pytest.raises(ValueError):
        ExactSums.read(text, 3)
