"""Masks: the tokens that most probably stand at each of them, as small tables of bars; and what is asked of a pair."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from ...safetext import safe_text
from ...traces.output import Candidate, Mask, Output
from ...traces.record import Input, Trace
from ...traces.token_text import token_text
from ..words import DIM, LAYER, NAME, sentence
from .class_table import ClassTable
from .classes import ONE_TEXT, lacks_pair
from .classes import answers as classes_of_pairs
from .frame import BAR, SENTENCES, bar, note_on_weights, texts_of
from .meaning import Answer, bare, fine_percent, means_something, token_name

_MASKS = 24
"""How many masks are told on the screen; exports hold all."""
_TOKEN = 18
_GAP = 4
NO_MASK = "no mask: write [MASK] in the text (<mask> for some tokenizers) to see what the model puts there"
"""A trace without a mask does not hold its tokenizer's name for one: these are those of the families that are read."""


def candidate(one: Candidate, batch: Input, *, meant: bool) -> str:
    """Return a token that may stand at a mask as it is shown; of a random head only its id."""
    return safe_text(token_text(one.token, batch.pieces)) if meant else f"token {one.id}"


def answers(trace: Trace, output: Output) -> list[Answer]:
    """Return the most probable token at each mask, for every sentence."""
    meant = means_something(trace.model)
    told = []
    for row in range(len(trace.input.texts)):
        best = [mask.tokens[0] for mask in masks_of(output, row) if mask.tokens]
        names = [candidate(one, trace.input, meant=meant) for one in best]
        shares = [fine_percent(one.probability) for one in best]
        if len(best) == 1:
            told.append(Answer(name=names[0], score=shares[0], means_something=meant))
            continue
        name = ", ".join(f"{one} {share}" for one, share in zip(names, shares, strict=True))
        told.append(Answer(name=name or "no mask", score="", means_something=meant or not name))
    return told


def pre_training_answers(trace: Trace, output: Output) -> list[Answer]:
    """Return the most probable token at each mask and what the model says of the pair, for every sentence."""
    of_masks = answers(trace, output)
    if lacks_pair(trace) or not output.predictions:
        return of_masks
    told = []
    for row, (one, pair) in enumerate(zip(of_masks, classes_of_pairs(trace, output), strict=True)):
        parts = [one, pair] if masks_of(output, row) else [pair]
        name = "; ".join(f"{each.name} {each.score}".rstrip() for each in parts)
        told.append(Answer(name=name, score="", means_something=pair.means_something))
    return told


def masks_of(output: Output, row: int) -> list[Mask]:
    """Return the masks of a sentence."""
    return [mask for mask in output.masks if mask.sentence == row]


@dataclass(frozen=True, kw_only=True)
class Title:
    """What a mask is called: its token, which of the sentence's it is where there are several, and its place."""

    name: str
    which: str


def title_of(trace: Trace, mask: Mask, place: int, count: int) -> Title:
    """Return how a mask is called that is number ``place`` of ``count`` in its sentence."""
    which = f"{place + 1} of {count}, " if count > 1 else ""
    return Title(name=token_name(trace.input, mask.sentence, mask.position), which=f"{which}token {mask.position}")


def shown(trace: Trace, output: Output) -> RenderableType:
    """Return the sentences that have masks, each with a table a mask."""
    if not output.masks:
        return Group(Text(NO_MASK, style=DIM))
    parts: list[RenderableType] = []
    left = _MASKS
    for row in dict.fromkeys(mask.sentence for mask in output.masks):
        if left <= 0 or row >= SENTENCES:
            break
        found = masks_of(output, row)
        number = [(f"{row + 1}  ", DIM)] if len(trace.input.texts) > 1 else []
        first, *second = (sentence(text) for text in texts_of(trace, row))
        pair = [part for text in second for part in ((" with ", DIM), text)]
        parts += [Text.assemble(*number, first, *pair), Text()]
        parts += [_Tables(trace, found[:left]), Text()]
        left -= len(found)
    told = min(len(output.masks), _MASKS - max(0, left))
    if len(output.masks) > told:
        parts.append(Text(f"... {len(output.masks) - told:,} more masks", style=DIM))
    return Group(*parts, *note_on_weights(trace))


def pre_training(trace: Trace, output: Output) -> RenderableType:
    """Return the masks, then what the model says of the pair."""
    pair = Text(ONE_TEXT, style=DIM) if lacks_pair(trace) or not output.predictions else ClassTable(trace, output)
    return Group(shown(trace, output), *([] if output.masks else [Text()]), pair)


class _Tables:
    """The tables of a sentence's masks, as many side by side as there is room for."""

    def __init__(self, trace: Trace, found: Sequence[Mask]) -> None:
        self._trace, self._found = trace, found
        self._meant = means_something(trace.model)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        made = [self._table(mask, place, ascii_only=options.ascii_only) for place, mask in enumerate(self._found)]
        widths = [console.measure(one, options=options).maximum for one in made]
        fits = max(1, (options.max_width + _GAP) // (max(widths) + _GAP))
        for start in range(0, len(made), fits):
            if start:
                yield Text()
            grid = Table.grid(padding=(0, _GAP, 0, 0))
            grid.add_row(*made[start : start + fits])
            yield grid

    def _table(self, mask: Mask, place: int, *, ascii_only: bool) -> Group:
        title = title_of(self._trace, mask, place, len(self._found))
        grid = Table.grid(padding=(0, 2, 0, 0))
        style = None if self._meant else DIM
        for rank, (name, share, line) in enumerate(self._rows(mask, ascii_only=ascii_only)):
            grid.add_row(Text(name, NAME if self._meant and rank == 0 else ""), share, line, style=style)
        return Group(Text.assemble((title.name, LAYER if self._meant else DIM), (f"  {title.which}", DIM)), grid)

    def _rows(self, mask: Mask, *, ascii_only: bool) -> Iterator[tuple[str, Text, Text]]:
        for one in mask.tokens:
            name = candidate(one, self._trace.input, meant=self._meant)
            name = set_cell_size(name, _TOKEN - 3) + "..." if cell_len(name) > _TOKEN else name
            share = Text(fine_percent(one.probability), justify="right")
            yield name, share, Text(bar(bare(one.probability), ascii_only=ascii_only).ljust(BAR), style="cyan")
