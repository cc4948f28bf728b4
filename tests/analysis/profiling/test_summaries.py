"""What is kept of a tensor, with the compiled loops and without them."""

import math

import numpy as np
import pytest
import torch

from bert_inspect.analysis.profiling import one_pass
from bert_inspect.analysis.profiling.real_tokens import Rows
from bert_inspect.analysis.profiling.summaries import dimensions_of, numbers_of


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
    dimensions = dimensions_of(Rows(matrix=tensor))
    numbers_of(Rows(matrix=tensor), dimensions)
    assert torch.equal(tensor, before)
    np.testing.assert_allclose(dimensions.squares, (before.double() ** 2).sum(0).numpy(), rtol=1e-14)


@pytest.mark.usefixtures("_way")
def test_extremes_are_those_of_the_finite_numbers() -> None:
    tensor = torch.tensor([[1.0, math.nan, 5.0, math.inf], [math.nan, math.nan, -math.inf, math.inf], [3.0] * 4])
    tensor[2, 1] = math.nan
    found = dimensions_of(Rows(matrix=tensor))
    np.testing.assert_array_equal(found.low, [1, math.inf, 3, 3])
    np.testing.assert_array_equal(found.high, [3, -math.inf, 5, 3])
    numbers = numbers_of(Rows(matrix=tensor), found)
    assert (numbers.nan, numbers.inf, numbers.low, numbers.high) == (4, 3, 1, 5)
    assert numbers.total == 15 and numbers.squares == 53


def test_what_is_too_small_for_a_float32_is_not_0() -> None:
    tensor = torch.tensor([[1e-60, -1e-300, 0.0, -0.0, 1.0]], dtype=torch.float64)
    found = numbers_of(Rows(matrix=tensor))
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
        assert dimensions_of(Rows(matrix=tensor)).total.tolist() == [12, 15, 18, 21]
    finally:
        one_pass._kernels.cache_clear()


@pytest.mark.parametrize("padded", [False, True], ids=["whole", "padded"])
def test_the_number_of_threads_changes_no_bit(padded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    matrix = torch.randn(3000, 300, generator=torch.Generator().manual_seed(3))
    matrix[7, :5] = 0.0
    matrix[9, :2] = -0.0
    places = torch.arange(0, 3000, 2) if padded else None
    spans = torch.tensor([[1, 299], [0, 300]]).repeat(750, 1) if padded else None
    found = []
    for threads in (1, 8):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        rows = Rows(matrix=matrix, places=places, spans=spans)
        found.append((numbers_of(rows), dimensions_of(Rows(matrix=matrix, places=places))))
    (numbers, dimensions), (others, other_dimensions) = found
    assert (numbers.total, numbers.squares, numbers.low, numbers.high) == (
        others.total,
        others.squares,
        others.low,
        others.high,
    )
    np.testing.assert_array_equal(numbers.sizes, others.sizes)
    np.testing.assert_array_equal(dimensions.total, other_dimensions.total)
    np.testing.assert_array_equal(dimensions.squares, other_dimensions.squares)
    # And they are those of the numbers.
    taken = rows.taken.double().numpy()
    assert (numbers.count, numbers.zeros) == (taken.size, int((taken == 0).sum()))
    assert (numbers.low, numbers.high) == (taken.min(), taken.max())
    assert numbers.total == pytest.approx(taken.sum(), abs=1e-9) and numbers.squares == pytest.approx((taken**2).sum())
