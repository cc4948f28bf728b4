"""The command line of ``profile``: an option may take several values, or none, which is written out here for Typer."""

from collections.abc import Sequence
from typing import Final

EXAMPLES: Final = 5
"""How many examples are kept where ``--examples`` names no number."""


def written_out(arguments: Sequence[str]) -> list[str]:
    """Return arguments with ``--input`` before each of its files, which stand up to the next option, and a number
    behind ``--examples``.
    """
    found: list[str] = []
    rest = [*arguments]
    while rest:
        argument = rest.pop(0)
        found.append(argument)
        if argument == "--":
            break
        option, equals, _ = argument.partition("=")
        if option == "--input":
            if not equals and rest:
                found.append(rest.pop(0))
            while rest and not _is_option(rest[0]):
                found += ["--input", rest.pop(0)]
        elif argument == "--examples" and not (rest and rest[0].isdecimal()):
            found.append(str(EXAMPLES))
    return found + rest


def _is_option(argument: str) -> bool:
    return len(argument) > 1 and argument.startswith("-")
