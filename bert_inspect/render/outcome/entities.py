"""Entities: the sentence with each of them marked and named, and a table of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from ...traces.entities import OUTSIDE, entity_places
from ...traces.output import Output
from ...traces.record import Trace
from ..words import DIM, NAME, sentence
from .frame import SENTENCES, note_on_weights, numbered_texts, table, texts_of
from .marked import COLOURS, Mark, Piece, pieces
from .meaning import LABEL, Answer, means_something, named, percent

_LISTED = 40
"""How many entities the table lists."""
_IN_A_LINE = 6
"""How many entities of a sentence are told in a line."""
_TEXT = 60


@dataclass(frozen=True, kw_only=True)
class Found:
    """An entity as it is shown: ``row`` and ``side`` say which text it is in, ``start`` and ``end`` are characters of
    that.
    """

    row: int
    side: int
    text: str
    label: str
    score: str
    start: int
    end: int
    colour: int


def entities(trace: Trace, output: Output) -> list[list[Found]]:
    """Return the entities of every sentence; of a random head each by the number of its class."""
    meant = means_something(trace.model)
    kinds: dict[str, int] = {}
    return [
        [
            Found(
                row=row,
                side=side,
                text=texts_of(trace, row)[side][entity.start : entity.end],
                label=named(entity.entity_group, _index(output, row, place), meant=meant),
                score=percent(entity.score),
                start=entity.start,
                end=entity.end,
                colour=kinds.setdefault(entity.entity_group, len(kinds)) % COLOURS,
            )
            for entity, side, place in entity_places(trace.input, output, row)
        ]
        for row in range(len(output.entities))
    ]


def answers(trace: Trace, output: Output) -> list[Answer]:
    """Return the entities of every sentence in a line; of a random head only their classes, by number."""
    meant = means_something(trace.model)
    told = []
    for found in entities(trace, output):
        names = [
            f"{sentence(one.text, most=_TEXT)} {one.label} {one.score}" if meant else one.label
            for one in found[:_IN_A_LINE]
        ]
        more = [f"{len(found) - _IN_A_LINE:,} more"] if len(found) > _IN_A_LINE else []
        name = ", ".join([*names, *more]) or "no entity"
        told.append(Answer(name=name, score="", means_something=meant))
    return told


def marked(trace: Trace, row: int, found: Sequence[Found]) -> list[list[Piece]]:
    """Return a sentence, and the other one of its pair, in pieces of which the entities are marked."""
    return [
        pieces(
            text,
            [
                Mark(start=one.start, end=one.end, label=f"{one.label} {one.score}", colour=one.colour)
                for one in found
                if one.side == side
            ],
        )
        for side, text in enumerate(texts_of(trace, row))
    ]


def shown(trace: Trace, output: Output) -> RenderableType:
    """Return the sentences with their entities, and a table of those."""
    found = entities(trace, output)
    texts = [marked(trace, row, ones) for row, ones in enumerate(found[:SENTENCES])]
    parts: list[RenderableType] = [numbered_texts(trace, texts), Text()]
    listed = [one for ones in found for one in ones]
    if listed:
        parts.append(_table(trace, listed[:_LISTED]))
        if len(listed) > _LISTED:
            parts.append(Text(f"... {len(listed) - _LISTED:,} more", style=DIM))
    else:
        parts.append(Text("no entity: every token is outside of one", style=DIM))
    parts += [Text(note, style=DIM) for note in notes(trace, output)]
    return Group(*parts, *note_on_weights(trace))


def notes(trace: Trace, output: Output) -> list[str]:
    """Return what has to be known to read the entities: where no label stands for being in none."""
    named = trace.model.config.get("id2label")
    if isinstance(named, dict) and OUTSIDE not in named.values():
        return [f"config.json names no label {OUTSIDE}, so every token counts as part of an entity"]
    return []


def _table(trace: Trace, found: Sequence[Found]) -> RenderableType:
    meant, several = means_something(trace.model), len(trace.input.texts) > 1
    made = table(meant=meant)
    if several:
        made.add_column("sentence", justify="right")
    made.add_column("entity", style=NAME if meant else DIM, overflow="fold", max_width=_TEXT)
    made.add_column("label", overflow="fold")
    made.add_column("probability", justify="right", no_wrap=True)
    made.add_column("characters", justify="right", no_wrap=True, style=DIM)
    for one in found:
        cells = [one.text, one.label, one.score, f"{one.start}-{one.end}"]
        where = [f"{one.row + 1}{', second text' if one.side else ''}"] if several else []
        made.add_row(*map(Text, where), Text(sentence(cells[0], most=LABEL)), *map(Text, cells[1:]))
    return made


def _index(output: Output, row: int, place: int | None) -> int:
    """Return the class of an entity's first token."""
    token = None if place is None else output.tokens[row][place]
    return 0 if token is None else token.index
