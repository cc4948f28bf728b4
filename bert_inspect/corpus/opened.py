"""A file of sentences as a stream of bytes, unpacked where it is packed."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from ..errors import UsageError
from .sentence_file import cannot_read, check_not_a_pipe
from .zstd_file import open_zstd, zstd_error

GZIP: Final = ".gz"
ZSTD: Final = ".zst"
PACKED: Final = (GZIP, ZSTD)


def is_packed(path: str) -> bool:
    """Whether a file is packed, by the end of its name: what is packed is read from its beginning on."""
    return path.lower().endswith(PACKED)


@contextmanager
def opened(path: str, *, offset: int = 0) -> Iterator[BinaryIO]:
    """Open a file of sentences at a byte of what it holds; of a packed one, what lies before that is unpacked again.

    Raises:
        UsageError: it cannot be read, is a pipe or damaged, or needs a package that is not installed.
    """
    damaged: tuple[type[Exception], ...] = (EOFError, zlib.error, gzip.BadGzipFile)
    if path.lower().endswith(ZSTD):
        damaged += (zstd_error(),)
    try:
        check_not_a_pipe(path)
        with _stream(path) as stream:
            stream.seek(offset)
            yield stream
    except damaged as error:
        raise UsageError(f"{path} is damaged: {str(error) or 'it ends too early'}", "copy or pack it anew") from error
    except (OSError, ValueError) as error:
        raise cannot_read(path, error) from error


def _stream(path: str) -> BinaryIO:
    name = path.lower()
    if name.endswith(GZIP):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    if name.endswith(ZSTD):
        return open_zstd(path)
    return Path(path).open("rb")
