"""What lies over the screen for a while: a sheet to read, and the box in which a line is asked for."""

from typing import ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from .picture import Picture


class Sheet(ModalScreen[None]):
    """Something to read, until it is closed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "dismiss", "Close")]

    def __init__(self, title: str, content: RenderableType, *, least: int = 40) -> None:
        super().__init__()
        self._title, self._content, self._least = title, content, least

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(id="sheet"):
            yield Static(Text(self._title), id="sheet-title", markup=False)
            yield Picture(id="sheet-text", least=self._least)
            yield Static(Text("esc closes"), id="sheet-foot", markup=False)

    def on_mount(self) -> None:
        """Fill it."""
        self.query_one(Picture).show(self._content)
        self.query_one(Picture).focus()


class Asked(ModalScreen[str | None]):
    """The box in which a line is written. It gives the line, or None where it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Cancel")]

    def __init__(self, title: str, text: str, note: str) -> None:
        super().__init__()
        self._title, self._text, self._note = title, text, note

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(id="box"):
            yield Static(Text(self._title), id="sheet-title", markup=False)
            yield Input(self._text, id="text", compact=True)
            yield Static(Text(self._note), id="sheet-foot", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Give the line."""
        self.dismiss(event.value)

    def action_leave(self) -> None:
        """Give none."""
        self.dismiss(None)
