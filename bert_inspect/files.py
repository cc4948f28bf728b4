"""Files that are whole or not there: written beside their final name, then renamed."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .errors import UsageError


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for writing that takes the place of ``path`` only if the block ends well.

    The stream's ``name`` is the file being written, for libraries that open it themselves.

    Something that is not a plain file (``/dev/null``, a fifo) is written to directly: it cannot be replaced.

    Raises:
        UsageError: the file cannot be written there.
    """
    target = Path(path)
    try:
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            with target.open("wb") as stream:
                yield stream
            return
        # Through a symbolic link the file it names is replaced, not the link.
        target = target.resolve()
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
        temporary = Path(name)
        try:
            os.close(handle)
            with temporary.open("wb") as stream:
                yield stream
            temporary.chmod(_mode(target))
            temporary.replace(target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"cannot write {path}: {reason}", "name a file in a folder that you may write to") from error


def _mode(target: Path) -> int:
    """Return the mode that the file has, or would have had if it had simply been opened for writing."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
