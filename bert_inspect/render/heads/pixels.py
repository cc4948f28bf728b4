"""Small pictures as PNG, with the standard library alone: one colour in 256 strengths, on any background."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray


def png(strengths: NDArray[np.uint8], colour: tuple[int, int, int]) -> bytes:
    """Return a picture ``(height, width)`` whose pixels show the colour as opaque as they are strong.

    The format is that of the PNG specification (W3C, third edition): a palette of one colour, its opacities in tRNS.
    """
    height, width = strengths.shape
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    rows = np.hstack([np.zeros((height, 1), np.uint8), strengths])  # each row begins with its filter: none
    parts = [
        (b"IHDR", head),
        (b"PLTE", bytes(colour) * 256),
        (b"tRNS", bytes(range(256))),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
