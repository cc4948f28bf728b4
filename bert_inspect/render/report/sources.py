"""The source of every module that ran, as the page holds it: each function once, and what calls made at its lines."""

from typing import Any

from pygments.lexers import PythonLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType

from ...safetext import safe_text
from ...source_view.listing import FunctionListing, Listing, listing
from ...traces.record import Step, Trace

_KINDS = (
    (Comment, "comment"),
    (String, "string"),
    (Number, "number"),
    (Keyword, "keyword"),
    (Operator.Word, "keyword"),
    (Name.Function, "name"),
    (Name.Class, "name"),
)


def code_data(trace: Trace) -> dict[str, Any]:
    """Return ``functions`` (name, file, lines) and, by the id of each module's step, ``calls``: pairs of a function's
    place and what its lines made, ``[line, how, step, tensor]`` each.

    Modules of the same class whose steps ran at the same lines have the same listing, which is then made only once.
    """
    functions: dict[FunctionListing | tuple[Any, ...], int] = {}
    shown: list[dict[str, Any]] = []
    children: dict[int, list[Step]] = {}
    for step in trace.steps:
        if step.parent is not None:
            children.setdefault(step.parent, []).append(step)
    known: dict[tuple[Any, ...], list[tuple[int, list[tuple[int, str, int, int]]]]] = {}
    calls = {}
    for number, inside in children.items():
        step = trace.steps[number]
        places = {step.id: -1, **{child.id: place for place, child in enumerate(inside)}}
        key = _alike(step, inside)
        if key not in known:
            found = listing(trace, step)
            known[key] = [
                (_place(function, functions, shown), _made(function, found, places)) for function in found.functions
            ]
        ids = {place: id_ for id_, place in places.items()}
        calls[str(number)] = [
            [function, [[line, how, ids[place], tensor] for line, how, place, tensor in made]]
            for function, made in known[key]
        ]
    return {"functions": shown, "calls": calls}


def _alike(step: Step, inside: list[Step]) -> tuple[Any, ...]:
    """Return what two calls have in common whose listings differ in nothing but the steps' numbers."""
    names = tuple(tensor.name for tensor in step.inputs)
    ran = tuple((child.source.file, child.source.line, len(child.outputs)) for child in inside if child.source)
    return step.type, names, len(step.outputs), len(inside), ran, step.failed


def _place(function: FunctionListing, known: dict[Any, int], shown: list[dict[str, Any]]) -> int:
    lines = [(line.number, line.text, line.ran, line.left_out) for line in function.lines]
    key = (function.name, function.file, tuple(lines))
    if key not in known:
        known[key] = len(shown)
        coloured = coloured_lines([line.text for line in function.lines])
        shown.append(
            {
                "name": function.name,
                "file": f"{function.file} as the trace recorded it: {function.why}" if function.why else function.file,
                "lines": [
                    [number, parts, ran, left_out]
                    for (number, _, ran, left_out), parts in zip(lines, coloured, strict=True)
                ],
            }
        )
    return known[key]


def _made(function: FunctionListing, found: Listing, places: dict[int, int]) -> list[tuple[int, str, int, int]]:
    made: list[tuple[int, str, int, int]] = []
    for line in function.lines:
        for each in line.made:
            tensors = each.step.inputs if each.how == "received" else each.step.outputs
            place = next((at for at, tensor in enumerate(tensors) if tensor is each.tensor), -1)
            made.append((line.number, each.how, places[each.step.id], place))
    return made


def coloured_lines(lines: list[str]) -> list[list[tuple[str, str]]]:
    """Return each line as pairs of a kind (empty for plain text) and a text, without the indent they share."""
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    text = "\n".join(safe_text(line[margin:]) for line in lines)
    result: list[list[tuple[str, str]]] = [[]]
    for token, part in PythonLexer(stripnl=False, ensurenl=False).get_tokens(text):
        kind = _kind(token)
        for number, piece in enumerate(part.split("\n")):
            if number:
                result.append([])
            if piece:
                last = result[-1]
                if last and last[-1][0] == kind:
                    piece = last.pop()[1] + piece
                last.append((kind, piece))
    return [*result, *([] for _ in lines)][: len(lines)]


def _kind(token: _TokenType) -> str:
    return next((name for kind, name in _KINDS if token in kind), "")
