"""Files that are whole or not there: written beside their final name, then renamed, one or a folder of them; and one
that grows, for one process alone.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .errors import UsageError
from .signals import unfinished


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for writing that takes the place of ``path`` only if the block ends well.

    The stream's ``name`` is the file being written, for libraries that open it themselves.

    Something that is not a plain file (``/dev/null``, a fifo) is written to directly: it cannot be replaced.

    Raises:
        UsageError: the file cannot be written there.
    """
    try:
        target = Path(path)
        if target.exists() and not target.is_file():
            with target.open("wb") as stream:
                yield stream
            return
        target = _resolved(target)
        temporary = target.with_name(f".bert-inspect-{os.urandom(6).hex()}.part")
        unfinished.add(str(temporary))  # before it is made: there is no moment at which nobody knows of it
        try:
            with temporary.open("xb") as stream:
                yield stream
            temporary.chmod(_mode(target))  # a library may have put a file of its own in the stream's place
            temporary.replace(target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        finally:
            unfinished.discard(str(temporary))
    except OSError as error:
        raise cannot_write(path, error) from error


def write_folder(path: str | os.PathLike[str], files: Mapping[str, bytes]) -> None:
    """Write files into a folder, which is made if it is not there; none takes its place before all are written.

    Raises:
        UsageError: one cannot be written there.
    """
    folder = Path(path)
    made = not folder.exists()
    try:
        if made:
            folder.mkdir()
        with ExitStack() as stack:
            for name, data in files.items():
                stack.enter_context(replacing(folder / name)).write(data)
    except BaseException as error:
        if made:
            with suppress(OSError):
                folder.rmdir()
        if isinstance(error, OSError):
            raise cannot_write(path, error) from error
        raise


class Growing:
    """A plain file that is read and added to, open for this process alone where its file system knows locks.

    ``locked`` says whether it does. What is added is there as a whole or not at all.
    """

    def __init__(self, raw: BinaryIO, path: str | os.PathLike[str], *, locked: bool) -> None:
        self.raw = raw
        self.locked = locked
        self._path = path
        self._end = raw.seek(0, os.SEEK_END)

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self._end

    def cut(self, end: int) -> None:
        """Leave of the file only its first bytes."""
        self.raw.truncate(end)
        self._end = end

    def add(self, data: bytes) -> None:
        """Add to the end.

        Raises:
            UsageError: somebody else has added something, or it cannot be written.
        """
        unfinished.discard(os.fspath(self._path))  # from now on it is worth keeping
        try:
            if os.fstat(self.raw.fileno()).st_size != self._end:
                raise _in_use(self._path)
            try:
                write_all(self.raw, data)
            except BaseException:
                self.raw.truncate(self._end)
                raise
        except OSError as error:
            raise cannot_write(self._path, error) from error
        self._end += len(data)


@contextmanager
def growing(path: str | os.PathLike[str]) -> Iterator[Growing]:
    """Open a plain file, or make it, to read it and add to it; one that is made here and left empty is removed.

    The lock (``flock``) is the system's: it ends with the process, however that ends.

    Raises:
        UsageError: it cannot be written, or another process holds it.
    """
    name = os.fspath(path)
    made = not os.path.lexists(name)
    if made:
        unfinished.add(name)
    try:
        with _opened(name) as raw:
            file = Growing(raw, path, locked=_locked(raw, path))
            try:
                yield file
            finally:
                if made and not file.size:
                    with suppress(OSError):  # before the lock ends: nobody else has it open for long
                        os.unlink(name)  # noqa: PTH108
    finally:
        unfinished.discard(name)


@contextmanager
def held(path: str | os.PathLike[str]) -> Iterator[bool]:
    """Hold what is to be written to ``path`` for this process alone, by an empty file beside it that is removed at the
    end; yield whether the file system knows locks.

    Raises:
        UsageError: the folder cannot be written to, or another process holds it.
    """
    name = f"{os.fspath(path)}.lock"
    with _opened(name) as raw:
        locked = _locked(raw, name, of=path)
        unfinished.add(name)
        try:
            yield locked
        finally:
            with suppress(OSError):
                os.unlink(name)  # noqa: PTH108
            unfinished.discard(name)


def _opened(name: str) -> BinaryIO:
    try:
        return open(name, "a+b", buffering=0)  # noqa: PTH123 - a name that may be no path
    except (OSError, ValueError) as error:
        raise cannot_write(name, error) from error


def _locked(raw: BinaryIO, path: str | os.PathLike[str], *, of: str | os.PathLike[str] | None = None) -> bool:
    """Lock a file for this process; say whether that can be done. ``of`` is the output that it is locked for.

    Raises:
        UsageError: another process has locked it, or has removed it since it was opened.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    try:
        fcntl.flock(raw.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise _in_use(of or path) from error
    except OSError:  # a file system without locks
        return False
    if not os.path.exists(path) or not os.path.samestat(os.fstat(raw.fileno()), os.stat(path)):  # noqa: PTH110, PTH116
        raise _in_use(of or path)
    return True


def _in_use(path: str | os.PathLike[str]) -> UsageError:
    return UsageError(f"another run is writing to {os.fspath(path)}", "wait until it has ended, or name another output")


def write_all(raw: BinaryIO, data: bytes) -> None:
    """Write to an unbuffered stream until everything is written."""
    rest = memoryview(data)
    while rest:
        rest = rest[raw.write(rest) :]


def _mode(target: Path) -> int:
    """Return the mode that the file has, or would have had if it had simply been opened for writing."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _resolved(path: Path) -> Path:
    """Return the file that a path names: through a symbolic link that is replaced, not the link.

    Raises:
        UsageError: it is no path, or a link that goes in circles.
    """
    try:
        return path.resolve()
    except (ValueError, RuntimeError) as error:
        raise cannot_write(path, error) from error


def cannot_write(path: str | os.PathLike[str], error: Exception) -> UsageError:
    """Return the error that says why a file cannot be written."""
    reason = getattr(error, "strerror", None) or str(error)
    return UsageError(f"cannot write {os.fspath(path)}: {reason}", "name a file in a folder that you may write to")
