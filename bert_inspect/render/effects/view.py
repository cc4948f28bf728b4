"""What is shown of effects."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class View:
    """What is shown of effects: with ``all`` every row and every sentence, not the largest alone."""

    all: bool = False
