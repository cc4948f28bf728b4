"""Which functions did the work of one call of a module: its forward, and the helpers in which its steps ran."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..traces.record import Step, Trace
from .sourcefile import Function, SourceFile, find_file, find_forward

FunctionPlace = tuple[str, int]
"""A function: the path of its file, and its first line."""


@dataclass(frozen=True, kw_only=True)
class Executed:
    """What a line tracer saw of one call of a module: the place of its forward, the lines that ran by file, and for
    each function that was called, in order, by which other and at which line.
    """

    forward: FunctionPlace
    lines: Mapping[str, frozenset[int]] = field(default_factory=dict)
    callers: Mapping[FunctionPlace, tuple[FunctionPlace, int]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A function that did some of the work. ``caller`` is the one that called it, and ``at`` the line, where known."""

    file: SourceFile
    start: int
    caller: "Worker | None" = None
    at: int = 0

    @property
    def name(self) -> str:
        """Its qualified name."""
        return self.file.functions[self.start][0]

    @property
    def node(self) -> Function:
        """Its syntax tree."""
        return self.file.functions[self.start][1]

    def holds(self, file: str, line: int) -> bool:
        """Whether a line of a file, by the name that a trace knows it by, is in it."""
        return Path(self.file.path).name == file and self.start <= line <= (self.node.end_lineno or 0)


def workers(trace: Trace, step: Step, children: Sequence[Step], *, executed: Executed | None) -> list[Worker]:
    """Return the functions of a module's call, its forward first, the helpers in the order in which they ran.

    Files are looked up among what is installed here, and used only if their lines are those that the trace recorded.
    What is not found is left out.
    """
    files = Files(trace, executed)
    sources = [child.source for child in children if child.source is not None]
    if executed is not None:
        return _as_seen(executed, files, [(source.file, source.line) for source in sources])
    forward = _forward(step, files)
    found = {} if forward is None else {(forward.file.path, forward.start): forward}
    for source in sources:
        file = files.named(source.file)
        start = file.around(source.line) if file is not None else None
        if file is not None and start is not None:
            found.setdefault((file.path, start), Worker(file=file, start=start))
    return list(found.values())


def _as_seen(executed: Executed, files: "Files", lines: Sequence[tuple[str, int]]) -> list[Worker]:
    """Return the forward, the helpers that hold one of the lines, and those through which they were called."""
    forward = files.at(executed.forward)
    seen = {} if forward is None else {executed.forward: forward}
    needed = set(seen)
    for place, (caller, at) in executed.callers.items():
        if place not in seen and caller in seen and (worker := files.at(place)) is not None:
            seen[place] = Worker(file=worker.file, start=worker.start, caller=seen[caller], at=at)
            if any(worker.holds(*line) for line in lines):
                above = place
                while above not in needed:
                    needed.add(above)
                    above = executed.callers[above][0]
    return [worker for place, worker in seen.items() if place in needed]


def _forward(step: Step, files: "Files") -> Worker | None:
    """Return the forward of a step's class, looked for in the files that the trace names, then in all of torch.nn."""
    for file in files.known():
        if (start := file.method(step.type, "forward")) is not None:
            return Worker(file=file, start=start)
    for package in ("transformers", "torch"):
        found = find_forward(step.type, package=package) if files.same_version(package) else None
        if found is not None and files.agree(found[0]):
            return Worker(file=found[0], start=found[1])
    return None


class Files:
    """The source files of a trace, by the names that it knows them by."""

    def __init__(self, trace: Trace, executed: Executed | None) -> None:
        self._versions = {"torch": trace.environment.torch, "transformers": trace.environment.transformers}
        self._recorded: dict[str, dict[int, str]] = {}
        for step in trace.steps:
            if step.source is not None:
                self._recorded.setdefault(step.source.file, {})[step.source.line] = step.source.code
        self._found: dict[str, SourceFile | None] = {}

    def named(self, name: str) -> SourceFile | None:
        """Return the installed file, if it is as it was when the trace was made."""
        if name not in self._found:
            self._found[name] = find_file(name, self._recorded[name])
        return self._found[name]

    def at(self, place: FunctionPlace) -> Worker | None:
        """Return the function at a place, if a file that can be read has one there."""
        path, start = place
        if path not in self._found:
            self._found[path] = SourceFile.read(Path(path))
        file = self._found[path]
        return Worker(file=file, start=start) if file is not None and start in file.functions else None

    def known(self) -> list[SourceFile]:
        """Return all files that the trace names and that are as they were."""
        return [file for name in self._recorded if (file := self.named(name)) is not None]

    def agree(self, file: SourceFile) -> bool:
        """Whether a file has the lines that were recorded of one of its name."""
        return file.says(self._recorded.get(Path(file.path).name, {}))

    def same_version(self, package: str) -> bool:
        """Whether the installed package is of the version that ran: the only proof for a file of no recorded line.

        Builds of one version (``2.14.1+cu130``, which PyPI calls ``2.14.1``) have the same Python files.
        """
        try:
            return version(package).partition("+")[0] == self._versions[package].partition("+")[0]
        except PackageNotFoundError:
            return False
