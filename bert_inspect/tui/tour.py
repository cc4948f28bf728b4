"""The guided tour on a full screen: the stations on the left, the one where the reader is on the right."""

from collections.abc import Callable
from typing import ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Footer, OptionList
from textual.widgets.option_list import Option

from ..errors import UsageError
from ..safetext import safe_text
from ..stations.walk import Walk
from .picture import Picture
from .program import Program
from .sheets import Asked

Station = Callable[[int], RenderableType]
"""Draws the station at a place."""


class Tour(Program):
    """The tour of one sentence, a station a screen."""

    CSS_PATH = "explorer.tcss"
    TITLE = "bert-inspect walk"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n,right,enter", "go(1)", "Next", key_display="n"),
        Binding("b,left,backspace", "go(-1)", "Back", key_display="b"),
        Binding("space", "on", "Read on"),
        Binding("s,l", "stations", "Stations", key_display="s"),
        Binding("slash", "jump", "Jump", key_display="/"),
        Binding("g", "first", "First", show=False),
        Binding("G", "last", "Last", show=False),
        Binding("d", "dark", "Dark"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "interrupt", "Interrupt", show=False, priority=True),
    ]

    def __init__(self, walk: Walk, draw: Station, *, at: int = 0, light: bool = False) -> None:
        super().__init__(light=light)
        self.at = at
        self._walk, self._draw = walk, draw

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        names = [Option(Text(f"{at + 1:>2}  {stop.station.title}")) for at, stop in enumerate(self._walk.stops)]
        with Horizontal(id="body"):
            yield OptionList(*names, id="stations")
            yield Picture(id="station")
        yield Footer()

    def on_mount(self) -> None:
        """Begin at the first station."""
        self.paint()
        self.query_one(Picture).focus()
        self._show()

    def _show(self) -> None:
        self.query_one(Picture).show(self._draw(self.at))
        names = self.query_one(OptionList)
        with self.prevent(OptionList.OptionHighlighted):
            names.highlighted = self.at

    def _stand(self, at: int) -> None:
        at = min(max(at, 0), len(self._walk.stops) - 1)
        if at != self.at:
            self.at = at
            self._show()

    def action_go(self, by: int) -> None:
        """Go to the next station, or to the one before; in the list to the one that is chosen there."""
        names = self.query_one(OptionList)
        chosen = names.highlighted if names.has_focus and by > 0 else None
        self._stand(self.at + by if chosen is None or chosen == self.at else chosen)
        self._read()

    def action_on(self) -> None:
        """Read on: a screen further down, at the end of a station the next one."""
        picture = self.query_one(Picture)
        if picture.scroll_offset.y >= picture.max_scroll_y:
            self._stand(self.at + 1)
        else:
            picture.scroll_page_down(animate=False)

    def action_first(self) -> None:
        """Go to the first station."""
        self._stand(0)

    def action_last(self) -> None:
        """Go to the last station."""
        self._stand(len(self._walk.stops) - 1)

    def action_stations(self) -> None:
        """Choose a station from the list, or go back to reading."""
        if self.query_one(OptionList).has_focus:
            self._read()
        else:
            self.screen.add_class("choosing")
            self.query_one(OptionList).focus()

    def action_jump(self) -> None:
        """Go to a station by its name."""
        note = "a name, a part of it, or a number; enter goes there, esc leaves it"
        self.push_screen(Asked("Go to a station", "", note), self._jump)

    def _jump(self, name: str | None) -> None:
        if not name:
            return
        try:
            self._stand(self._walk.place(name))
        except UsageError as error:
            self.notify(safe_text(f"{error.message}; {error.hint}", most=400), markup=False)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self._stand(event.option_index)
        self._read()

    def _read(self) -> None:
        """Let the keys go to the station; where the screen is narrow the list gives way to it."""
        self.screen.remove_class("choosing")
        self.query_one(Picture).focus()
