"""Replaced tokens: the sentence with each token marked that the model takes for another's, and the most suspicious."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from ...families.heads import REPLACED_TOKENS
from ...traces.output import Output
from ...traces.record import Trace
from ...traces.values import Number
from ..words import DIM, NAME, plural
from .frame import SENTENCES, note_on_weights, numbered_texts, table, texts_of
from .marked import Mark, Piece, pieces
from .meaning import Answer, means_something, percent, sigmoid, token_name

_REPLACED = REPLACED_TOKENS.classes.index("replaced")
_IN_A_LINE = 3
_SUSPECTS = 5
"""How many tokens of each sentence the table lists, the most suspicious first."""


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A token with the probability that it was replaced; ``replaced`` says whether that is what the model answers."""

    place: int
    token: str
    probability: Number
    replaced: bool


def suspects(trace: Trace, output: Output, row: int) -> list[Suspect]:
    """Return the tokens of a sentence but for special ones and padding, in their order."""
    batch = trace.input
    logits = output.logits[row] if row < len(output.logits) else []
    return [
        Suspect(
            place=place,
            token=token_name(batch, row, place),
            probability=sigmoid(logit),
            replaced=found.index == _REPLACED,
        )
        for place, (found, logit) in enumerate(zip(output.tokens[row], logits, strict=False))
        if found is not None and not isinstance(logit, list) and not (batch.special and batch.special[row][place])
    ]


def answers(trace: Trace, output: Output) -> list[Answer]:
    """Return the replaced tokens of every sentence in a line; of a random head only how many there are."""
    meant = means_something(trace.model)
    told = []
    for row in range(len(output.tokens)):
        found = [one for one in suspects(trace, output, row) if one.replaced]
        told.append(Answer(name=_in_a_line(found, meant=meant), score="", means_something=meant))
    return told


def _in_a_line(found: Sequence[Suspect], *, meant: bool) -> str:
    if not found:
        return "no token replaced"
    if not meant:
        return f"replaced: {plural(len(found), 'token')}"
    if len(found) <= _IN_A_LINE:
        return f"replaced: {', '.join(f'{one.token} {percent(one.probability)}' for one in found)}"
    most = min(found, key=_order)
    return f"replaced: {len(found):,} tokens, most surely {most.token} {percent(most.probability)}"


def marked(trace: Trace, output: Output, row: int) -> list[list[Piece]]:
    """Return a sentence, and the other one of its pair, in pieces of which the replaced tokens are marked."""
    batch = trace.input
    sides = batch.sides(row)
    found = [one for one in suspects(trace, output, row) if one.replaced]
    return [
        pieces(
            text,
            [
                Mark(start=start, end=end, label=f"replaced {percent(one.probability)}")
                for one in found
                for start, end in [batch.offsets[row][one.place]]
                if batch.pairs is None or sides[one.place] == side
            ],
        )
        for side, text in enumerate(texts_of(trace, row))
    ]


def shown(trace: Trace, output: Output) -> RenderableType:
    """Return the sentences with their replaced tokens, and the most suspicious tokens of each."""
    rows = range(min(len(output.tokens), SENTENCES))
    several, meant = len(output.tokens) > 1, means_something(trace.model)
    made = table(meant=meant)
    if several:
        made.add_column("sentence", justify="right")
    made.add_column("most suspicious", overflow="fold", max_width=40)
    made.add_column("token", justify="right")
    made.add_column("replaced", justify="right", no_wrap=True)
    for row in rows:
        for one in most_suspicious(trace, output, row):
            where = [Text(str(row + 1))] if several else []
            style = NAME if one.replaced and meant else ""
            made.add_row(
                *where, Text(one.token, style=style), Text(str(one.place), DIM), Text(percent(one.probability))
            )
    texts = numbered_texts(trace, [marked(trace, output, row) for row in rows])
    return Group(texts, Text(), made, *note_on_weights(trace))


def most_suspicious(trace: Trace, output: Output, row: int) -> list[Suspect]:
    """Return the tokens of a sentence that were most probably replaced, the most suspicious first."""
    return sorted(suspects(trace, output, row), key=_order)[:_SUSPECTS]


def _order(one: Suspect) -> float:
    probability = float(one.probability)
    return math.inf if math.isnan(probability) else -probability
