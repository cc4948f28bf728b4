"""The threads that torch computes a sum with: with another number of them it may round otherwise."""

import torch


def use_threads(asked: int | None) -> None:
    """Let torch compute with as many threads as are asked for; None leaves them as they are."""
    if asked is not None:
        torch.set_num_threads(asked)


def threads_for(asked: int | None) -> int:
    """Return as many threads for a worker as this process would have, so that both round alike."""
    return torch.get_num_threads() if asked is None else asked
