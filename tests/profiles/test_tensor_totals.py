"""Totals over batches, whichever of them comes first."""

from msgspec.json import encode
from torch import Tensor, tensor

from bert_inspect.analysis.profiling.real_tokens import Rows
from bert_inspect.analysis.profiling.summaries import dimensions_of
from bert_inspect.profiles.tensor_totals import DimensionsTotal, NumbersTotal


def written(batches: list[Tensor]) -> bytes:
    """The records of the totals of some batches, added in this order."""
    numbers, dimensions = NumbersTotal(), DimensionsTotal(2)
    for batch in batches:
        found, by_dimension = dimensions_of(Rows(batch))
        numbers.add(found)
        dimensions.add(by_dimension)
    return encode([numbers.record(), dimensions.record()])


def test_the_sign_of_a_zero_does_not_show_which_batch_came_first() -> None:
    above, below = tensor([[0.0, 1.0], [0.0, 0.0]]), tensor([[-0.0, 1.0], [-0.0, -0.0]])
    assert written([above, below]) == written([below, above])
    assert b"-0.0" not in written([below, above])
    assert written([above[:, :1].expand(2, 2)] * 2) == written([below[:, :1].expand(2, 2)] * 2)
