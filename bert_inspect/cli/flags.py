"""Advice of the library in the words of the command line.

The library advises arguments, as they are written in Python between backticks: `` `truncate=True` ``,
`` `weights="random"` ``, `` `layer` ``. On the command line they are options: ``--truncate``, ``--weights random``,
``--layer``.
"""

import re

_ARGUMENT = re.compile(r"`([a-z_]+)(?:=([^`]*))?`")

_OPTIONS = {"pairs": "pair", "choices": "choice"}
"""Options that are given once for each of what one argument of Python holds."""


def in_flags(advice: str) -> str:
    """Return advice with every argument in it as an option."""
    return _ARGUMENT.sub(lambda found: _flag(found[1], found[2]), advice)


def _flag(name: str, value: str | None) -> str:
    flag = "--" + _OPTIONS.get(name, name.replace("_", "-"))
    return flag if value is None or value == "True" else f"{flag} " + value.strip('"')
