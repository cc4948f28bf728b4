"""Answers to questions: the context with the answer marked, and where it most probably begins and ends."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...traces.output import Output
from ...traces.record import Trace
from ...traces.sentences import classification_place, context_places, real_places
from ...traces.values import Number
from ..words import DIM, NAME, PLAIN, sentence
from .frame import SENTENCES, more_sentences, note_on_weights, table
from .marked import Mark, Marked, Piece, pieces
from .meaning import LABEL, Answer, means_something, percent, token_name

_PLACES = 3
"""How many places are told at which an answer may begin, or end."""

ONE_TEXT = "there is only one text, taken as the context: give the question as the text, the context with --pair"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A token with the probability that the answer begins, or ends, with it; ``none`` marks the one that stands for
    no answer.
    """

    place: int
    token: str
    probability: float
    none: bool


def answers(trace: Trace, output: Output) -> list[Answer]:
    """Return the answer to every question; of a random head only where it would stand."""
    meant = means_something(trace.model)
    told = []
    for found in output.answers:
        if not found.text:
            told.append(Answer(name="no answer: no token to choose", score="", means_something=meant))
            continue
        name = f'"{sentence(found.text, most=LABEL)}"' if meant else f"characters {found.start} to {found.end}"
        told.append(Answer(name=name, score=percent(found.score), means_something=meant))
    return told


def question(trace: Trace, row: int) -> str | None:
    """Return the question, None where there is only one text: then that is the context."""
    return None if trace.input.pairs is None else sentence(trace.input.texts[row])


def context(trace: Trace, output: Output, row: int) -> list[Piece]:
    """Return the context in pieces, with the answer marked."""
    batch, found = trace.input, output.answers[row]
    marks = [Mark(start=found.start, end=found.end, label="")] if found.text else []
    return pieces((batch.pairs or batch.texts)[row], marks)


def places(trace: Trace, logits: Sequence[Sequence[Number]], row: int) -> list[Place]:
    """Return the most probable places in a sentence by logits (batch, tokens), with the probabilities that make the
    answer's score: a softmax over the tokens of the context and [CLS], which stands for no answer.
    """
    batch = trace.input
    if not logits:
        return []
    inside, none = context_places(batch, row), classification_place(batch, row)
    allowed = sorted({*inside, *real_places(batch, row)[:1]}) if inside else []
    held = {place: number for place in allowed if math.isfinite(number := float(logits[row][place]))}
    largest = max(held.values(), default=0.0)
    powers = {place: math.exp(number - largest) for place, number in held.items()}
    whole = math.fsum(powers.values())
    best = sorted(powers, key=lambda place: (-powers[place], place))[:_PLACES]
    return [
        Place(
            place=place,
            token=token_name(batch, row, place),
            probability=powers[place] / whole,
            none=place == none and place not in inside,
        )
        for place in best
    ]


def shown(trace: Trace, output: Output) -> RenderableType:
    """Return each question, its context with the answer marked, the answer with its score, and where else it might
    begin or end.
    """
    parts: list[RenderableType] = []
    told = answers(trace, output)
    for row, answer in enumerate(told[:SENTENCES]):
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style=DIM, no_wrap=True)
        grid.add_column(overflow="fold")
        number = f"{row + 1}  " if len(told) > 1 else ""
        asked = question(trace, row)
        if asked is not None:
            grid.add_row(f"{number}question", Text(asked))
        lead = f"{' ' * len(number)}context" if asked is not None else f"{number}context"
        grid.add_row(lead, Marked(pieces=context(trace, output, row), meant=answer.means_something))
        found = output.answers[row]
        where = f"  characters {found.start}-{found.end}" if found.text and answer.means_something else ""
        said = Text.assemble(
            (answer.name, NAME if answer.means_something else DIM),
            (f"  {answer.score}", PLAIN if answer.means_something else DIM),
            (where, DIM),
        )
        grid.add_row(f"{' ' * len(number)}answer", said)
        if found.text:
            grid.add_row("", _table(trace, output, row))
        parts += [grid, Text()]
    if trace.input.pairs is None:
        parts.append(Text(ONE_TEXT, style=DIM))
    return Group(*parts, *more_sentences(trace, SENTENCES), *note_on_weights(trace))


def _table(trace: Trace, output: Output, row: int) -> Table:
    """Return the most probable first tokens beside the most probable last ones."""
    made = table(meant=means_something(trace.model))
    for title in ("begins with", "ends with"):
        made.add_column(title, overflow="fold", max_width=28)
        made.add_column("probability", justify="right", no_wrap=True)
    starts, ends = places(trace, output.start_logits, row), places(trace, output.end_logits, row)
    for start, end in zip(starts, ends, strict=False):
        made.add_row(*(cell for one in (start, end) for cell in _cells(one)))
    return made


def _cells(one: Place) -> list[Text]:
    name = Text.assemble(one.token, ("  no answer" if one.none else f"  token {one.place}", DIM))
    return [name, Text(percent(one.probability))]
