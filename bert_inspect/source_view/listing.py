"""The source of a module's forward and of its helpers, with what each line made in one run: data to be shown."""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..traces.record import Step, TensorIn, TensorOut, Trace
from .implementation import Executed, Worker, workers
from .reached import Statement, statements
from .sourcefile import is_installed

_LONG = 4
"""Documentation of more lines than this is left out but for its first."""
_DIFFERS = "the file of this name on this machine has other lines"
_UNKNOWN = "torch and transformers on this machine have no file of this name"


@dataclass(frozen=True, kw_only=True)
class Made:
    """A tensor at a line: one that the forward received or returned, or what a step made there (None: nothing)."""

    how: Literal["received", "made", "returned"]
    step: Step
    tensor: TensorIn | TensorOut | None


@dataclass(frozen=True, kw_only=True)
class ListingLine:
    """A line of source. ``ran`` is None where nothing tells; ``calls`` names the helpers, listed too, that it called;
    ``left_out`` counts the lines of documentation after it that are not shown.
    """

    number: int
    text: str
    ran: bool | None
    made: Sequence[Made] = ()
    calls: Sequence[str] = ()
    left_out: int = 0


@dataclass(frozen=True, kw_only=True)
class FunctionListing:
    """A function, or (``name`` empty) lines of a file that is not here as it was; ``why`` then says why its source is
    not shown. ``caller`` and ``at`` say who called a helper, where that is known.
    """

    name: str
    file: str
    lines: Sequence[ListingLine]
    caller: str = ""
    at: int = 0
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The functions that ran in one call of a module, its forward first. ``complete`` says whether it is known of
    every line if it ran, ``calls`` how often the module was called, ``inside`` which modules in it can be listed too.
    """

    step: Step
    functions: Sequence[FunctionListing]
    complete: bool
    calls: int
    inside: Sequence[Step]


def listing(trace: Trace, step: Step, *, executed: Executed | None = None) -> Listing:
    """Return the listing of a module's step; without ``executed`` as far as the trace tells."""
    children = [other for other in trace.steps if other.parent == step.id]
    found = workers(trace, step, children, executed=executed)
    parents = {other.parent for other in trace.steps}
    placed: set[int] = set()
    functions = []
    for place, worker in enumerate(found):
        inside = [child for child in children if child.source and worker.holds(child.source.file, child.source.line)]
        placed.update(child.id for child in inside)
        ran = {child.source.line for child in inside if child.source}
        if executed is not None:
            ran = set(executed.lines.get(worker.file.path, ()))
        parts = statements(worker.node, ran, complete=executed is not None, finished=trace.failure is None)
        is_forward = place == 0 and worker.node.name == "forward"
        made = _Placed(worker, parts)
        for child in inside:
            made.add_child(child)
        if is_forward:
            made.add_arguments(step)
            made.add_returned(step)
        for helper in found:
            if helper.caller is not None and helper.caller.start == worker.start and helper.caller.file == worker.file:
                made.add_call(helper)
        functions.append(made.listing())
    return Listing(
        step=step,
        functions=[*functions, *_alone([child for child in children if child.id not in placed])],
        complete=executed is not None,
        calls=sum(other.kind == "module" and other.path == step.path for other in trace.steps),
        inside=[child for child in children if child.kind == "module" and child.id in parents],
    )


class _Placed:
    """A function's lines while what was made is put to them."""

    def __init__(self, worker: Worker, parts: Sequence[Statement]) -> None:
        self._worker = worker
        self._text = worker.file.lines
        self._parts = [self._trimmed(part) for part in parts]
        self._made: dict[int, list[Made]] = {}
        self._calls: dict[int, list[str]] = {}

    def _trimmed(self, part: Statement) -> Statement:
        """Take comments and blank lines before a block off its head."""
        last = part.last
        while last > part.first and self._text[last - 1].strip()[:1] in ("", "#"):
            last -= 1
        return Statement(part.first, last, part.ran, part.returns)

    def _end(self, line: int) -> int:
        """Return the last line of the statement that a line is in."""
        return max((part.last for part in self._parts if part.first <= line <= part.last), default=line)

    def add_child(self, child: Step) -> None:
        """Put what a step made below the statement that ran it."""
        assert child.source is not None
        self._made.setdefault(self._end(child.source.line), []).extend(_made_by(child))

    def add_arguments(self, step: Step) -> None:
        """Put what the forward received below its parameters."""
        given = self._worker.node.args
        named = {arg.arg: arg.end_lineno or arg.lineno for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
        rest = given.kwarg or given.vararg
        other = rest.lineno if rest is not None else self._worker.node.lineno
        for tensor in step.inputs:
            line = named.get(re.split(r"[\[.]", tensor.name)[0], other)
            self._made.setdefault(line, []).append(Made(how="received", step=step, tensor=tensor))

    def add_returned(self, step: Step) -> None:
        """Put what the forward returned below the return that ran."""
        for part in self._parts:
            if part.returns and part.ran:
                made = [Made(how="returned", step=step, tensor=tensor) for tensor in step.outputs]
                self._made.setdefault(part.last, []).extend(made)

    def add_call(self, helper: Worker) -> None:
        """Say at a line that it called a helper."""
        self._calls.setdefault(self._end(helper.at), []).append(helper.name)

    def listing(self) -> FunctionListing:
        """Return the lines, those of a long documentation left out."""
        worker, node = self._worker, self._worker.node
        ran: dict[int, bool | None] = {}
        for part in self._parts:
            for number in range(part.first, part.last + 1):
                ran[number] = True if ran.get(number) else part.ran
        document = node.body[0]
        is_document = isinstance(document, ast.Expr) and isinstance(document.value, ast.Constant)
        long = is_document and (document.end_lineno or 0) - document.lineno >= _LONG
        lines: list[ListingLine] = []
        following: bool | None = None
        for number in range(node.end_lineno or worker.start, worker.start - 1, -1):
            following = ran.get(number, following)  # a comment goes with the statement that follows
            if long and document.lineno < number <= (document.end_lineno or 0):
                continue
            lines.append(
                ListingLine(
                    number=number,
                    text=self._text[number - 1],
                    ran=following,
                    made=self._made.get(number, ()),
                    calls=self._calls.get(number, ()),
                    left_out=(document.end_lineno or 0) - number if long and number == document.lineno else 0,
                )
            )
        caller = worker.caller.name if worker.caller is not None else ""
        return FunctionListing(name=worker.name, file=worker.file.name, lines=lines[::-1], caller=caller, at=worker.at)


def _made_by(child: Step) -> list[Made]:
    tensors: Sequence[TensorOut | None] = child.outputs or [None]
    return [Made(how="made", step=child, tensor=tensor) for tensor in tensors]


def _alone(children: Sequence[Step]) -> list[FunctionListing]:
    """Return the recorded lines of steps whose file is not here as it was."""
    files: dict[str, dict[int, list[Step]]] = {}
    for child in children:
        if child.source is not None:
            files.setdefault(child.source.file, {}).setdefault(child.source.line, []).append(child)
    return [
        FunctionListing(
            name="",
            file=file,
            why=_DIFFERS if is_installed(file) else _UNKNOWN,
            lines=[
                ListingLine(
                    number=number,
                    text=steps[0].source.code if steps[0].source else "",
                    ran=True,
                    made=[made for child in steps for made in _made_by(child)],
                )
                for number, steps in sorted(lines.items())
            ],
        )
        for file, lines in files.items()
    ]
