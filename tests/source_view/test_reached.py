"""Which lines ran: held against Python's own line tracer, for functions with every kind of block."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bert_inspect.source_view.reached import statements


# fmt: off
def branches(x: int) -> int:
    """Document."""
    y: int
    if x > 3:
        y = x  # a comment
    elif x == 2:
        # before
        y = 2 * (
            x
        )
    else:
        y = 0
    if x < 0:
        raise ValueError(
            "negative"
        )
    return y
# fmt: on


def loops(x: int) -> int:
    total = 0
    for i in range(x):
        if i % 2:
            total += i
            continue
        total -= i
        if i > 3:
            break
    else:
        total = 100
    while x > 0:
        x -= 2
    return total


def blocks(x: int) -> Any:
    try:
        if x == 1:
            raise KeyError("inner")
        y = 10 // x
    except KeyError:
        y = 1
    except ZeroDivisionError:
        return None
    else:
        y += 1
    finally:
        x += 1
    with nullcontext(y) as z:
        if z == 2:
            return z
    match x:
        case 3:
            return "three"
        case _:
            pass

    def inner() -> int:
        return 5

    return inner() if x > 4 else [2 * i for i in range(x)]


def early(x: int) -> int:  # noqa: RET503
    if x:
        return 1
    if not x:
        return 2


FUNCTIONS = [branches, loops, blocks, early]


def traced(function: Callable[[int], Any], x: int) -> tuple[set[int], bool]:
    """Return the lines, counted from 1 within the function, that Python says ran, and whether it returned."""
    lines: set[int] = set()
    first = function.__code__.co_firstlineno

    def local(frame: Any, event: str, arg: Any) -> Any:
        if event == "line":
            lines.add(frame.f_lineno - first + 1)
        return local

    def entered(frame: Any, event: str, arg: Any) -> Any:
        return local if frame.f_code.co_filename == __file__ and frame.f_code is not traced.__code__ else None

    before, finished = sys.gettrace(), False
    sys.settrace(entered)
    try:
        with suppress(ValueError):
            function(x)
            finished = True
    finally:
        sys.settrace(before)
    return {line for line in lines if line > 0}, finished


def parsed(function: Callable[..., Any]) -> ast.FunctionDef:
    node = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(node, ast.FunctionDef)
    return node


def told(function: Callable[..., Any], lines: set[int], **how: bool) -> dict[int, bool | None]:
    """Return what is said of each line that a statement begins at."""
    found: dict[int, bool | None] = {}
    for part in statements(parsed(function), lines, **how):
        for line in range(part.first, part.last + 1):
            found[line] = True if found.get(line) else part.ran
    return found


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("x", range(-1, 8))
def test_with_all_lines_every_line_is_told_as_python_tells_it(function: Callable[[int], Any], x: int) -> None:
    lines, finished = traced(function, x)
    said = told(function, lines, complete=True, finished=finished)
    assert all(said[line] is True for line in lines)
    inner = {line for node in ast.walk(parsed(function)) for line in _starts(node)}
    assert all(said[line] is False for line in inner - lines if line in said)


def _starts(node: ast.AST) -> list[int]:
    """Return the line of a simple statement of one line, which has code: exactly these give line events."""
    simple = (ast.Assign, ast.AugAssign, ast.Return, ast.Continue, ast.Break, ast.Pass)
    return [node.lineno] if isinstance(node, simple) and node.lineno == node.end_lineno else []


@given(x=st.integers(-1, 7), function=st.sampled_from(FUNCTIONS), data=st.data())
@settings(max_examples=150, deadline=None)
def test_with_some_lines_nothing_wrong_is_told(x: int, function: Callable[[int], Any], data: st.DataObject) -> None:
    lines, finished = traced(function, x)
    some = data.draw(st.sets(st.sampled_from(sorted(lines))))
    said = told(function, some, complete=False, finished=finished)
    assert all(said[line] is not False for line in lines), "a line that ran is never dimmed"
    inner = {line for node in ast.walk(parsed(function)) for line in _starts(node)}
    assert all(said.get(line) is not True for line in inner - lines)


def test_what_follows_from_few_lines_is_told() -> None:
    said = told(branches, {5}, complete=False)  # y = x
    source = inspect.getsource(branches).splitlines()
    by_text = {source[line - 1].strip(): ran for line, ran in said.items()}
    assert by_text["if x > 3:"] is True and by_text["y: int"] is True
    assert by_text["y = 2 * ("] is False and by_text["y = 0"] is False, "the other branches"
    assert by_text["raise ValueError("] is False, "the function returned"
    assert by_text["return y"] is True, "the one return, at the end"
    assert told(branches, set(), complete=False)[5] is None
