"""What the pictures of several heads share: the numbered sentences, the table's frame, a bar, a word on the weights."""

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...traces.record import Trace
from ..words import DIM, plural
from .marked import Marked, Piece
from .meaning import NO_ANSWER, means_something

SENTENCES = 20
"""How many sentences are answered on the screen; exports hold all."""
BAR = 12
"""The columns of a bar."""
_EIGHTHS = " ▏▎▍▌▋▊▉"


def texts_of(trace: Trace, row: int) -> list[str]:
    """Return a sentence, and the other one of its pair where there is one."""
    batch = trace.input
    return [batch.texts[row], *([] if batch.pairs is None else [batch.pairs[row]])]


def table(*, meant: bool) -> Table:
    """Return an empty table in the manner of the house, greyed where its numbers mean nothing."""
    style = None if meant else DIM
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style=DIM, style=style or "")
    made.row_styles = [style] if style else []
    return made


def numbered_texts(trace: Trace, texts: Sequence[Sequence[Sequence[Piece]]]) -> Group:
    """Return the first sentences, each with its number where there are several, and under it the other one of its
    pair.
    """
    grid = Table.grid(padding=(0, 2))
    several, meant = len(trace.input.texts) > 1, means_something(trace.model)
    if several:
        grid.add_column(justify="right", style=DIM)
    if trace.input.pairs is not None:
        grid.add_column(style=DIM)
    grid.add_column(overflow="fold")
    for number, sides in enumerate(texts, start=1):
        for side, found in enumerate(sides):
            lead = [Text(str(number) if side == 0 else "")] if several else []
            lead += [Text("with" if side else "")] if trace.input.pairs is not None else []
            grid.add_row(*lead, Marked(pieces=found, meant=meant))
    return Group(grid, *more_sentences(trace, len(texts)))


def more_sentences(trace: Trace, told: int) -> list[RenderableType]:
    """Return a line on how many sentences are not shown, where there are such."""
    rest = len(trace.input.texts) - told
    return [Text(f"... {plural(rest, 'more sentence')}", style=DIM)] if rest > 0 else []


def note_on_weights(trace: Trace) -> list[RenderableType]:
    """Return a line that says why the answer means nothing, where it does not."""
    return [] if means_something(trace.model) else [Text(NO_ANSWER[trace.model.weights], style=DIM)]


def bar(share: float, *, ascii_only: bool, width: int = BAR) -> str:
    """Return a bar as long as a share of its width, to the eighth of a column."""
    filled = max(0.0, min(1.0, share)) * width
    if ascii_only:
        return "#" * round(filled)
    eighths = round(filled * 8)
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
