"""Traces as JSON Lines, a batch of sentences a line: a file that grows by whole lines, and by one run at a time."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from ..errors import UsageError
from ..files import Growing, cannot_write, growing, write_all
from .finished import Finished, finished_line, not_ours
from .limits import MOST_BYTES
from .record import FORMAT, Trace
from .trace_file import trace_line

_LINE_BEGINS: Final = b'{"format":"%b"' % FORMAT.encode()


@dataclass(frozen=True, kw_only=True)
class Lines:
    """The open file of a run over many sentences, or its stdout. ``finished`` is what its earlier lines say."""

    raw: Growing | BinaryIO
    finished: Finished = field(default_factory=Finished)

    @property
    def locked(self) -> bool:
        """Whether no other run can write to it, or none can spoil it: into a pipe many may write."""
        return not isinstance(self.raw, Growing) or self.raw.locked

    def add(self, trace: Trace) -> None:
        """Add a trace. However that ends, no line is left half written in a plain file.

        Raises:
            UsageError: the file cannot be written, or another run has written to it.
            OSError: what is no plain file does not take it.
        """
        self.add_line(trace_line(trace))

    def add_line(self, line: bytes) -> None:
        """Add a trace that is a line already, as `add` does."""
        if isinstance(self.raw, Growing):
            self.raw.add(line)
        else:
            write_all(self.raw, line)
            self.raw.flush()


@contextmanager
def open_lines(path: str | os.PathLike[str], *, resume: bool = False) -> Iterator[Lines]:
    """Open the file to which a run over many sentences adds its traces, for that run alone.

    With ``resume`` it may hold those of an earlier run; they are read, and a last line that was left unfinished is cut
    off. A file that holds something else is left as it is.

    Raises:
        UsageError: it cannot be written, another run is writing to it, or there is an earlier file and ``resume`` is
            not set.
        TraceFileError: it holds something else than the lines of one run.
    """
    name = os.fspath(path)
    if not _is_special(name):
        with growing(path) as file:
            if file.size and not resume:
                raise UsageError(
                    f"{name} is there already", "`resume=True` continues it; else remove it or name another"
                )
            yield Lines(raw=file, finished=_finished(file, name))
        return
    if resume:
        raise UsageError(f"{name} is not a plain file: no run can be continued in it", "leave `resume=True` out")
    try:
        stream = open(name, "wb", buffering=0)  # noqa: PTH123, SIM115
    except OSError as error:
        raise cannot_write(path, error) from error
    with stream:
        yield Lines(raw=stream)


def _is_special(name: str) -> bool:
    """Whether there is something of that name that is not a plain file: a pipe, a device."""
    try:
        return not stat.S_ISREG(os.stat(name).st_mode)  # noqa: PTH116
    except (OSError, ValueError):
        return False  # whoever opens it will say what is wrong


def _finished(file: Growing, name: str) -> Finished:
    """Return what the whole lines of an earlier run say, and cut off a last one that is none.

    Raises:
        TraceFileError: a line is not a trace, or is not of the same run as the first.
        UsageError: the file cannot be read.
    """
    finished, whole = Finished(path=name), 0
    try:
        file.raw.seek(0)
        with open(os.dup(file.raw.fileno()), "rb") as stream:  # noqa: PTH123 - the same file: the lock stays on it
            for number, line in enumerate(_whole_lines(stream, name), start=1):
                finished.add(finished_line(line, name=f"line {number} of {name}"), line, number=number)
                whole += len(line)
        file.cut(whole)
    except OSError as error:
        raise UsageError(f"cannot continue {name}: {error.strerror}", "name another file") from error
    return finished


def _whole_lines(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """Yield the whole lines of an earlier run's file. Its last line may be unfinished, but it is the beginning of a
    trace: a file that is something else is neither read to its end nor cut.

    Raises:
        TraceFileError: a line is not a trace.
    """
    number = 1
    while begins := stream.read(len(_LINE_BEGINS)):
        if begins != _LINE_BEGINS[: len(begins)]:
            raise not_ours(f"line {number} of {name}")
        line = begins + stream.readline(MOST_BYTES)
        if not line.endswith(b"\n"):
            break
        yield line
        number += 1
