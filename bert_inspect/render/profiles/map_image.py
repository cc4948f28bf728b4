"""The map of magnitudes as pictures of points: one of how large each dimension is, one of the outliers among them."""

from base64 import b64encode
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ...profiles.findings.outliers import TIMES
from ..explain.scale import AGAINST, FOR
from ..heads.pixels import png
from .magnitude_map import BOUNDS, beside_median, pooled

COLUMNS = 384
"""A picture has at most as many points a row; of more dimensions each is the largest of several."""
Floats = NDArray[np.float64]


def images(states: Mapping[int, Floats]) -> tuple[list[str], int]:
    """Return the pictures as data URIs, one to lie upon the other, and how many dimensions a point stands for."""
    size = max(map(len, states.values()))
    each = -(-size // COLUMNS)
    times = np.array([pooled(beside_median(sizes), each) for sizes in states.values()])
    strong = np.clip(np.log(np.maximum(times, 1.0)) / np.log(TIMES), 0, 1)  # nothing at the median
    found = [(np.where(times < TIMES, strong, 0), FOR), (times >= TIMES, AGAINST)]
    return [_uri(np.rint(255 * layer).astype(np.uint8), colour) for layer, colour in found], each


def ticks(states: Mapping[int, Floats]) -> list[tuple[int, float]]:
    """Return dimensions to be named below the map, each with how far along it stands, from 0 to 1."""
    size = max(map(len, states.values()))
    step = next(step for step in (8, 16, 32, 64, 128, 256, 512, 1024, size) if size / step <= _TICKS)
    return [(dimension, dimension / size) for dimension in range(0, size, step)]


_TICKS = 6


def legend(each: int) -> str:
    """Return how the map is to be read."""
    point = "a dimension" if each == 1 else f"the largest of {each} dimensions"
    return (
        f"Rows are hidden states, each point {point}: its root mean square over all tokens beside the median of its "
        f"row, from the median on (no colour) to {BOUNDS[-1]:.0f} times; orange from there on."
    )


def _uri(strengths: NDArray[np.uint8], colour: tuple[int, int, int]) -> str:
    return f"data:image/png;base64,{b64encode(png(strengths, colour)).decode()}"
