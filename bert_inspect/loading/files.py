"""The files of a checkpoint, opened only after a look at what they are: plain, inside the folder, not too large."""

import json
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelError
from .notices import short

_MIB = 1024 * 1024
JSON_LIMIT = 8 * _MIB
"""The most bytes of a configuration or an index. They have a few thousand; ten thousand labels make half a million."""
VOCABULARY_LIMIT = 32 * _MIB
"""The most bytes of a vocabulary. That of 500,000 words in 100 languages has 13 million."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a fifo"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclass(frozen=True, kw_only=True)
class CheckpointFiles:
    """The files in a checkpoint's folder. ``name`` is what errors call the checkpoint."""

    root: Path
    name: str

    def find(self, file: str) -> Path | None:
        """Return where a file really lies, or None if there is none.

        Raises:
            ModelError: it is not a plain file, is a symbolic link that leaves the folder, or may not be looked at.
        """
        path = self.root / file
        try:
            if "/" in file and not path.parent.resolve().is_relative_to(self.root.resolve()):
                raise ModelError(f"{file} of {self.name} leaves the folder", "put the files themselves there")
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                path = self._followed(path, file)
                mode = path.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):  # of the folder too: a cache that is none holds nothing
            return None
        except OSError as error:
            raise self.unreadable(file, error) from error
        if not stat.S_ISREG(mode):
            kind = next((name for test, name in _KINDS if test(mode)), "a special file")
            raise ModelError(f"{file} of {self.name} is {kind}, not a plain file", "put the file itself there")
        return path

    def _followed(self, link: Path, file: str) -> Path:
        """Return what a symbolic link in the folder leads to.

        A snapshot of the Hugging Face cache is made of links into the ``blobs`` folder beside ``snapshots``.
        """
        root = self.root.resolve()
        try:
            target = link.resolve(strict=True)
        except FileNotFoundError as error:
            raise ModelError(
                f"{file} of {self.name} is a symbolic link to nothing", "put the file itself there"
            ) from error
        except RuntimeError as error:  # a loop, before Python 3.13
            raise ModelError(f"{file} of {self.name} is a symbolic link to itself", "put the file there") from error
        homes = [root, root.parent.parent / "blobs"] if root.parent.name == "snapshots" else [root]
        if not any(target.is_relative_to(home) for home in homes):
            raise ModelError(
                f"{file} of {self.name} is a symbolic link that leaves the folder", "put the file itself there"
            )
        return target

    def read(self, file: str, *, limit: int) -> bytes | None:
        """Return a file's bytes, or None if there is none.

        Raises:
            ModelError: it is larger than ``limit``, or cannot be read.
        """
        path = self.find(file)
        if path is None:
            return None
        try:
            with path.open("rb") as stream:
                data = stream.read(limit + 1)  # however large the file has become since
        except OSError as error:
            raise self.unreadable(file, error) from error
        if len(data) > limit:
            raise ModelError(f"{file} of {self.name} is larger than {limit // _MIB} MiB", "is it the right file?")
        return data

    def read_object(self, file: str) -> dict[str, Any] | None:
        """Return the JSON object that a small file holds, or None if there is no such file.

        Raises:
            ModelError: the file is damaged: no JSON, no object, or an object with two values under one key.
        """
        found = self._parsed(file)
        if found is not None and not isinstance(found, dict):
            raise self.damaged(file, "it holds no JSON object")
        return found

    def read_list(self, file: str) -> list[Any] | None:
        """Return the JSON list that a small file holds, or None if there is no such file; errors are as those of
        `read_object`.
        """
        found = self._parsed(file)
        if found is not None and not isinstance(found, list):
            raise self.damaged(file, "it holds no JSON list")
        return found

    def _parsed(self, file: str) -> Any:
        data = self.read(file, limit=JSON_LIMIT)
        try:
            return None if data is None else parse(data)
        except ValueError as error:
            raise self.damaged(file, str(error)) from error

    def damaged(self, file: str, why: str) -> ModelError:
        """Return the error that says so."""
        return ModelError(f"{file} of {self.name} is damaged: {why}", "save it again with save_pretrained")

    def unreadable(self, file: str, error: OSError) -> ModelError:
        """Return the error that says what the system said."""
        return ModelError(f"cannot read {file} of {self.name}: {error.strerror or error}", "see who may read it")


def parse(data: bytes) -> Any:
    """Return what JSON text says.

    Raises:
        ValueError: it is not JSON, is nested too deeply, holds text that no file can hold (a lone surrogate), or an
            object has two values under one key, of which readers would take one or the other.
    """
    try:
        text = data.decode("utf-8-sig")
        found = json.loads(text, object_pairs_hook=_once)
        if _SURROGATE.search(text):
            json.dumps(found, ensure_ascii=False).encode()  # fails unless they come in pairs
        return found
    except UnicodeError as error:
        raise ValueError("it is not UTF-8 text") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"it has two values for {short(repr(twice))}")
    return found
