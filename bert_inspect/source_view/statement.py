"""The statement of source that ran a step, whole, as far as its file is here as it was."""

import ast
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from ..traces.record import Step, Trace
from .implementation import Files
from .sourcefile import SourceFile

_LONGEST = 12
"""A statement of more lines is shown as the line that was recorded."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A statement: the file by the name that the trace knows it by, the number of its first line, and its lines."""

    file: str
    line: int
    lines: tuple[str, ...]


class Statements:
    """Finds the statements that ran the steps of one trace."""

    def __init__(self, trace: Trace) -> None:
        self._files = Files(trace, None)

    def of(self, steps: Iterable[Step]) -> list[Statement]:
        """Return the statements that ran these steps, each once, in the order of the files' lines; a step that no line
        was recorded of has none.
        """
        found = {statement: None for step in steps if (statement := self._of(step)) is not None}
        return sorted(found, key=lambda each: (each.file, each.line))

    def _of(self, step: Step) -> Statement | None:
        source = step.source
        if source is None:
            return None
        file = self._files.named(source.file)
        first, last = (source.line, source.line) if file is None else _span(file, source.line)
        if file is None or last - first >= _LONGEST:
            return Statement(file=source.file, line=source.line, lines=(source.code,))
        text = textwrap.dedent("\n".join(file.lines[first - 1 : last]))
        return Statement(file=source.file, line=first, lines=tuple(text.splitlines()))


def _span(file: SourceFile, line: int) -> tuple[int, int]:
    """Return the first and the last line of the innermost statement that a line is in; of one that holds others, those
    before the first of them.
    """
    start = file.around(line)
    if start is None:
        return line, line
    best = (line, line)
    size = None
    for node in ast.walk(file.functions[start][1]):
        if not isinstance(node, ast.stmt) or not node.lineno <= line <= (node.end_lineno or node.lineno):
            continue
        inside = [child.lineno for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
        last = min(inside) - 1 if inside else node.end_lineno or node.lineno
        if line <= last and (size is None or last - node.lineno < size):
            best, size = (node.lineno, max(last, node.lineno)), last - node.lineno
    return best
