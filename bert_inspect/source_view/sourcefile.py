"""Source files of installed packages, found and read without importing what they hold."""

import ast
import io
import os
import re
import stat
import tokenize
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path

from ..families import FAMILIES

LONGEST = 4 * 1024 * 1024
"""The most bytes of a source file that are read: the longest of torch and transformers have half a million."""

Function = ast.FunctionDef | ast.AsyncFunctionDef

# Where models and what they call are implemented: in a package, the folders that are searched, the likeliest first.
_FOLDERS = {
    "transformers": (*(family.source for family in FAMILIES.values()), "", "integrations", "utils"),
    "torch": ("nn/modules", "nn"),
}


@dataclass(frozen=True)
class SourceFile:
    """A file of Python source. ``name`` is how it is shown: ``transformers/models/bert/modeling_bert.py``."""

    name: str
    lines: tuple[str, ...]
    path: str = field(default="", compare=False)

    @classmethod
    def read(cls, path: Path) -> "SourceFile | None":
        """Read a plain file; None where it cannot be read, is longer than source is, or is no Python."""
        try:
            return _parsed(path, _content(path))
        except (OSError, ValueError):
            return None

    @cached_property
    def _tree(self) -> ast.Module:
        return ast.parse("\n".join(self.lines))

    @cached_property
    def functions(self) -> Mapping[int, tuple[str, Function]]:
        """The functions that are not inside others, with their qualified names, by the line that they start at."""
        return {first_line(node): (name, node) for name, node in _functions(self._tree, "")}

    def around(self, line: int) -> int | None:
        """Return where the function starts that a line is in."""
        within = (start for start, (_, node) in self.functions.items() if start <= line <= (node.end_lineno or 0))
        return next(within, None)

    def method(self, type_: str, name: str) -> int | None:
        """Return where a class's method starts, or that of the nearest class of this file that it inherits from."""
        classes = {node.name: node for node in self._tree.body if isinstance(node, ast.ClassDef)}
        while type_ in classes:
            methods = [node for node in classes[type_].body if isinstance(node, Function)]
            for node in methods:
                if node.name == name:
                    return first_line(node)
            bases = [base.id for base in classes.pop(type_).bases if isinstance(base, ast.Name)]
            type_ = bases[0] if bases else ""
        return None

    def says(self, recorded: Mapping[int, str]) -> bool:
        """Whether the file's lines are the same as those recorded, by number."""
        return all(
            0 < number <= len(self.lines) and self.lines[number - 1].strip() == code
            for number, code in recorded.items()
        )


@lru_cache(maxsize=64)
def _parsed(path: Path, content: bytes) -> SourceFile | None:
    """Return a file of source; None where it is no Python. Many modules of a run have theirs in one file."""
    try:
        found = SourceFile(_shown_name(path), tuple(_python(content).splitlines()), str(path))
        _ = found.functions
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return found


def find_file(name: str, recorded: Mapping[int, str]) -> SourceFile | None:
    """Return the installed file of this name whose lines are the recorded ones; None where there is no such file.

    The name is looked up among the files that the packages have, and never made a path of: one that leads elsewhere
    names none of them.
    """
    paths = (path for package in _FOLDERS for path in _files(package).get(name, ()))
    return next((found for path in paths if (found := SourceFile.read(path)) and found.says(recorded)), None)


def is_installed(name: str) -> bool:
    """Whether one of the packages whose source is shown has a file of this name."""
    return any(name in _files(package) for package in _FOLDERS)


def find_forward(type_: str, *, package: str) -> tuple[SourceFile, int] | None:
    """Return the file of an installed package that implements a module's class, and where its forward starts."""
    for path in _classes(package).get(type_, ()):
        found = SourceFile.read(path)
        start = found.method(type_, "forward") if found else None
        if found and start:
            return found, start
    return None


def first_line(node: Function) -> int:
    """Return where a function starts, its decorators included, as a code object's first line does."""
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield prefix + child.name, child
        else:
            yield from _functions(child, f"{prefix}{child.name}." if isinstance(child, ast.ClassDef) else prefix)


def _files(package: str) -> Mapping[str, list[Path]]:
    """Return the source files of an installed package in the folders that are searched, by their bare names."""
    spec = find_spec(package)  # a package at the top is found without importing anything
    return _listed(package, tuple(spec.submodule_search_locations or ()) if spec else ())


@lru_cache(maxsize=16)
def _listed(package: str, places: tuple[str, ...]) -> Mapping[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for place in map(Path, places):
        root = place.resolve()
        for folder in _FOLDERS[package]:
            for path in sorted((place / folder).glob("*.py")):
                if path.is_file() and path.resolve().is_relative_to(root):  # no link that leads out of the package
                    found.setdefault(path.name, []).append(path)
    return found


def _classes(package: str) -> Mapping[str, list[Path]]:
    """Return the files of an installed package by the names of the classes that they hold."""
    return _defined(tuple(path for paths in _files(package).values() for path in paths))


@lru_cache(maxsize=16)
def _defined(paths: tuple[Path, ...]) -> Mapping[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in paths:
        with suppress(OSError, ValueError):
            for name in dict.fromkeys(_CLASS.findall(_content(path))):
                found.setdefault(name.decode(), []).append(path)
    return found


_CLASS = re.compile(rb"^class ([A-Za-z_0-9]+)\(", re.MULTILINE)


def _content(path: Path) -> bytes:
    """Return the bytes of a plain file; opening it waits for nobody, whatever it is.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no plain file, or longer than source is.
    """
    # Windows has neither flag, nor the fifos and terminals that they are against.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as stream:  # noqa: PTH123 - a descriptor
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise ValueError("not a plain file")
        content = stream.read(LONGEST + 1)
    if len(content) > LONGEST:
        raise ValueError("longer than source is")
    return content


def _python(content: bytes) -> str:
    """Return source as text, in the encoding that it declares."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    return io.TextIOWrapper(io.BytesIO(content), encoding).read()


def _shown_name(path: Path) -> str:
    """Return a file's name from its package on: the folders above differ from machine to machine."""
    for package in _FOLDERS:
        if package in path.parts:
            return "/".join(path.parts[len(path.parts) - 1 - path.parts[::-1].index(package) :])
    return path.name
