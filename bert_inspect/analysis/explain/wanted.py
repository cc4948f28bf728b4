"""Which number is asked for. Nothing here needs torch."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked for: the class, choice or token whose number is explained, the one it is held against, and the
    token in the sentence; None each: the model's own answer.
    """

    target: str | None = None
    against: str | None = None
    token: str | None = None
