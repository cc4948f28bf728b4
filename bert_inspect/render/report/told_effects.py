"""What the page's section on effects is filled with: everything in it is text, and safe to show."""

from dataclasses import dataclass, field

from .told import Map, Table


@dataclass(frozen=True, kw_only=True)
class Run:
    """One of the two runs of a patch: its name, its text, what the model answers, the number that is watched."""

    name: str
    text: str
    answer: str
    number: str


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The tokens of the clean and of the corrupt sentence in one place."""

    clean: str
    corrupt: str
    differs: bool


@dataclass(frozen=True, kw_only=True)
class Edited:
    """What edits do to one answer, or on average. What is not told of it is empty; ``runs`` and ``pairs`` are those of
    a patch, and ``number`` what is watched in its runs.
    """

    heading: str = ""
    title: str = ""
    number: str = ""
    runs: list[Run] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    maps: list[tuple[str, Map]] = field(default_factory=list)
    table: Table
    what: str
    conclusion: str = ""

    @property
    def placed(self) -> bool:
        """Whether its rows are tokens, each in its place."""
        return any(row.place for row in self.table.rows)


@dataclass(frozen=True, kw_only=True)
class EffectsTold:
    """Effects as the page shows them; ``noise`` says why they mean nothing, where they do not, ``lead`` what was
    done.
    """

    noise: str
    lead: str
    notes: list[str]
    answers: list[Edited]
    more: int
