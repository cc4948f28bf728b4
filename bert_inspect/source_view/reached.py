"""Which statements of a function ran, from the lines that are known to have run.

With all the lines that a line tracer saw, what is not among them did not run. A saved trace knows only the lines that
made a tensor; from them follows what must have run before, and what cannot have run beside, and nothing of the rest.
"""

import ast
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from .sourcefile import Function, first_line


@dataclass(frozen=True)
class Statement:
    """The lines of a simple statement, or of a compound one's head. ``ran`` is None where nothing tells."""

    first: int
    last: int
    ran: bool | None
    returns: bool = False


def statements(function: Function, lines: Set[int], *, complete: bool, finished: bool = True) -> list[Statement]:
    """Return the statements of a function that was called, in order, its own head first.

    Args:
        function: the function.
        lines: lines that ran.
        complete: whether these are all that ran; otherwise only what follows from them is told.
        finished: whether the function returned, so that no exception left it.
    """
    head = Statement(first_line(function), max(function.lineno, function.body[0].lineno - 1), ran=True)
    end = function.body[-1]
    if finished and isinstance(end, ast.Return) and _count(function, ast.Return) == 1:
        lines = {*lines, end.lineno}
    judge = _Judge(lines, complete=complete, finished=finished)
    return [head, *judge.block(function.body, True)]


_LOOPS = ast.For | ast.While | ast.AsyncFor | Function
_ENTERED = ast.With | ast.AsyncWith | ast.Try | ast.ClassDef
"""Statements that enter their block whenever they run."""


class _Judge:
    def __init__(self, lines: Set[int], *, complete: bool, finished: bool) -> None:
        self._lines = lines
        self._complete = complete
        self._finished = finished
        self._loops = 0  # how many loops, and how many try statements, are around
        self._tries = 0

    def block(self, body: Sequence[ast.stmt], entered: bool | None) -> Iterator[Statement]:
        """Yield the statements of a block of which it is known, or not, whether it was entered."""
        if entered is None and self._finished and not self._tries and _always_raises(body):
            entered = False  # the exception would have left the function
        hits = [place for place, node in enumerate(body) if self._hit(node)]
        last = max(hits, default=0 if entered else -1)
        for place, node in enumerate(body):
            ran: bool | None = False if self._complete else None
            if entered is False or place <= last:
                ran = entered is not False  # all before the last that ran must have run
            elif _has_no_code(node):
                ran = True if place == last + 1 and last >= 0 else None
            yield from self._statement(node, ran)

    def _statement(self, node: ast.stmt, ran: bool | None) -> Iterator[Statement]:
        heads, blocks = _blocks(node)
        first = first_line(node) if isinstance(node, Function) else node.lineno
        starts = [head or block[0].lineno for head, block in zip(heads, blocks, strict=True)]
        end = min((start - 1 for start in starts), default=node.end_lineno or first)
        yield Statement(first, max(end, node.lineno), ran, returns=isinstance(node, ast.Return))
        # A function inside may be called many times, and what it raises caught.
        loop, tries = isinstance(node, _LOOPS), isinstance(node, ast.Try | Function)
        self._loops += loop
        self._tries += tries
        hits = [any(map(self._hit, block)) for block in blocks]
        for head, block, hit in zip(heads, blocks, hits, strict=True):
            if head:  # ``except KeyError:`` is looked at before its block is entered, if it is
                looked = hit or head in self._lines
                idle = False if self._complete or ran is False else None
                yield Statement(head, max(head, block[0].lineno - 1), True if looked else idle)
            entered: bool | None = None
            if ran is False:
                entered = False
            elif hit:
                entered = True
            elif isinstance(node, _ENTERED) and block is blocks[0]:
                entered = ran
            elif self._complete and not all(map(_has_no_code, block)):
                entered = False
            elif isinstance(node, ast.If) and any(hits) and not self._loops:
                entered = False  # the other branch was taken, and there was only one turn
            yield from self.block(block, entered)
        self._loops -= loop
        self._tries -= tries

    def _hit(self, node: ast.stmt) -> bool:
        return any(line in self._lines for line in range(node.lineno, (node.end_lineno or node.lineno) + 1))


def _blocks(node: ast.stmt) -> tuple[list[int], list[list[ast.stmt]]]:
    """Return the blocks inside a statement, and the line of the head of each that has one of its own (else 0)."""
    blocks = [(0, getattr(node, name, [])) for name in ("body", "orelse", "finalbody")]
    blocks += [(handler.lineno, handler.body) for handler in getattr(node, "handlers", [])]
    blocks += [(case.pattern.lineno, case.body) for case in getattr(node, "cases", [])]
    found = [(head, block) for head, block in blocks if block]
    return [head for head, _ in found], [block for _, block in found]


def _count(function: Function, kind: type[ast.AST]) -> int:
    return sum(isinstance(node, kind) for node in ast.walk(function))


def _always_raises(body: Sequence[ast.stmt]) -> bool:
    for node in body:
        if isinstance(node, ast.Raise):
            return True
        if any(isinstance(inner, ast.Return | ast.Break | ast.Continue) for inner in ast.walk(node)):
            return False
    return False


def _has_no_code(node: ast.stmt) -> bool:
    """Whether a statement leaves nothing to run: a docstring, a declaration."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Global | ast.Nonlocal) or (isinstance(node, ast.AnnAssign) and node.value is None)
