"""Compiles loops over numbers, and keeps what was compiled."""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a function when it is first called, and keep it for the next process where there is a place to."""

    def compile_(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            made: Callable[..., Any] = njit(function, nogil=True, cache=True, **options)
        except RuntimeError:  # neither beside this file nor in the user's cache may anything be written
            made = njit(function, nogil=True, **options)
        return made

    return compile_
