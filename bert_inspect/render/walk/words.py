"""Words that every form of the tour shows: what is followed through it, shapes, how a matrix is cut."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from ...safetext import safe_text
from ...stations.excerpt import Excerpt
from ...stations.station import Command
from ...stations.walk import Stop, Walk
from ...traces.token_text import token_texts
from ..words import number, plural

Typed = Callable[[Command], str]
"""Writes a command as a user types it."""


def typed_commands(stop: Stop, typed: Typed | None) -> list[str]:
    """Return the commands of a station as a user types them, none where nothing writes them."""
    return [] if typed is None else [safe_text(typed(command)) for command in stop.commands]


def introduced(walk: Walk) -> str:
    """Return what a file says of the run at its beginning, after the name of the model's class."""
    said = "followed from the text to the answer."
    if walk.trace.model.weights == "none":
        return f"{said} It was computed without weights, in shapes alone; every shape and line of source comes from it."
    return f"{said} Every number, shape and line of source comes from it."


def first_followed(walk: Walk) -> int:
    """Return the first station with a tensor, where it is said what is followed; -1 where none has one."""
    return next((at for at, stop in enumerate(walk.stops) if stop.excerpts), -1)


def followed(walk: Walk) -> str:
    """Return a sentence on which head and which tokens the numbers are of; empty where the run has none."""
    if not walk.has_numbers:
        return ""
    tokens = token_texts(walk.trace.input, walk.row)
    query, key = (safe_text(tokens[at]) for at in (walk.followed.query, walk.followed.key))
    if walk.followed.share is None:
        return f"Followed through the tour: the token {query}, hidden {walk.followed.hidden}."
    share = f"{100 * walk.followed.share:.0f} %"
    return (
        f"Followed through the tour: head {walk.followed.head}, in which {query} gives {share} of its attention to "
        f"{key}; and of the hidden states number {walk.followed.hidden}."
    )


def no_numbers(walk: Walk) -> str:
    """Return why a tour has no numbers; empty where it has."""
    if walk.has_numbers:
        return ""
    if walk.trace.model.weights == "none":
        return "without weights there are shapes and no numbers"
    return "this run's numbers were not kept, or are too many: run --values -o keeps those of a shorter text"


def shape_of(excerpt: Excerpt) -> str:
    """Return a tensor's shape with the names of its axes: ``batch 2 x tokens 9 x hidden 768``."""
    if excerpt.axes is None:
        return " x ".join(map(str, excerpt.shape)) or "one number"
    return " x ".join(f"{axis} {size}" for axis, size in zip(excerpt.axes, excerpt.shape, strict=True)) or "one number"


def left_out(excerpt: Excerpt, *, columns: int = 0) -> str:
    """Return how many rows and columns of a matrix are not shown; ``columns`` more were cut where it is shown."""
    parts = []
    if excerpt.more_rows:
        parts.append(f"{excerpt.more_rows:,} more rows")
    if excerpt.more_columns + columns:
        parts.append(plural(excerpt.more_columns + columns, "more column"))
    return ", ".join(parts)


def gaps(excerpt: Excerpt) -> frozenset[int]:
    """Return before which columns others are left out."""
    numbered = [int(name) if name.isdecimal() else None for name in excerpt.columns]
    pairs = enumerate(pairwise(numbered), 1)
    return frozenset(at for at, (one, two) in pairs if one is not None and two is not None and two - one != 1)


def numbers_of(excerpt: Excerpt) -> Sequence[Sequence[str]]:
    """Return the numbers of a matrix as they are written; a hidden score says so."""
    whole, below = excerpt.whole_numbers, excerpt.hidden_below
    return [
        [
            "hidden" if below is not None and value < below else f"{value:.0f}" if whole else number(value)
            for value in row
        ]
        for row in excerpt.numbers or ()
    ]
