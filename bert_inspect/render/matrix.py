"""The values of a tensor as a small matrix, cut visibly, with token texts along its token axes."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.style import Style

from ..safetext import safe_text
from ..traces.record import Input, TensorOut
from ..traces.vocabulary.axes import TOKEN_AXES, one_of
from .sizes import SHOWN_ENDS, SHOWN_SENTENCES
from .words import DIM, MASKED, PLAIN, is_masked, number, plural

Line = list[tuple[str, Style]]

_CELL = 10
_LABEL = 12


def matrix(tensor: TensorOut, batch: Input, *, label: str, width: int, cut: str) -> Iterator[Line]:
    """Yield the lines of a tensor's values.

    The last two axes are the matrix, of which the ends are shown; of a stack of matrices the first sentences are
    shown, and the first head of each. What is left out is said.
    """
    values = tensor.values
    if values is None:
        return
    axes: Sequence[str] = tensor.axes or [f"axis {i}" for i in range(len(tensor.shape))]
    sizes = tensor.shape
    if 0 in sizes:
        yield [("empty", DIM)]
        return
    fits = max(1, (width - _LABEL - 2) // _CELL)
    if len(sizes) < 2:
        row = [values.at(i) for i in range(min(sizes[0], fits, SHOWN_ENDS))] if sizes else [values.at()]
        rest = [(cut, DIM)] if sizes and sizes[0] > len(row) else []
        yield [*(_number(value, label, tensor.dtype) for value in row), *rest]
        return
    stack = axes[:-2]
    columns = _ends(sizes[-1], min(fits, SHOWN_ENDS))
    rows = _ends(sizes[-2], SHOWN_ENDS)
    for sentence in range(min(sizes[0], SHOWN_SENTENCES) if stack else 1):
        at = (sentence, *[0] * (len(stack) - 1)) if stack else ()
        if stack:
            parts = [f"sentence {sentence + 1} of {sizes[0]}" if sizes[0] > 1 or sentence else ""]
            parts += [
                f"{_name(axis, 0, batch, sentence)}, {one_of(axis)} 0 of {size}"
                if axis in TOKEN_AXES
                else f"{one_of(axis)} 0 of {size}"
                for axis, size in zip(stack[1:], sizes[1:-2], strict=True)
                if size > 1
            ]
            if title := ", ".join(part for part in parts if part):
                yield [(title, DIM)]
        if axes[-1] in TOKEN_AXES:
            heads = [_name(axes[-1], index, batch, sentence) for index in columns if index is not None]
            yield [
                (" " * (_LABEL + 1), DIM),
                *_spread(columns, [(_fit(head, _CELL - 1, right=True) + " ", DIM) for head in heads], cut),
            ]
        for row_index in rows:
            if row_index is None:
                yield [(f"{cut}".rjust(_LABEL), DIM)]
                continue
            name = _name(axes[-2], row_index, batch, row_index if axes[-2] == "batch" else sentence)
            numbers = [
                _number(values.at(*at, row_index, index), label, tensor.dtype) for index in columns if index is not None
            ]
            yield [(_fit(name, _LABEL, right=True) + " ", DIM), *_spread(columns, numbers, cut)]
    if stack and sizes[0] > SHOWN_SENTENCES:
        yield [(f"{cut} {plural(sizes[0] - SHOWN_SENTENCES, 'more sentence')}", DIM)]


def _ends(size: int, room: int) -> list[int | None]:
    """Return the indices that are shown, None where some are left out."""
    if size <= room:
        return list(range(size))
    tail = max(1, room // 4) if room > 2 else 0
    head = max(1, room - tail)
    return [*range(head), None, *range(size - tail, size)]


def _spread(columns: Sequence[int | None], cells: Sequence[tuple[str, Style]], cut: str) -> Line:
    """Put the sign for what is left out in its place among the cells."""
    result: Line = []
    rest = iter(cells)
    for index in columns:
        result.append((f"{cut} ", DIM) if index is None else next(rest))
    return result


def _number(value: float | bool, label: str, dtype: str) -> tuple[str, Style]:
    if is_masked(value, label=label, dtype=dtype):
        return "masked".rjust(_CELL - 1) + " ", MASKED
    return number(value).rjust(_CELL - 1) + " ", PLAIN


def _name(axis: str, index: int, batch: Input, sentence: int) -> str:
    if axis == "batch":
        return f"sentence {index + 1}"
    tokens = batch.tokens[sentence] if sentence < len(batch.tokens) else []
    if axis in TOKEN_AXES and index < len(tokens):
        return safe_text(tokens[index])
    return f"{one_of(axis)} {index}"


def _fit(text: str, width: int, *, right: bool) -> str:
    text = set_cell_size(text, width) if cell_len(text) > width else text
    pad = " " * (width - cell_len(text))
    return pad + text if right else text + pad
