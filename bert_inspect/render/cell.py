"""A cell in the terminal: its value, the formula, the terms with their factors, and that they add up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Group
from rich.padding import Padding
from rich.style import Style
from rich.text import Text

from ..cells.record import Cell, CellReport, Follow, Term
from ..safetext import safe_text
from ..traces.values import Number
from .cells import brief
from .words import BAD, DIM, KNOWN, NAME, OP, PLAIN, number, sentence

_NAME = 28
"""The columns that the name of a term may take."""
_INDENT = 2


def cell_page(report: CellReport) -> Group:
    """Return a cell, the sentence that it is of first."""
    return Group(*_sentence(report), *_cell(report.cell, 0))


def cell_lines(cell: Cell) -> list[str]:
    """Return a cell as lines of plain text, each as long as it is."""
    return [line.plain for line in (_title(cell), *_said(cell), *_rows(cell), _check(cell), *_after(cell.becomes))]


def cell_of_station(cell: Cell) -> list[Text]:
    """Return a cell as it is told where its step was shown already: without the step and its source."""
    told = [Text.assemble("= ", safe_text(cell.words)), Text(safe_text(cell.symbols), DIM)]
    return [_title(cell), *told, *_rows(cell), _check(cell), *_after(cell.becomes)]


def answer(report: CellReport) -> Group:
    """Return the cell's value and whether it is reproduced."""
    return Group(_title(report.cell), _check(report.cell))


def _sentence(report: CellReport) -> Iterator[Text]:
    texts = report.input.texts
    rows = [place.index for place in report.cell.place if place.axis == "batch" and place.index < len(texts)]
    row = rows[0] if rows else 0
    if len(texts) > 1 and not rows:
        return
    which = f"sentence {row + 1} of {len(texts)}" if len(texts) > 1 else "sentence"
    pair = report.input.pairs[row] if report.input.pairs is not None else None
    told = sentence(texts[row], most=200) + (f" | {sentence(pair, most=200)}" if pair is not None else "")
    yield Text.assemble((f"{which}  ", DIM), (told, PLAIN))


def _cell(cell: Cell, depth: int) -> Iterator[Padding | Text]:
    lines = [*_said(cell), *_rows(cell), _check(cell), *_after(cell.becomes)]
    yield _indented(_title(cell), depth)
    for line in lines:
        yield _indented(line, depth + 1)
    for inner in cell.operands:
        yield from _cell(inner, depth + 2)


def _indented(line: Text, depth: int) -> Padding:
    return Padding(line, (0, 0, 0, _INDENT * depth), expand=False)


def _title(cell: Cell) -> Text:
    value = cell.computed if cell.value is None else cell.value
    return Text.assemble((safe_text(cell.name), NAME), " = ", (number(value), NAME))


def _said(cell: Cell) -> Iterator[Text]:
    """Yield which step it is, what was chosen, and the formula in words and in symbols."""
    where = [(safe_text(cell.path), DIM)] if cell.path else []
    if cell.step is not None:
        given = brief(cell.arguments)
        arguments = given if cell.type == "getitem" else f"({given})" if given else ""
        where += [(("  " if where else "") + safe_text(cell.type), OP), (safe_text(arguments, most=200), DIM)]
    if cell.source is not None:
        where.append((f"  {safe_text(cell.source.file)}:{cell.source.line}", DIM))
    if where:
        yield Text.assemble(*where)
    if cell.note:
        yield Text(safe_text(cell.note), DIM)
    yield Text.assemble("= ", safe_text(cell.words))
    yield Text(safe_text(cell.symbols), DIM)


@dataclass(frozen=True)
class Row:
    """A line of numbers: its name, the factors between the name and the value, what stands before the value (``=``,
    ``->`` or nothing), and the value.
    """

    name: str
    factors: tuple[str, ...]
    sign: str
    value: str
    style: Style = PLAIN


@dataclass(frozen=True, kw_only=True)
class Told:
    """A cell in words and rows, for what is no terminal. ``becomes`` is empty where nothing is told of it."""

    name: str
    value: str
    words: str
    symbols: str
    rows: Sequence[Row]
    check: str
    becomes: str


def told(cell: Cell) -> Told:
    """Return a cell in words and rows; all text is safe to show."""
    return Told(
        name=safe_text(cell.name),
        value=number(cell.computed if cell.value is None else cell.value),
        words=safe_text(cell.words),
        symbols=safe_text(cell.symbols),
        rows=_row_list(cell),
        check=_check(cell).plain,
        becomes="".join(text.plain for text in _after(cell.becomes)),
    )


