"""A Rich renderable on the screen: drawn anew for each width, scrolled by line, with nothing unsafe in it."""

from collections.abc import Callable
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..errors import BertInspectError
from ..render.words import BAD, DIM
from ..safetext import safe_segments, safe_text

_LEAST = 30

Find = Callable[[str], bool]
"""Says of a line's text whether it is the one to be scrolled to."""


class Picture(ScrollView, can_focus=True):
    """What the house's renderers draw, in a window that can be scrolled; narrower than ``least`` nothing is drawn."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False),
        Binding("down,j", "scroll_down", "Down", show=False),
    ]

    def __init__(self, *, id: str | None = None, least: int = _LEAST) -> None:
        super().__init__(id=id)
        self._least = least
        self._content: RenderableType = Text()
        self._find: Find | None = None
        self._lines: list[Strip] = []
        self._drawn_for = 0

    def show(self, content: RenderableType, *, find: Find | None = None) -> None:
        """Draw something, from its beginning or, with ``find``, with the first line in view of which that is true."""
        self._content, self._find = content, find
        self._drawn_for = 0
        self.scroll_to(0, 0, animate=False, force=True)
        self._draw()

    def say(self, text: str) -> None:
        """Show one line."""
        self.show(Text(safe_text(text), style=DIM))

    def tell(self, error: Exception) -> None:
        """Show what went wrong, and what to do next."""
        self.show(told(error))

    @property
    def text(self) -> str:
        """What is drawn, as plain text."""
        return "\n".join(line.text.rstrip() for line in self._lines)

    def on_resize(self, event: events.Resize) -> None:
        """Draw anew for another width."""
        self._draw()

    def _draw(self) -> None:
        width = max(self._least, self.scrollable_content_region.width)
        if not self.size or self._drawn_for == width:
            return
        first = not self._drawn_for
        self._drawn_for = width
        console = self.app.console
        options = console.options.update(width=width, height=None, highlight=False)
        lines = console.render_lines(self._content, options, pad=False)
        self._lines = [Strip(list(safe_segments(line))) for line in lines]
        self.virtual_size = Size(max([line.cell_length for line in self._lines], default=0), len(self._lines))
        if first and self._find is not None:
            place = next((at for at, line in enumerate(self._lines) if self._find(line.text)), 0)
            self.scroll_to(0, max(0, place - self.size.height // 3), animate=False, force=True)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return one line of the window."""
        scroll_x, scroll_y = self.scroll_offset
        width = self.size.width
        at = y + scroll_y
        line = self._lines[at] if at < len(self._lines) else Strip.blank(0)
        return line.crop_extend(scroll_x, scroll_x + width, self.rich_style).apply_style(self.rich_style)


def told(error: Exception) -> RenderableType:
    """Return what went wrong in a line and, where there is one, what to do next in another."""
    if not isinstance(error, BertInspectError):
        return Text(safe_text(f"unexpected failure: {type(error).__name__}: {error}"), style=BAD)
    hint = [Text(safe_text(error.hint), style=DIM)] if error.hint else []
    return Group(Text(safe_text(error.message)), *hint)
