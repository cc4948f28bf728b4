"""What a step was given besides tensors, read back from how a trace writes it: ``dim=-1``, ``[..., :4]``."""

import ast
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .arithmetic import Untold

_MOST = 10_000
"""The longest text that is read: a step of a model has a few arguments."""


@dataclass(frozen=True)
class Named:
    """A word that stands for something of torch's: a dtype, a device, a function."""

    word: str


@dataclass(frozen=True)
class TensorHere:
    """The place of a tensor in an index."""


def arguments(text: str) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments by position and by name.

    Raises:
        Untold: they cannot be read.
    """
    call = _parsed(f"f({text})")
    if not isinstance(call, ast.Call):
        raise _unreadable(text)
    return [_value(node, text) for node in call.args], {
        keyword.arg: _value(keyword.value, text) for keyword in call.keywords if keyword.arg is not None
    }


def index(text: str) -> Any:
    """Return the index of ``x[index]``, a `TensorHere` in the place of each tensor.

    Raises:
        Untold: it cannot be read.
    """
    item = _parsed(f"x{text}")
    if not isinstance(item, ast.Subscript):
        raise _unreadable(text)
    return _value(item.slice, text)


def merged(names: Sequence[str], tensors: Sequence[tuple[str, Any]], rest: Sequence[Any]) -> list[Any]:
    """Return tensors and other arguments in the order in which a function was given them; ``names`` are what it calls
    those by position, and tensors in a sequence (``input[0]``) are one argument.
    """
    held: dict[str, Any] = {}
    for name, tensor in tensors:
        base, bracket, _ = name.partition("[")
        if bracket and base in names:
            held.setdefault(base, []).append(tensor)
        else:
            held[name] = tensor
    found: list[Any] = []
    others = iter(rest)
    last = max((names.index(name) for name in held if name in names), default=-1)
    for place in range(last + 1):
        found.append(held.pop(names[place]) if names[place] in held else next(others, None))
    numbered = {name: value for name, value in held.items() if name.startswith("input[")}
    for name in numbered:
        held.pop(name)
    return [*found, *numbered.values(), *others]


def _parsed(text: str) -> ast.expr:
    if len(text) > _MOST:
        raise _unreadable(text)
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _unreadable(text) from error


def _value(node: ast.expr, text: str) -> Any:
    match node:
        case ast.Constant(value=value) if value is None or value is Ellipsis or isinstance(value, int | float | str):
            return value
        case ast.Tuple(elts=items):
            return tuple(_value(item, text) for item in items)
        case ast.List(elts=items):
            return [_value(item, text) for item in items]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value = _value(operand, text)
            if isinstance(value, int | float):
                return -value
        case ast.Slice(lower=lower, upper=upper, step=step):
            return slice(*(None if part is None else _value(part, text) for part in (lower, upper, step)))
        case ast.Name(id="tensor"):
            return TensorHere()
        case ast.Name(id="inf" | "nan" as word):
            return math.inf if word == "inf" else math.nan
        case ast.Name(id=word):
            return Named(word)
        case ast.Attribute(attr=word):
            return Named(word)
    raise _unreadable(text)


def _unreadable(text: str) -> Untold:
    return Untold(f"the arguments of this step cannot be read: {text[:80]!r}", "name another step")


def with_tensors(value: Any, tensors: Iterator[Any]) -> Any:
    """Return an index with tensors in their places."""
    if isinstance(value, TensorHere):
        return next(tensors, None)
    if isinstance(value, tuple):
        return tuple(with_tensors(item, tensors) for item in value)
    return value
