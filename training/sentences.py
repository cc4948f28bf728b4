"""The sentences and pairs written for this model, read from their files and held against its answers."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
EVERYDAY = HERE / "everyday.tsv"
PAIRS = HERE / "minimal_pairs.tsv"
GREETINGS = {"I love cats!": "positive", "He hates pineapple pizza.": "negative"}

Positive = Callable[[list[str]], list[float]]


def rows(file: Path) -> list[dict[str, str]]:
    """Return the lines of a file of columns parted by tabs, by the names in its first line."""
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def ours() -> list[str]:
    """Return every sentence that the model is tried on, and that must not have trained it."""
    written = [row["sentence"] for row in rows(EVERYDAY)]
    written += [row[name] for row in rows(PAIRS) for name in ("first sentence", "second sentence")]
    return [*written, *GREETINGS]


def side(positive: float) -> str:
    """Return the label that a probability of ``positive`` stands for."""
    return "positive" if positive > 0.5 else "negative"


def greetings(positive: Positive) -> list[dict[str, Any]]:
    """Return the two sentences that bert-inspect shows by default, each with its probability of ``positive``."""
    found = positive(list(GREETINGS))
    return [
        {"sentence": sentence, "label": label, "positive": round(one, 4), "right": side(one) == label}
        for (sentence, label), one in zip(GREETINGS.items(), found, strict=True)
    ]


def everyday(positive: Positive) -> list[dict[str, Any]]:
    """Return each everyday sentence with its probability of ``positive``; right where the label is the one written."""
    held = rows(EVERYDAY)
    found = positive([row["sentence"] for row in held])
    return [
        {**row, "positive": round(one, 4), "right": side(one) == row["label"]}
        for row, one in zip(held, found, strict=True)
    ]


def pairs(positive: Positive) -> list[dict[str, Any]]:
    """Return each minimal pair with both probabilities of ``positive``, and whether it is right.

    A pair is right when both sentences get the labels written for them. In a pair about an intensifier the second
    sentence, which is the stronger one, must moreover get the higher probability of its label.
    """
    held = rows(PAIRS)
    first = positive([row["first sentence"] for row in held])
    second = positive([row["second sentence"] for row in held])
    made = []
    for row, one, other in zip(held, first, second, strict=True):
        right = side(one) == row["first label"] and side(other) == row["second label"]
        if row["kind"] == "intensifier":
            right = right and (other > one if row["second label"] == "positive" else other < one)
        made.append({**row, "first positive": round(one, 4), "second positive": round(other, 4), "right": right})
    return made
