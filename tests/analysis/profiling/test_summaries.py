"""What is kept of a tensor, with the compiled loops and without them."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bert_inspect.analysis.profiling import one_pass
from bert_inspect.analysis.profiling.looks import Marks, looks_of
from bert_inspect.analysis.profiling.real_tokens import Chosen, Rows
from bert_inspect.analysis.profiling.summaries import dimensions_of, numbers_of
from bert_inspect.profiles import buckets
from bert_inspect.profiles.tensor_totals import BatchNumbers, NumbersTotal


@pytest.fixture(params=["compiled", "torch"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "compiled":
        pytest.importorskip("numba")
    else:
        monkeypatch.setattr(one_pass, "usable", lambda tensor: False)


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_a_tensor_of_the_model_is_left_as_it_is(dtype: torch.dtype) -> None:
    tensor = torch.randn(20, 7, generator=torch.Generator().manual_seed(1)).to(dtype)
    before = tensor.clone()
    _, dimensions = dimensions_of(Rows(tensor))
    numbers_of(Rows(tensor))
    assert torch.equal(tensor, before)
    np.testing.assert_allclose(dimensions.squares, (before.double() ** 2).sum(0).numpy(), rtol=1e-14)


@pytest.mark.usefixtures("_way")
def test_extremes_are_those_of_the_finite_numbers() -> None:
    tensor = torch.tensor([[1.0, math.nan, 5.0, math.inf], [math.nan, math.nan, -math.inf, math.inf], [3.0] * 4])
    tensor[2, 1] = math.nan
    beside, found = dimensions_of(Rows(tensor))
    np.testing.assert_array_equal(found.low, [1, math.inf, 3, 3])
    np.testing.assert_array_equal(found.high, [3, -math.inf, 5, 3])
    for numbers in (beside, numbers_of(Rows(tensor))):
        assert (numbers.nan, numbers.inf, numbers.low, numbers.high) == (4, 3, 1, 5)
        assert numbers.total == 15 and numbers.squares == 53


def test_what_is_too_small_for_a_float32_is_not_0() -> None:
    tensor = torch.tensor([[1e-60, -1e-300, 0.0, -0.0, 1.0]], dtype=torch.float64)
    found = numbers_of(Rows(tensor))
    assert found.zeros == 2
    assert found.sizes.sum(axis=1).tolist() == [1, 2]


def test_a_numba_that_does_not_work_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels = pytest.importorskip("bert_inspect.analysis.profiling.kernels")

    def fails() -> None:
        raise EOFError("what was kept is damaged")

    tensor = torch.arange(12.0).reshape(3, 4)
    one_pass._kernels.cache_clear()
    assert one_pass.usable(tensor)
    monkeypatch.setattr(kernels, "compile_all", fails)
    one_pass._kernels.cache_clear()
    try:
        assert not one_pass.usable(tensor)
        assert dimensions_of(Rows(tensor))[1].total.tolist() == [12, 15, 18, 21]
    finally:
        one_pass._kernels.cache_clear()


def same(numbers: BatchNumbers, taken: NDArray[np.float64]) -> None:
    """Hold numbers against those that they are of."""
    assert (numbers.count, numbers.zeros) == (taken.size, int((taken == 0).sum()))
    assert (numbers.low, numbers.high) == (taken.min(), taken.max())
    assert numbers.total == pytest.approx(taken.sum(), abs=1e-9) and numbers.squares == pytest.approx((taken**2).sum())
    bits = taken[taken != 0].astype(np.float32).view(np.uint32) >> buckets.SHIFT
    by_sign = np.bincount(bits, minlength=2 * buckets.SIDE).reshape(2, buckets.SIDE)
    total = NumbersTotal()
    total.add(numbers)
    found = total.record()
    counts = [buckets.unpacked(side) for side in (found.negative, found.positive)]
    np.testing.assert_array_equal(counts, by_sign[::-1])


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("width", [1, 7, 300, 512, 513, 1500])
def test_numbers_are_those_of_the_rows_and_columns_that_are_taken(width: int) -> None:
    matrix = torch.randn(75, width, generator=torch.Generator().manual_seed(width))
    matrix[7, :5] = 0.0
    matrix[9, :2] = -0.0
    matrix[11] = torch.finfo(torch.float32).smallest_normal / 8
    few, most = np.arange(0, 75, 2), max(width - 1, 1)
    spans = np.minimum(np.stack([np.arange(38) % 2, np.full(38, width)], axis=1), most)
    for chosen in (Chosen(), Chosen(few), Chosen(few, spans)):
        rows = Rows(matrix, chosen)
        same(numbers_of(rows), rows.taken.double().numpy())
    for chosen in (Chosen(), Chosen(few)):
        rows = Rows(matrix, chosen)
        taken = rows.taken.double().numpy()
        numbers, found = dimensions_of(rows)
        same(numbers, taken)
        assert found.count == len(taken)
        np.testing.assert_array_equal(found.low, taken.min(axis=0))
        np.testing.assert_array_equal(found.high, taken.max(axis=0))
        np.testing.assert_array_equal(found.zeros, (taken == 0).sum(axis=0))
        np.testing.assert_allclose(found.total, taken.sum(axis=0), atol=1e-12)
        np.testing.assert_allclose(found.squares, (taken**2).sum(axis=0), rtol=1e-14)


@pytest.mark.usefixtures("_way")
def test_a_tensor_may_lie_in_memory_as_it_likes() -> None:
    tensor = torch.randn(40, 30, generator=torch.Generator().manual_seed(0))
    for seen in (tensor.t(), tensor[:, ::2], tensor[3:4].expand(40, 30), torch.nn.Parameter(tensor)):
        taken = seen.detach().double().numpy()
        same(numbers_of(Rows(seen)), taken)
        numbers, found = dimensions_of(Rows(seen))
        same(numbers, taken)
        np.testing.assert_allclose(found.total, taken.sum(axis=0), atol=1e-12)


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("padded", [False, True])
def test_where_a_head_looks_is_not_known_where_its_probabilities_are_not(padded: bool) -> None:
    probabilities = torch.rand(2, 3, 5, 5, generator=torch.Generator().manual_seed(0)).softmax(dim=-1)
    probabilities[1, 2, 1] = math.nan
    kinds = np.array([[1, 3, 3, 2, 0 if padded else 3]] * 2, dtype=np.int8)
    found = looks_of(probabilities, Marks(kinds))
    assert found.count == (8 if padded else 10)
    for name, totals in found.totals.items():
        assert np.isfinite(totals[:2]).all() and np.isnan(totals[2]), name
