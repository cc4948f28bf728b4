"""A matrix with fewer columns, where a file has no room for all that a station has."""

from dataclasses import replace

from ...stations.excerpt import Excerpt


def narrowed(excerpt: Excerpt, most: int) -> Excerpt:
    """Return a matrix with at most so many columns, the one that is told last; one that is shown whole stays whole, as
    a matrix of tokens is.
    """
    cut = len(excerpt.columns) - most
    if cut <= 0 or not excerpt.more_columns:
        return excerpt
    told = None if excerpt.marked is None else excerpt.marked[1]
    kept = list(range(most)) if told is None or told < most else [*range(most - 1), told]
    return replace(
        excerpt,
        columns=tuple(excerpt.columns[at] for at in kept),
        numbers=tuple(tuple(row[at] for at in kept) for row in excerpt.numbers or ()),
        more_columns=excerpt.more_columns + cut,
        marked=None if excerpt.marked is None else (excerpt.marked[0], kept.index(excerpt.marked[1])),
    )
