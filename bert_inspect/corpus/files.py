"""What a corpus is made of: the files that are named, and those in the folders that are."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import UsageError
from .opened import PACKED
from .sentence_file import cannot_read

TEXT: Final = ".txt"
OBJECTS: Final = (".jsonl", ".ndjson")
"""What is taken from a folder: text, and JSON Lines, each of which may be packed."""
_ONLY_NAMED: Final = (".json",)
"""JSON Lines too where it is named; in a folder it may be anything, a profile for one."""
_KINDS: Final = f"{', '.join((TEXT, *OBJECTS))}, each also with {' or '.join(PACKED)}"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file of a corpus: where it lies, how it is called, and whether it is JSON Lines."""

    path: str
    name: str
    objects: bool


def sources(given: Iterable[str]) -> list[Source]:
    """Return the files of a corpus: those that are given, and those of the folders that are, in the order of their
    names. Hidden files and further folders are passed over. A file is called by its own name: where it lies differs
    from machine to machine.

    Raises:
        UsageError: one is not there, is named twice, or a folder has no file of sentences.
    """
    found = [source for name in given for source in _of(name)]
    _check_distinct(found)
    return found


def _of(given: str) -> Iterator[Source]:
    try:
        if Path(given).is_dir():
            yield from _in_folder(given)
        elif given == "-":
            raise UsageError("a corpus is read twice, which stdin cannot be", "write the sentences to a file")
        else:
            Path(given).stat()
            yield _source(given)
    except (OSError, ValueError) as error:
        raise cannot_read(given, error) from error


def _in_folder(folder: str) -> list[Source]:
    entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    names = [entry.name for entry in entries if not entry.name.startswith(".") and _is_known(entry.name)]
    found = [os.path.join(folder, name) for name in names if (Path(folder) / name).is_file()]  # noqa: PTH118 - as given
    if not found:
        raise UsageError(f"there is no file of sentences in the folder {folder}", f"their names end in {_KINDS}")
    return [_source(path) for path in found]


def _source(path: str) -> Source:
    return Source(path=path, name=Path(path).name, objects=_bare(path).endswith((*OBJECTS, *_ONLY_NAMED)))


def _is_known(name: str) -> bool:
    return _bare(name).endswith((TEXT, *OBJECTS))


def _bare(name: str) -> str:
    """Return a name without the ending that says how the file is packed."""
    name = name.lower()
    return next((name.removesuffix(ending) for ending in PACKED if name.endswith(ending)), name)


def _check_distinct(found: Sequence[Source]) -> None:
    seen: dict[tuple[int, int], str] = {}
    for source in found:
        status = os.stat(source.path)  # noqa: PTH116
        key = status.st_dev, status.st_ino
        if key in seen and status.st_ino:
            also = "" if seen[key] == source.path else f" (as {seen[key]} too)"
            raise UsageError(f"{source.path} is named twice{also}, and its sentences would count twice", "name it once")
        seen[key] = source.path
