"""How a trace or a comparison leaves the program: as a picture on the screen, as JSON, or both."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..files import cannot_write
from ..terminal import Terminal

if TYPE_CHECKING:
    from ..diff import Diff
    from ..render.tree import View
    from ..traces.record import Trace
    from ..traces.selection import Selection


def check_output(output: str | None, *, json: bool, others: Sequence[str | None] = ()) -> bool:
    """Return whether JSON takes the tree's place on stdout.

    ``others`` are files that the command reads or writes besides: none of them may be the output too.

    Raises:
        UsageError: the output cannot be a file there.
    """
    if output is None or output == "-":
        return json or output == "-"
    check_folder(output)
    for other in others:
        if other is not None and _same(output, other):
            which = output if output == other else f"{output} (which is {other})"
            raise UsageError(f"{which} cannot be the output and another file too", "name a file of its own for it")
    return json


def check_folder(path: str | None) -> None:
    """Refuse a file that cannot be written, before anything slow starts.

    Raises:
        UsageError: it is a folder, or its folder is not there.
    """
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
        target.resolve()
    except (OSError, ValueError, RuntimeError) as error:  # a NUL in it, a link that goes in circles
        raise cannot_write(path, error) from error


def _same(one: str, other: str) -> bool:
    """Whether two paths name one plain file, which may not be there yet; a device takes whatever it is given."""
    first, second = Path(one), Path(other)
    try:
        return first.resolve() == second.resolve() and (first.is_file() or not first.exists())
    except (OSError, ValueError, RuntimeError):
        return False


def deliver(trace: "Trace", view: "View", terminal: Terminal, *, json: bool, output: str | None) -> None:
    """Write the file first, then what goes to stdout.

    Raises:
        UsageError: the file cannot be written.
    """
    from ..traces.trace_file import trace_json

    if output is not None and output != "-":
        terminal.save(output, trace_json(trace))
    if json:
        terminal.write(trace_json(trace))
    else:
        from ..render.page import page

        terminal.show(page(trace, view))


def deliver_diff(
    found: "Diff", terminal: Terminal, *, every: bool, selection: "Selection", json: bool, output: str | None
) -> None:
    """Write the file first, then what goes to stdout: a line for each part of the model or, with ``every``, step.

    Raises:
        UsageError: the file cannot be written.
    """
    if output is not None and output != "-":
        terminal.save(output, [found.json()])
    if json:
        terminal.write([found.json()])
    else:
        from ..render.comparison.page import DiffPage, DiffView

        terminal.show(DiffPage(found, DiffView(all=every, selection=selection)))
