"""A sentence of a corpus, with what stands beside it and where it stands."""

from dataclasses import dataclass
from typing import NamedTuple


class Place(NamedTuple):
    """Where a sentence stands: the number of its file among those of the corpus (from 0), the name of that, its line
    (from 1), and the byte at which that begins.
    """

    file: int = 0
    name: str = ""
    line: int = 0
    offset: int = 0

    def __str__(self) -> str:
        """Say it in words."""
        return f"line {self.line} of {self.name}"


_NOWHERE = Place()


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A sentence: its ``number`` in the whole corpus (from 1), its text, the second text of a pair, and its label: the
    name of a class, or its index.
    """

    number: int
    text: str
    pair: str | None = None
    label: str | int | None = None
    where: Place = _NOWHERE

    @property
    def place(self) -> str:
        """How errors call it."""
        return str(self.where)

    @property
    def content(self) -> tuple[str, str | None, str | int | None]:
        """What a digest of it is made of: all but where it stands."""
        return self.text, self.pair, self.label
