"""How a trace leaves the program: as a tree on the screen, as JSON, or both."""

from typing import TYPE_CHECKING

from ..errors import UsageError
from ..terminal import Terminal

if TYPE_CHECKING:
    from ..record import Trace
    from ..render.tree import View


def check_output(output: str | None, *, json: bool) -> bool:
    """Return whether JSON takes the tree's place on stdout.

    Raises:
        UsageError: the output file lies in a folder that is not there.
    """
    if output is None or output == "-":
        return json or output == "-"
    check_folder(output)
    return json


def check_folder(path: str | None) -> None:
    """Refuse a file that cannot be written, before anything slow starts.

    Raises:
        UsageError: it is a folder, or its folder is not there.
    """
    import os
    from pathlib import Path

    if path is None:
        return
    target = Path(path)
    try:
        if target.is_dir():
            raise UsageError(f"{path} is a folder", "name a file in it")
        if not target.absolute().parent.is_dir():
            raise UsageError(f"cannot write {path}: there is no folder {target.parent}", "make the folder first")
        if not os.access(target.absolute().parent, os.W_OK) and not os.access(target, os.W_OK):
            raise UsageError(f"cannot write {path}: its folder is read-only", "name a file in another folder")
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot write {path!r}: {error}", "name another file") from error


def deliver(trace: "Trace", view: "View", terminal: Terminal, *, json: bool, output: str | None) -> None:
    """Write the file first, then what goes to stdout.

    Raises:
        UsageError: the file cannot be written.
    """
    if output is not None and output != "-":
        terminal.save(output, trace.json())
    if json:
        terminal.write(trace.json())
    else:
        from ..render.page import page

        terminal.show(page(trace, view))
