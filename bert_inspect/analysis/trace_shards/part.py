"""The part of an output that holds the traces of one window: lines of JSON, and a last one that seals them.

A part is whole or not there: it is written beside its name and then renamed, and its last line has a checksum of the
others. So whatever happens to a worker, or to the run, a window is held by its part or is traced again.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from ...capture.tally import Tally
from ...errors import TraceFileError
from ...files import replacing
from ...traces.codec import encode

FORMAT: Final = "bert-inspect-traces-part"
PATTERN: Final = "window-*.jsonl"
"""How the files of parts are called."""


class Seal(msgspec.Struct, kw_only=True):
    """What the last line of a part says of it.

    Attributes:
        format: that of a part.
        window: its number.
        digest: of all sentences of the window.
        options: how they were traced.
        held: lines of the input that are left out, since the output held their traces.
        sentences: how many were traced.
        tally: what is told of them.
        checksum: of the lines before.
    """

    format: str
    window: int
    digest: str
    options: dict[str, str]
    held: Sequence[int]
    sentences: int
    tally: Tally
    checksum: str = ""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part that is whole: where it lies, what it says of itself, and how many bytes its traces have."""

    path: str
    seal: Seal
    size: int

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> "Part":
        """Read a part through.

        Raises:
            TraceFileError: it is damaged, or no part.
            FileNotFoundError: it is not there.
        """
        name = os.fspath(path)
        checksum, size, last = hashlib.sha256(), 0, b""
        try:
            with Path(path).open("rb") as stream:
                for line in stream:
                    checksum.update(last)
                    size += len(last)
                    last = line
            seal = msgspec.json.decode(last, type=Seal)
        except FileNotFoundError:
            raise
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _damaged(name) from error
        if seal.format != FORMAT or not last.endswith(b"\n") or seal.checksum != checksum.hexdigest():
            raise _damaged(name)
        return cls(path=name, seal=seal, size=size)

    def lines(self) -> Iterator[bytes]:
        """Yield its traces, a line each."""
        left = self.size
        with Path(self.path).open("rb") as stream:
            while left:
                line = stream.readline()
                left -= len(line)
                yield line


def write_part(path: str | os.PathLike[str], lines: Iterable[bytes], seal: Seal) -> None:
    """Write a part; what the seal says may grow while the lines come.

    Raises:
        UsageError: it cannot be written.
    """
    checksum = hashlib.sha256()
    with replacing(path) as stream:
        for line in lines:
            checksum.update(line)
            stream.write(line)
        seal.checksum = checksum.hexdigest()
        stream.write(encode(seal) + b"\n")


def part_name(window: int) -> str:
    """Return how the part of a window is called."""
    return f"window-{window:06}.jsonl"


def _damaged(name: str) -> TraceFileError:
    return TraceFileError(f"{name} is damaged", "`resume=True` traces again what it should hold")
