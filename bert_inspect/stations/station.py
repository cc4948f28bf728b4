"""A station of the tour: one question about the pass, its answer in words, and what of the run shows it."""

from dataclasses import dataclass
from typing import Final, Literal

TOKENIZER: Final = "tokenizer"
"""What is drawn of a station before the model."""


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """One output of one step."""

    step: int
    place: int = 0


@dataclass(frozen=True, kw_only=True)
class Table:
    """Facts in rows and columns; ``numbers`` are the columns, from 0, that stand at the right."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Command:
    """A command of bert-inspect: the words before the sentences, and those after them."""

    before: tuple[str, ...]
    after: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Station:
    """A station of the tour of one trace.

    Attributes:
        name: what a user calls it: ``attention-scores``.
        title: its heading.
        question: what it answers, in plain words.
        text: the answer, two to four sentences that are true for the model at hand.
        tables: facts that are no tensor's.
        steps: the steps whose statements of source are shown, and that are marked in the diagram.
        shown: the tensors of which numbers are shown.
        component: the module whose diagram is drawn, by its step, and ``depth`` how many levels of it are opened.
        told: the tensor of which one number's arithmetic is told.
        probability: tell the arithmetic of a probability of the answer, which is no step's.
        more: a command that shows more.
    """

    name: str
    title: str
    question: str
    text: tuple[str, ...]
    tables: tuple[Table, ...] = ()
    steps: tuple[int, ...] = ()
    shown: tuple[Tensor, ...] = ()
    component: int | Literal["tokenizer"] | None = None
    depth: int | None = None
    told: Tensor | None = None
    probability: bool = False
    more: Command = Command(("run",))
