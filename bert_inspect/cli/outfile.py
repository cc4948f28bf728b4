"""The files that a command writes, checked before anything slow starts."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePath

from ..errors import UsageError
from ..files import cannot_write


def check_output(path: str | None, *, others: Sequence[str | None] = ()) -> None:
    """Refuse a file that cannot be the output.

    ``others`` are files that the command reads or writes besides: none of them may be the output too.

    Raises:
        UsageError: it cannot be written, or is one of the others.
    """
    check_folder(path)
    for other in others:
        if path is not None and other is not None and _same(path, other):
            which = path if path == other else f"{path} (which is {other})"
            raise UsageError(f"{which} cannot be the output and another file too", "give each its own file")


def check_folder(path: str | None) -> None:
    """Refuse a file that cannot be written.

    Raises:
        UsageError: its name is empty, it is a folder, or its folder is not there.
    """
    if path is None:
        return
    if not path:
        raise UsageError("the name of the output is empty", "name a file")
    target = Path(path)
    try:
        if target.is_dir():
            raise UsageError(f"{path} is a folder", "name a file in it")
        if not target.absolute().parent.is_dir():
            raise UsageError(f"cannot write {path}: there is no folder {target.parent}", "make the folder first")
        if not os.access(target.absolute().parent, os.W_OK) and not os.access(target, os.W_OK):
            raise UsageError(f"cannot write {path}: its folder is read-only", "name a file in another folder")
        target.resolve()
    except (OSError, ValueError, RuntimeError) as error:  # a NUL in it, a link that goes in circles
        raise cannot_write(path, error) from error


def check_picture(path: str, formats: Sequence[str]) -> str:
    """Return the format of a picture, which its file's name ends in: ``".svg"``.

    Raises:
        UsageError: it is not one of the formats, cannot be written, or needs a package that is not installed.
    """
    suffix = PurePath(path).suffix.lower()
    if suffix not in formats:
        raise UsageError(f"unsupported image format: {path}", f"supported: {', '.join(formats)}")
    check_folder(path)
    if suffix == ".png":
        from ..render.raster import check_rasterizer

        check_rasterizer()
    return suffix


def drawn(svg: str, suffix: str) -> bytes:
    """Return the bytes of a picture's file, as SVG or PNG.

    Raises:
        UsageError: there is no font for a PNG.
    """
    if suffix == ".svg":
        return svg.encode()
    from ..render.raster import rasterized

    return rasterized(svg)


def is_plain(path: str) -> bool:
    """Whether a file that need not be there is a plain one, which can be replaced."""
    return not Path(path).exists() or Path(path).is_file()


def _same(one: str, other: str) -> bool:
    """Whether two paths name one plain file, which may not be there yet; a device takes whatever it is given."""
    first, second = Path(one), Path(other)
    try:
        return first.resolve() == second.resolve() and (first.is_file() or not first.exists())
    except (OSError, ValueError, RuntimeError):
        return False
