"""The tour as files: a page, Markdown with pictures beside it, a notebook."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..files import write_folder
from ..terminal import Terminal
from .options import TextOptions
from .outfile import check_folder

if TYPE_CHECKING:
    from ..loading.spec import ModelSpec
    from ..render.walk.ipynb import Asked
    from ..stations.station import Command
    from ..stations.walk import Walk

_FORMATS = (".html", ".md", ".ipynb")


@dataclass(frozen=True, kw_only=True)
class WalkFile:
    """The file that a tour is written to, and for a notebook how its run was asked for."""

    path: str
    text: TextOptions
    spec: "ModelSpec"

    def check(self) -> None:
        """Refuse a file that cannot be written, before anything slow starts.

        Raises:
            UsageError: it has a suffix that no form of the tour has, it or its folder of pictures cannot be written,
                or it needs a package that is not installed, or a model that a saved trace does not hold.
        """
        if self._suffix not in _FORMATS:
            raise UsageError(f"the walk cannot be written as {self.path}", f"supported: {', '.join(_FORMATS)}")
        check_folder(self.path)
        if self._suffix == ".md" and self._folder.exists() and not self._folder.is_dir():
            raise UsageError(f"{self._folder} is a file, and the pictures need a folder of this name", "name another")
        if self._suffix == ".ipynb":
            from ..render.walk.ipynb import check_nbformat

            check_nbformat()
            if self.text.trace is not None:
                raise UsageError(
                    "a notebook runs the model, which a saved trace does not hold", "give the sentences themselves"
                )

    def write(self, tour: "Walk", typed: "Callable[[Command], str]", terminal: Terminal, *, only: int | None) -> None:
        """Write the tour, or one station of it.

        Raises:
            UsageError: a file cannot be written.
        """
        if self._suffix == ".md":
            self._write_markdown(tour, typed, terminal, only=only)
        elif self._suffix == ".ipynb":
            from ..render.walk.ipynb import walk_notebook

            terminal.save(self.path, [walk_notebook(tour, self._asked(), only=only).encode()])
        else:
            from ..render.walk.page import walk_html

            terminal.save(self.path, [walk_html(tour, typed, only=only).encode()])

    def _write_markdown(
        self, tour: "Walk", typed: "Callable[[Command], str]", terminal: Terminal, *, only: int | None
    ) -> None:
        from ..render.walk.markdown import walk_markdown

        document = walk_markdown(tour, self._folder.name, typed, only=only)
        if document.pictures:  # before the text that shows them
            write_folder(self._folder, {name: picture.encode() for name, picture in document.pictures.items()})
        terminal.save(self.path, [document.text.encode()])
        if document.pictures:
            terminal.say(f"its pictures are in {self._folder}")

    @property
    def _suffix(self) -> str:
        return PurePath(self.path).suffix.lower()

    @property
    def _folder(self) -> Path:
        """The folder of the pictures: it is called as the file is, without its suffix."""
        return Path(self.path).with_suffix("")

    def _asked(self) -> "Asked":
        from ..render.walk.ipynb import Asked

        changed = {name: value for name, value in vars(self.spec).items() if value != _default(self.spec, name)}
        return Asked(load=changed, max_length=self.text.max_length, truncate=self.text.truncate)


def _default(spec: "ModelSpec", name: str) -> object:
    return type(spec).__dataclass_fields__[name].default
