"""The places that a head may look at, and what they are called in words."""

from typing import Final, Literal

Place = Literal["first", "separator", "padding", "itself", "previous", "next", "same word", "token"]

PLACES: Final[dict[Place, str]] = {
    "first": "the first token",
    "separator": "the separator",
    "padding": "padding",
    "itself": "the token itself",
    "previous": "the token before",
    "next": "the token after",
    "same word": "the same word elsewhere",
    "token": "one other token",
}

MOST: Final = 0.5
"""From more than this share on a head looks mostly at one place."""
