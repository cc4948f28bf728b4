"""How the figures of the card are computed from predictions; nothing here knows a model."""

import math
from collections.abc import Sequence
from typing import NamedTuple

BINS = 10


class Guess(NamedTuple):
    """The probability that the model gives to ``positive``, and whether that is the right side."""

    positive: float
    truth: bool

    @property
    def confidence(self) -> float:
        """The probability of the side that the model takes, from 0.5 to 1."""
        return max(self.positive, 1 - self.positive)

    @property
    def right(self) -> bool:
        """Whether the model takes the right side."""
        return (self.positive > 0.5) == self.truth


class Bin(NamedTuple):
    """The guesses of about one confidence: how many there are, how sure they are and how many are right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def accuracy(guesses: Sequence[Guess]) -> float:
    """Return the share of right guesses."""
    return sum(guess.right for guess in guesses) / len(guesses)


def interval(share: float, count: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share of so many texts (Wilson 1927)."""
    z = 1.96
    middle = share + z * z / (2 * count)
    width = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return (middle - width) / scale, (middle + width) / scale


def bins(guesses: Sequence[Guess]) -> list[Bin]:
    """Sort the guesses into ten bins of equal width between 0.5 and 1, empty ones left out."""
    sorted_in: list[list[Guess]] = [[] for _ in range(BINS)]
    for guess in guesses:
        sorted_in[min(BINS - 1, int((guess.confidence - 0.5) * 2 * BINS))].append(guess)
    width = 0.5 / BINS
    return [
        Bin(
            low=round(0.5 + number * width, 3),
            high=round(0.5 + (number + 1) * width, 3),
            count=len(held),
            confidence=sum(guess.confidence for guess in held) / len(held),
            accuracy=accuracy(held),
        )
        for number, held in enumerate(sorted_in)
        if held
    ]


def calibration_error(guesses: Sequence[Guess]) -> float:
    """Return the expected calibration error: |accuracy - confidence| of each bin, weighted by its share of guesses."""
    return sum(one.count * abs(one.accuracy - one.confidence) for one in bins(guesses)) / len(guesses)
