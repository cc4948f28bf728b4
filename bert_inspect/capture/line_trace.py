"""Which lines ran in one call of a module: in its forward and in the functions that it called."""

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import torch
from torch import nn

from ..loading.loaded import Loaded
from ..source_view.implementation import Executed, FunctionPlace
from ..traces.record import Input, Trace
from ..traces.selection import Selection
from .forward import run_forward
from .keep import Keep

_TORCH = str(Path(torch.__file__).parent / "_")[:-1]
_HERE = str(Path(__file__).parent.parent / "_")[:-1]
_CALL = nn.Module._call_impl.__code__


class LineWatch:
    """Sees the lines of one call of one module; what modules inside it run is theirs and not looked at.

    Python's own line tracer (``sys.settrace``) is on only while that call lasts.
    """

    def __init__(self, module: nn.Module) -> None:
        forward: Any = inspect.unwrap(module.forward)  # decorators stand around it
        self._forward: CodeType | None = getattr(forward, "__code__", None)
        self._lines: dict[str, set[int]] = {}
        self._callers: dict[FunctionPlace, tuple[FunctionPlace, int]] = {}
        self._running: FrameType | None = None
        self._inside = 0  # how many calls of modules inside this one are under way
        self._before: Any = None

    def begin(self, module: nn.Module, args: Any) -> None:
        """Forward pre-hook of the module."""
        if not self._lines:  # the first call is the one that is shown
            self._before = sys.gettrace()
            sys.settrace(self._entered)

    def end(self, module: nn.Module, args: Any, output: Any) -> None:
        """Forward hook of the module."""
        if sys.gettrace() == self._entered:
            sys.settrace(self._before)

    def executed(self) -> Executed | None:
        """Return what was seen; None if the module never ran, or its forward is not written in Python."""
        if self._forward is None or not self._lines:
            return None
        return Executed(
            forward=_place(self._forward),
            lines={file: frozenset(lines) for file, lines in self._lines.items()},
            callers=self._callers,
        )

    def _entered(self, frame: FrameType, event: str, arg: Any) -> Any:
        """Look at each Python function as it is entered, and say how to go on with it."""
        code = frame.f_code
        if code is _CALL:
            self._inside += 1
            return self._left_module
        if self._inside:
            return None
        if self._running is None:
            if code is not self._forward:
                return None  # a decorator around the forward
            self._running = frame
        elif code.co_filename.startswith((_TORCH, _HERE)):
            return None
        else:
            self._note_caller(frame)
        self._lines.setdefault(code.co_filename, set())
        return self._line

    def _line(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            self._lines[frame.f_code.co_filename].add(frame.f_lineno)
        elif event == "return" and frame is self._running:
            sys.settrace(self._before)
            self._running = None
        return self._line

    def _left_module(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "return":
            self._inside -= 1
        return self._left_module

    def _note_caller(self, frame: FrameType) -> None:
        """Remember by which function of interest another one was called."""
        above = frame.f_back
        while above is not None and (above.f_trace is None or _is_part(above.f_code)):  # torch's own, or a wrapper's
            above = above.f_back
        if above is not None and not _is_part(frame.f_code):
            self._callers.setdefault(_place(frame.f_code), (_place(above.f_code), above.f_lineno))


def _is_part(code: CodeType) -> bool:
    """Whether the code is a part of the function around it: a comprehension, a lambda."""
    return code.co_name.startswith("<")


def _place(code: CodeType) -> FunctionPlace:
    return code.co_filename, code.co_firstlineno


@contextmanager
def watching(module: nn.Module) -> Iterator[LineWatch]:
    """Watch the first call of a module in the block; afterwards hooks and line tracer are as before."""
    watch = LineWatch(module)
    before = sys.gettrace()
    handles = [
        module.register_forward_pre_hook(watch.begin),
        module.register_forward_hook(watch.end, always_call=True),
    ]
    try:
        yield watch
    finally:
        for handle in handles:
            handle.remove()
        if sys.gettrace() is not before:
            sys.settrace(before)


def run_watched(loaded: Loaded, batch: Input, path: str, *, keep: Keep) -> tuple[Trace, Executed | None]:
    """Run the model once and return its trace, and which lines the forward of one module ran, if it did."""
    with watching(loaded.model.get_submodule(path)) as watch:
        trace, _ = run_forward(loaded, batch, selection=Selection(), keep=keep)
    return trace, watch.executed()
