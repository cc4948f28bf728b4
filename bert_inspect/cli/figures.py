"""``bert-inspect diagram --all``: a figure of each component in a folder, with a page that lists them."""

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..files import write_folder
from ..terminal import Terminal
from .outfile import check_folder

if TYPE_CHECKING:
    from ..traces.record import Trace


def check_figures(output: str | None, formats: Sequence[str], *, module: str | None, depth: int | None) -> str:
    """Return the folder that figures are written to; a name that ends as a picture's does is none.

    Raises:
        UsageError: none was named, it cannot be one, or one component was asked for at the same time.
    """
    for name, value in (("--module", module), ("--depth", depth)):
        if value is not None:
            raise UsageError(f"--all draws every component: {name} has no place beside it", f"leave {name} out")
    if output is None:
        raise UsageError("--all writes many pictures, and no folder was named for them", "name one: -o FOLDER/")
    if Path(output).is_dir():
        return output
    if Path(output).exists() or PurePath(output).suffix.lower() in formats:
        raise UsageError(f"--all writes many pictures: {output} is not a folder", "name a folder: -o FOLDER/")
    check_folder(output)
    return output


def save_figures(trace: "Trace", folder: str, terminal: Terminal, *, fold: bool, upwards: bool) -> None:
    """Draw every component and write the files, all of them or none.

    Raises:
        UsageError: a file cannot be written.
    """
    from ..render.diagram.figures import figures_of
    from ..render.diagram.index import index_page
    from ..render.diagram.svg import TooLarge, svg
    from ..render.diagram.words import caption

    drawn, shown = {}, []
    for figure in figures_of(trace, fold=fold):
        try:
            picture = svg(figure.flow, upwards=upwards, caption=caption(figure.flow, trace))
        except TooLarge:
            terminal.say(f"left out: {figure.title.lower()}, which has too many arrows for a picture")
            continue
        shown.append(figure)
        drawn[figure.file(len(shown))] = picture.encode()
    write_folder(folder, drawn | {"index.html": index_page(shown, trace).encode()})
    terminal.say(f"{len(shown)} pictures written to {folder}: open {Path(folder) / 'index.html'}")
