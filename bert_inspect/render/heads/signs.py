"""A sign for each place that a head may look at, where a word has no room."""

from typing import Final

from ...traces.vocabulary.places import Place

SIGNS: Final[dict[Place, str]] = {
    "first": "C",
    "separator": "S",
    "padding": "P",
    "itself": "=",
    "previous": "<",
    "next": ">",
    "same word": "W",
    "token": "T",
}