def _rows(cell: Cell) -> list[Text]:
    return _aligned(_row_list(cell))


def _row_list(cell: Cell) -> list[Row]:
    rows = [Row(safe_text(each.name), (), "", number(each.value), DIM) for each in cell.quantities]
    rows += [_row(term) for term in cell.terms]
    if cell.others is not None:
        others = "other" if cell.others.count == 1 else "others"
        rows.append(Row(f"{cell.others.count:,} {others}", (), "", number(cell.others.value), DIM))
    if cell.sum is not None and _is_several(cell) and not _is_sum(cell):
        rows.append(Row("sum", (), "", number(cell.sum), NAME))
    return rows


def _row(term: Term) -> Row:
    numbers = [factor.value for factor in term.factors]
    if len(numbers) < 2:
        plain = not numbers or numbers[0] == term.value
        return Row(
            safe_text(term.name), () if plain else (number(numbers[0]),), "" if plain else "->", number(term.value)
        )
    shown = tuple(map(number, numbers))
    return Row(safe_text(term.name), shown, "=" if _multiply(numbers, term.value) else "->", number(term.value))


def _multiply(numbers: Sequence[Number], value: Number) -> bool:
    if isinstance(value, str) or any(isinstance(each, str) for each in numbers):
        return True
    product = 1.0
    for each in numbers:
        product *= float(each)
    return abs(product - value) <= 1e-6 * max(abs(value), 1e-30)


def _aligned(rows: Sequence[Row]) -> list[Text]:
    """Return lines with names, factors and values each in columns of their own."""
    names = max((min(cell_len(row.name), _NAME) for row in rows), default=0)
    count = max((len(row.factors) for row in rows), default=0)
    widths = [max((len(row.factors[at]) for row in rows if len(row.factors) > at), default=0) for at in range(count)]
    values = max((len(row.value) for row in rows), default=0)
    middle = sum(widths) + 3 * max(count - 1, 0) + (4 if any(row.sign for row in rows) else 0)
    return [_line(row, names, widths, middle, values) for row in rows]


def _line(row: Row, names: int, widths: Sequence[int], middle: int, values: int) -> Text:
    name = row.name if cell_len(row.name) <= _NAME else set_cell_size(row.name, _NAME - 3) + "..."
    name += " " * (names - cell_len(name))
    factors = [factor.rjust(width) for factor, width in zip(row.factors, widths, strict=False)]
    between = ("  " if row.sign == "->" else " x ").join(factors)
    if row.sign:
        between = f"{between} {row.sign:>2} "
    return Text.assemble((f"{name}  ", row.style), between.rjust(middle), (row.value.rjust(values), row.style))


def _is_sum(cell: Cell) -> bool:
    """Whether what was added up is the number itself."""
    return cell.sum == cell.computed and _is_several(cell)


def _is_several(cell: Cell) -> bool:
    return len(cell.terms) + (cell.others is not None) > 1


def _check(cell: Cell) -> Text:
    """Return the line that says whether what was recorded is reproduced."""
    computed = f"{'sum' if _is_sum(cell) else 'computed'} {number(cell.computed)}"
    if cell.value is None:
        return Text.assemble(computed, ("; the run recorded nothing there", DIM))
    how = "differs by 0"
    if cell.difference not in (None, 0, 0.0):
        how = f"differs by {_short(cell.difference)}, rounding explains {_short(cell.rounding)}"
    recorded = f"recorded {number(cell.value)}"
    if not cell.reproduces:
        return Text(f"{computed}, {recorded}: NOT the same ({how})", BAD)
    if number(cell.computed) == number(cell.value):
        return Text(f"{computed} = {recorded} ({how})", KNOWN)
    return Text(f"{computed}, {recorded}: the same within rounding ({how})", KNOWN)


def _short(value: Number | None) -> str:
    if value is None or isinstance(value, str):
        return str(value)
    return f"{value:.1e}"


def _after(follows: Sequence[Follow]) -> Iterator[Text]:
    """Yield what becomes of it, in one line."""
    if not follows:
        return
    parts = Text()
    for at, each in enumerate(follows):
        parts.append(f"{' ' if at else ''}-> ").append(safe_text(each.label)).append(f" {number(each.value)}", NAME)
        if each.words:
            parts.append(f" ({safe_text(each.words)})", DIM)
    yield parts
