"""The values of a tensor as a small matrix, cut visibly, with token texts along its token axes."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.style import Style

from ..safetext import safe_text
from ..traces.focus import Focus
from ..traces.record import Input, TensorOut
from ..traces.token_text import shown_token
from ..traces.vocabulary.axes import FOLDED, TOKEN_AXES, one_of
from .cells import Cell
from .sizes import SHOWN_ENDS, SHOWN_SENTENCES
from .words import DIM, MASKED, PLAIN, is_masked, number, plural

_CELL = 10
_LABEL = 12
_ALL = Focus()


def matrix(
    tensor: TensorOut,
    batch: Input,
    *,
    label: str,
    width: int,
    cut: str,
    focus: Focus = _ALL,
    padding: bool = False,
) -> Iterator[Cell]:
    """Yield the lines of a tensor's values.

    The last two axes are the matrix, of which the ends are shown; of a stack of matrices the first sentences are
    shown, and the first head of each, or the head and the token of a ``focus``. What is left out is said, and so is how
    much padding, unless ``padding`` asks for it.
    """
    if tensor.values is None:
        return
    if 0 in tensor.shape:
        yield [("empty", DIM)]
        return
    fits = max(1, (width - _LABEL - 2) // _CELL)
    shown = _Matrix(tensor, batch, label=label, fits=fits, cut=cut, focus=focus, padding=padding)
    yield from shown.row() if len(tensor.shape) < 2 else shown.stack()


class _Matrix:
    """The values of one tensor with the names of their axes; ``fits`` is how many columns have room."""

    def __init__(
        self, tensor: TensorOut, batch: Input, *, label: str, fits: int, cut: str, focus: Focus, padding: bool
    ) -> None:
        assert tensor.values is not None, "asked for only where values are held"
        self._values = tensor.values
        self._dtype, self._label, self._batch, self._cut = tensor.dtype, label, batch, cut
        self._axes: Sequence[str] = tensor.axes or [f"axis {i}" for i in range(len(tensor.shape))]
        self._sizes = tensor.shape
        self._fits = min(fits, SHOWN_ENDS)
        self._focus = focus
        self._padding = padding

    def row(self) -> Iterator[Cell]:
        """Yield the one line of a vector or of a single number."""
        if not self._sizes:
            yield [self._number()]
            return
        shown = min(self._sizes[0], self._fits)
        rest = [(self._cut, DIM)] if self._sizes[0] > shown else []
        yield [*map(self._number, range(shown)), *rest]

    def stack(self) -> Iterator[Cell]:
        """Yield the lines of a matrix, or of the first ones of a stack of matrices."""
        before = self._sizes[:-2]
        shown = self._sentences() if before else [0]
        for sentence in shown:
            if before and (title := self._title(sentence)):
                yield [(title, DIM)]
            at = [self._index(axis, size, sentence) for axis, size in self._between()]
            yield from self._matrix(sentence, (sentence, *at) if before else ())
        if before and self._sizes[0] > len(shown):
            left = plural(self._sizes[0] - len(shown), "more head" if self._axes[0] == FOLDED else "more sentence")
            yield [(f"{self._cut} {left}", DIM)]

    def _sentences(self) -> list[int]:
        """Return the sentences of which a matrix is shown."""
        first = list(range(min(self._sizes[0], SHOWN_SENTENCES)))
        if TOKEN_AXES.isdisjoint(self._axes):
            return first
        return [row for row in self._focus.sentences(self._batch, SHOWN_SENTENCES) if row < self._sizes[0]] or first

    def _between(self) -> list[tuple[str, int]]:
        """Return the axes between that of the sentences and the matrix, with their sizes."""
        return list(zip(self._axes[1:-2], self._sizes[1:-2], strict=True))

    def _index(self, axis: str, size: int, sentence: int) -> int:
        """Return the place along an axis of which a matrix is shown."""
        place = self._focused(axis, sentence)
        return 0 if place is None or place >= size else place

    def _focused(self, axis: str, sentence: int) -> int | None:
        """Return the only place along an axis that is shown, None where all are."""
        if axis == "heads":
            return self._focus.head
        return self._focus.place(self._batch, sentence) if axis in TOKEN_AXES else None

    def _title(self, sentence: int) -> str:
        """Return which matrix of the stack is shown."""
        parts = [f"sentence {sentence + 1} of {self._sizes[0]}"] if self._sizes[0] > 1 or sentence else []
        if self._axes[0] == FOLDED and (heads := self._sizes[0] // len(self._batch.texts)):
            row, head = divmod(sentence, heads)
            parts = [f"sentence {row + 1} of {len(self._batch.texts)}, head {head} of {heads}"]
        for axis, size in self._between():
            if size > 1:
                index = self._index(axis, size, sentence)
                name = f"{self._name(axis, index, sentence)}, " if axis in TOKEN_AXES else ""
                parts.append(f"{name}{one_of(axis)} {index} of {size}")
        if hidden := self._hidden(sentence):
            parts.append(f"{plural(hidden, 'padding token')} hidden")
        return ", ".join(parts)

    def _matrix(self, sentence: int, at: tuple[int, ...]) -> Iterator[Cell]:
        row_axis, column_axis = self._axes[-2:]
        rows = _ends(self._indices(-2, sentence), SHOWN_ENDS)
        columns = _ends(self._indices(-1, sentence), self._fits)
        if at:  # of one sentence
            row, column = self._focused(row_axis, sentence), self._focused(column_axis, sentence)
            if row is not None and row < self._sizes[-2]:
                rows = [row]
            elif row_axis not in TOKEN_AXES and column is not None and column < self._sizes[-1]:
                columns = [column]
        if column_axis in TOKEN_AXES:
            heads = [self._name(column_axis, index, sentence) for index in columns if index is not None]
            titles = [(_fit(head, _CELL - 1, right=True) + " ", DIM) for head in heads]
            yield [(" " * (_LABEL + 1), DIM), *_spread(columns, titles, self._cut)]
        for place in rows:
            if place is None:
                yield [(f"{self._cut}".rjust(_LABEL), DIM)]
                continue
            name = self._name(row_axis, place, place if row_axis == "batch" else sentence)
            numbers = [self._number(*at, place, index) for index in columns if index is not None]
            yield [(_fit(name, _LABEL, right=True) + " ", DIM), *_spread(columns, numbers, self._cut)]

    def _indices(self, axis: int, sentence: int) -> list[int]:
        """Return the indices along an axis that may be shown: those that were kept, of tokens the real ones."""
        kept = self._values.kept
        held: Sequence[int] = range(self._sizes[axis]) if kept is None else kept[axis]
        if self._axes[axis] not in TOKEN_AXES or self._axes[0] != "batch":
            return list(held)
        padding = self._padded(sentence)
        return [index for index in held if index not in padding]

    def _padded(self, sentence: int) -> set[int]:
        """Return which tokens of a sentence are hidden because they are padding."""
        masks = self._batch.attention_mask
        if self._padding or sentence >= len(masks) or not any(masks[sentence]):
            return set()
        return {place for place, seen in enumerate(masks[sentence]) if not seen}

    def _hidden(self, sentence: int) -> int:
        """Return how many tokens of a matrix are hidden because they are padding."""
        along = [size for axis, size in zip(self._axes[-2:], self._sizes[-2:], strict=True) if axis in TOKEN_AXES]
        if self._axes[0] != "batch" or not along:
            return 0
        return sum(place < max(along) for place in self._padded(sentence))

    def _number(self, *index: int) -> tuple[str, Style]:
        value = self._values.at(*index)
        if is_masked(value, label=self._label, dtype=self._dtype):
            return "masked".rjust(_CELL - 1) + " ", MASKED
        return number(value).rjust(_CELL - 1) + " ", PLAIN

    def _name(self, axis: str, index: int, sentence: int) -> str:
        if axis == "batch":
            return f"sentence {index + 1}"
        tokens = self._batch.tokens[sentence] if sentence < len(self._batch.tokens) else []
        if axis in TOKEN_AXES and index < len(tokens):
            return safe_text(shown_token(self._batch, sentence, index))
        return f"{one_of(axis)} {index}"


def _ends(indices: Sequence[int], room: int) -> list[int | None]:
    """Return the indices that are shown, None where some are left out."""
    if len(indices) <= room:
        whole = bool(indices) and indices[-1] - indices[0] >= len(indices)
        gap = next((at for at in range(1, len(indices)) if indices[at] != indices[at - 1] + 1), 0) if whole else 0
        return [*indices[:gap], None, *indices[gap:]] if gap else list(indices)
    tail = max(1, room // 4) if room > 2 else 0
    head = max(1, room - tail)
    return [*indices[:head], None, *indices[len(indices) - tail :]]


def _spread(columns: Sequence[int | None], cells: Sequence[tuple[str, Style]], cut: str) -> Cell:
    """Put the sign for what is left out in its place among the cells."""
    result: Cell = []
    rest = iter(cells)
    for index in columns:
        result.append((f"{cut} ", DIM) if index is None else next(rest))
    return result


def _fit(text: str, width: int, *, right: bool) -> str:
    text = set_cell_size(text, width) if cell_len(text) > width else text
    pad = " " * (width - cell_len(text))
    return pad + text if right else text + pad
