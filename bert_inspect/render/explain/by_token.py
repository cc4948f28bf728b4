"""The number as a sum over tokens, in the terminal: the text coloured, a row a token, the biases, the sum."""

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from ...analysis.explain.explanation import Answer, Explanation
from ..outcome.meaning import means_something
from ..words import BAD, DIM, NAME
from . import said
from .coloured import Coloured, legend
from .digits import decimals, signed
from .rows import Group, Row, added, bias_rows, largest, token_groups
from .sum_rows import Block, SumRows
from .texts import lines
from .view import View


def token_parts(explanation: Explanation, answer: Answer, view: View) -> list[RenderableType]:
    """Return what is shown of one answer: its text, its rows, its sum."""
    groups = token_groups(explanation.input, answer, words=view.words)
    rows, biases = [row for group in groups for row in group.rows], bias_rows(answer)
    digits = decimals(row.share for row in [*rows, *biases])
    meant = means_something(explanation.model)
    return [
        *coloured_text(explanation, answer, view),
        Text(),
        SumRows(blocks=blocks_of(explanation, answer, view), digits=digits, split=view.split, meant=meant),
        Text(),
        Text(totals_in_words(rows, biases, digits)),
        *sum_lines(answer, digits),
    ]


def blocks_of(explanation: Explanation, answer: Answer, view: View) -> list[Block]:
    """Return the rows of an answer in blocks: those of each text, one for all tokens that are not shown, the biases."""
    groups = token_groups(explanation.input, answer, words=view.words)
    rows = [row for group in groups for row in group.rows]
    shown = rows if view.all else largest(rows)
    kept = {id(row) for row in shown}
    blocks = [
        Block(title=title_of(explanation, groups, group), rows=[row for row in group.rows if id(row) in kept])
        for group in groups
    ]
    blocks.append(Block(rows=[row for row in shown if row.others]))
    blocks.append(Block(title="biases", rows=bias_rows(answer, each=view.split or view.all)))
    return [block for block in blocks if block.rows]


def coloured_text(explanation: Explanation, answer: Answer, view: View) -> list[RenderableType]:
    """Return the texts of an answer with each token in the colour of its share, and what the colours say."""
    groups = token_groups(explanation.input, answer, words=view.words)
    meant = means_something(explanation.model)
    told = lines(explanation.input, groups)
    grid = Table.grid(padding=(0, 2))
    if len(told) > 1:
        grid.add_column(style=DIM, no_wrap=True)
    grid.add_column(overflow="fold")
    for line, group in zip(told, groups, strict=True):
        lead = [Text(title_of(explanation, groups, group))] if len(told) > 1 else []
        grid.add_row(*lead, Coloured(pieces=line.pieces, meant=meant))
    return [grid, Text(), _Legend(*said.for_and_against(explanation, answer), meant=meant)]


def title_of(explanation: Explanation, groups: list[Group], group: Group) -> str:
    """Return which text rows belong to, empty where there is only one."""
    if len(groups) < 2:
        return ""
    several = len({each.sentence for each in groups}) > 1
    which = ("first text", "second text")[group.side] if explanation.input.pairs is not None else ""
    return ", ".join(filter(None, (f"choice {group.sentence + 1}" if several else "", which)))


def totals_in_words(tokens: list[Row], biases: list[Row], digits: int) -> str:
    """Return what the tokens and what the biases add up to."""
    return f"tokens {signed(added(tokens), digits)}, biases {signed(added(biases), digits)}"


def sum_lines(answer: Answer, digits: int) -> list[RenderableType]:
    """Return the last lines: what all rows add up to, beside what the model returned."""
    lines_ = said.sums(answer, digits)
    return [
        Text(line, style=BAD if not good else NAME if place == len(lines_) - 1 else DIM)
        for place, (line, good) in enumerate(lines_)
    ]


class _Legend:
    """What the colours stand for, as far as the terminal has them."""

    def __init__(self, for_: str, against: str, *, meant: bool) -> None:
        self._for, self._against, self._meant = for_, against, meant

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield legend(self._for, self._against, console.color_system if self._meant else None)
