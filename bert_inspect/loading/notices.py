"""What is worth saying about a checkpoint that loads: the command says it on stderr, in Python it is a warning."""

import warnings
from collections.abc import Callable, Sequence

Notice = Callable[[str], None]


def warn(text: str) -> None:
    """Tell a user of the Python interface."""
    warnings.warn(text, stacklevel=3)


def short(text: str, most: int = 60) -> str:
    """Return a name or a value from a file, cut if it is long."""
    return text if len(text) <= most else text[: most - 3] + "..."


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: "1 tensor", "2 tensors"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def with_article(name: str) -> str:
    """Return a name after its article: "a BERT", "an ELECTRA", "an MPNet", whose first letters are spelled."""
    spelled = name[:2].isupper() and name[0] in "FHLMNRSX"
    return f"an {name}" if spelled or name[:1] in "AEIOaeio" or name[:2] == "xl" else f"a {name}"


def some(names: Sequence[str], *, most: int = 3) -> str:
    """Return the first names of a list that may be long."""
    return ", ".join(short(name) for name in names[:most]) + (", ..." if len(names) > most else "")
