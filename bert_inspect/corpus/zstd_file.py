"""Files packed with Zstandard: by Python itself since 3.14, by the package zstandard before."""

import io
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import UsageError

_PIECE = 1024
"""How many packed bytes are unpacked at once: even of zeros they make no more than some 30 MB."""


def zstd_error() -> type[Exception]:
    """Return what is raised where a file is damaged.

    Raises:
        UsageError: there is nothing that unpacks it.
    """
    kind: type[Exception] = _library().ZstdError
    return kind


def open_zstd(path: str) -> BinaryIO:
    """Open a file to read what is packed in it.

    Raises:
        UsageError: there is nothing that unpacks it.
        OSError: it cannot be read.
    """
    library = _library()
    if hasattr(library, "ZstdFile"):
        opened: BinaryIO = library.ZstdFile(path, "rb")
        return opened
    return io.BufferedReader(_Unpacked(Path(path).open("rb"), library), _PIECE * 64)


def _library() -> Any:
    try:
        from compression import zstd  # Python 3.14
    except ImportError:
        try:
            import zstandard
        except ImportError as error:
            raise UsageError(
                "a .zst file needs the package zstandard, which is not installed", 'pip install "bert-inspect[zst]"'
            ) from error
        return zstandard
    return zstd


class _Unpacked(io.RawIOBase):
    """What is packed in a stream, frame by frame. The package's own reader takes a file that ends within a frame for a
    whole one.
    """

    def __init__(self, packed: BinaryIO, library: Any) -> None:
        self._packed, self._library = packed, library
        self._frame: Any = None
        self._rest, self._ready = b"", memoryview(b"")
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go forward: what lies between is unpacked."""
        target = offset if whence == io.SEEK_SET else self._place + offset
        while self._place < target and (self._ready or self._more()):
            self._take(target - self._place)
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, into: Any) -> int:
        if not self._ready and not self._more():
            return 0
        part = self._take(len(into))
        into[: len(part)] = part
        return len(part)

    def close(self) -> None:
        self._packed.close()
        super().close()

    def _take(self, most: int) -> memoryview:
        part, self._ready = self._ready[:most], self._ready[most:]
        self._place += len(part)
        return part

    def _more(self) -> bool:
        """Unpack until there is something; False at the end.

        Raises:
            EOFError: the file ends within a frame.
        """
        while not self._ready:
            piece = self._rest or self._packed.read(_PIECE)
            if not piece:
                if self._frame is not None:
                    raise EOFError("it ends too early")
                return False
            if self._frame is None:
                self._frame = self._library.ZstdDecompressor().decompressobj()
            self._ready = memoryview(self._frame.decompress(piece))
            self._rest = b""
            if self._frame.eof:
                self._rest, self._frame = self._frame.unused_data, None
        return True
