"""Traces as JSON Lines, a batch of sentences a line: which are done, and a file that only ever grows by whole lines."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from ..errors import TraceFileError, UsageError
from .limits import MOST_BYTES
from .record import FORMAT, Trace
from .trace_file import trace_line

_LINE_BEGINS: Final = b'{"format":"%b"' % FORMAT.encode()


@dataclass(frozen=True, kw_only=True)
class LineStore:
    """The file to which a run over many sentences adds its traces. With ``resume`` it may hold those of an earlier run,
    which are kept.
    """

    path: str | os.PathLike[str]
    resume: bool = False

    def done(self) -> set[int]:
        """Return the numbers of the sentences that are traced already, as ``input.lines`` counts them, and cut off a
        last line that was left unfinished.

        Raises:
            UsageError: there is an earlier file and ``resume`` is not set, or it cannot be read.
            TraceFileError: it holds something else; it is left as it is.
        """
        path, done, whole = Path(self.path), set[int](), 0
        try:
            if not path.exists() or path.stat().st_size == 0 or not path.is_file():
                return set()
            if not self.resume:
                raise UsageError(
                    f"{self.path} is there already", "`resume=True` continues it; else remove it or name another"
                )
            with path.open("rb") as stream:
                for number, line in enumerate(_whole_lines(stream, self.path), start=1):
                    done.update(traced_lines(line, name=f"line {number} of {self.path}"))
                    whole += len(line)
            os.truncate(path, whole)
        except OSError as error:
            raise UsageError(f"cannot continue {self.path}: {error.strerror}", "name another file") from error
        return done

    @contextmanager
    def appending(self) -> Iterator[Callable[[Trace], None]]:
        """Yield what adds a trace to the file. However the block ends, no line is left half written.

        Raises:
            UsageError: the file cannot be written.
        """
        try:
            with open(self.path, "ab" if self.resume else "wb", buffering=0) as raw:  # noqa: PTH123
                lines = _Lines(raw)
                try:
                    yield lambda trace: lines.add(trace_line(trace))
                finally:
                    with suppress(OSError):  # a device has no end to cut off
                        raw.truncate(lines.end)
        except OSError as error:
            raise UsageError(f"cannot write {self.path}: {error.strerror}", "name another file") from error


class _Lines:
    """A file, and where its last whole line ends."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self.end = raw.seek(0, os.SEEK_END) if raw.seekable() else 0

    def add(self, line: bytes) -> None:
        rest = memoryview(line)
        while rest:
            rest = rest[self._raw.write(rest) :]
        self.end += len(line)


def _whole_lines(stream: BinaryIO, name: str | os.PathLike[str]) -> Iterator[bytes]:
    """Yield the whole lines of an earlier run's file. Its last line may be unfinished, but it is the beginning of a
    trace: a file that is something else is neither read to its end nor cut.

    Raises:
        TraceFileError: a line is not a trace.
    """
    number = 1
    while begins := stream.read(len(_LINE_BEGINS)):
        if begins != _LINE_BEGINS[: len(begins)]:
            raise _not_ours(f"line {number} of {os.fspath(name)}")
        line = begins + stream.readline(MOST_BYTES)
        if not line.endswith(b"\n"):
            break
        yield line
        number += 1


class _Lined(msgspec.Struct):
    lines: list[int]


class _Batch(msgspec.Struct):
    format: str
    input: _Lined


def traced_lines(line: bytes, *, name: str) -> list[int]:
    """Return which lines of its input file a line holds the trace of; ``name`` is how errors call it.

    Raises:
        TraceFileError: it is not a trace of numbered sentences.
    """
    try:
        batch = msgspec.json.decode(line, type=_Batch)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_ours(name) from error
    if batch.format != FORMAT:
        raise _not_ours(name)
    return batch.input.lines


def _not_ours(name: str) -> TraceFileError:
    return TraceFileError(f"{name} is not a trace of numbered sentences", "name another output")
