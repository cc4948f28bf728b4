"""What a model answers over a corpus, in the terminal: how often each class, and how well that fits the labels."""

from collections.abc import Iterator

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ...profiles.record import Answers
from ..outcome.meaning import named, percent
from ..words import DIM, NAME

_CLASSES = 20
_CONFUSED = 6
"""Of up to so many classes it is told which answers each label gets."""


def answer_rows(found: Answers) -> Iterator[RenderableType]:
    """Yield what is shown of the answers."""
    total = sum(found.counts)
    table = _table()
    table.add_column("answer")
    table.add_column(found.of, justify="right")
    table.add_column("share", justify="right")
    confused = 0 < len(found.by_label) <= _CONFUSED
    for title in found.classes if confused else []:
        table.add_column(Text(f"labelled {named(title, 0, meant=True)}"), justify="right")
    order = sorted(range(len(found.classes)), key=lambda place: -found.counts[place])
    for place in order[:_CLASSES]:
        by_label = [f"{row[place]:,}" for row in found.by_label] if confused else []
        share = percent(found.counts[place] / total) if total else "-"
        name = Text(named(found.classes[place], place, meant=True), NAME)
        table.add_row(name, f"{found.counts[place]:,}", share, *by_label)
    yield table
    if len(order) > _CLASSES:
        yield Text(f"... {len(order) - _CLASSES:,} more classes", style=DIM)
    yield from (Text(line) for line in told(found))
    if found.bins:
        yield Text()
        yield _bins(found)


def told(found: Answers) -> Iterator[str]:
    """Yield the mean probability of the answers, how many are right, and the calibration error."""
    if found.probability is not None:
        yield f"mean probability of the answer: {percent(found.probability)}"
    if found.labelled:
        right = percent(found.right / found.labelled)
        yield f"right: {found.right:,} of {found.labelled:,} that have a label ({right})"
    if found.calibration_error is not None:
        error = percent(found.calibration_error)
        yield f"expected calibration error: {error} (mean distance between probability and share of right answers)"


def _bins(found: Answers) -> Table:
    table = _table()
    for title in ("probability", "answers", "mean", "right"):
        table.add_column(title, justify="right")
    for place, one in enumerate(found.bins):
        if one.count:
            span = f"{10 * place} to {10 * place + 10} %"
            mean = "-" if one.probability is None else percent(one.probability)
            table.add_row(span, f"{one.count:,}", mean, percent(one.right / one.count))
    return table


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style=DIM, padding=(0, 2, 0, 0))
