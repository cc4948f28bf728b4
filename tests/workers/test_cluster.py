"""A cluster that is not there is told at once."""

import pytest

from bert_inspect.errors import UsageError
from bert_inspect.workers.cluster import connected


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1", "there is no Ray cluster at 127.0.0.1:1: "),
        ("somewhere", "somewhere is not the address of a Ray cluster"),
        ("127.0.0.1:123456", "there is no Ray cluster at 127.0.0.1:123456: "),
    ],
)
def test_nobody_waits_for_a_cluster_that_is_not_there(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=said), connected(address, verbose=False):
        pass
