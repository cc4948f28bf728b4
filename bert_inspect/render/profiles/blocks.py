"""A histogram as a line of block characters."""

from collections.abc import Sequence

import numpy as np

_BLOCKS = (" ▁▂▃▄▅▆▇█", " ..::==##")


def blocks(shares: Sequence[float], *, ascii_only: bool) -> str:
    """Return shares as columns, each as high as the square root of its share of the highest: what is rare is still to
    be seen.
    """
    most = max(shares, default=0.0)
    signs = _BLOCKS[ascii_only]
    if not most > 0:
        return " " * len(shares)
    heights = np.ceil(np.sqrt(np.clip(np.array(shares) / most, 0, 1)) * (len(signs) - 1) - 1e-9)
    return "".join(signs[int(height)] for height in heights)
