"""What is shown of an explanation."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class View:
    """What is shown of an explanation.

    Attributes:
        split: a token's word, position and token type apart, and each bias by itself.
        words: word pieces added up to words.
        all: every row, however many there are, and every sentence.
    """

    split: bool = False
    words: bool = False
    all: bool = False
