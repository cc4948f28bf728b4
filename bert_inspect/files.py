"""Files that are whole or not there: written beside their final name, then renamed."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
