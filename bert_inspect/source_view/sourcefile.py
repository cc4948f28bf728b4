"""Source files of installed packages, found and read without importing what they hold."""

import ast
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from ..families import FAMILIES

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
        """Read a file; None where it cannot be read or is no Python."""
        try:
            with tokenize.open(path) as stream:
                found = cls(_shown_name(path), tuple(stream.read().splitlines()), str(path))
            _ = found.functions
        except (OSError, SyntaxError, ValueError):
            return None
        return found

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


def find_file(name: str, recorded: Mapping[int, str]) -> SourceFile | None:
    """Return the installed file of this name whose lines are the recorded ones; None where there is no such file."""
    paths = (folder / name for package in _FOLDERS for folder in _folders(package))
    return next((found for path in paths if (found := SourceFile.read(path)) and found.says(recorded)), None)


def find_forward(type_: str, *, package: str) -> tuple[SourceFile, int] | None:
    """Return the file of an installed package that implements a module's class, and where its forward starts."""
    for folder in _folders(package):
        for path in sorted(folder.glob("*.py")):
            if f"class {type_}(".encode() not in path.read_bytes():
                continue
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


def _folders(package: str) -> Iterator[Path]:
    spec = find_spec(package)  # a package at the top is found without importing anything
    for place in (spec.submodule_search_locations or ()) if spec else ():
        yield from (Path(place, folder) for folder in _FOLDERS[package])


def _shown_name(path: Path) -> str:
    """Return a file's name from its package on: the folders above differ from machine to machine."""
    for package in _FOLDERS:
        if package in path.parts:
            return "/".join(path.parts[len(path.parts) - 1 - path.parts[::-1].index(package) :])
    return path.name
