"""What every program on a full screen has in common: dark and light, and how it ends."""

import asyncio
from typing import Final

from textual.app import App

INTERRUPTED: Final = 130
_DARK, _LIGHT = "textual-dark", "textual-light"


class Program(App[int]):
    """A program on a full screen. Its exit code is 0, or 128 and the number of the signal that ended it; ``failure`` is
    what went wrong in it.
    """

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, *, light: bool = False) -> None:
        super().__init__()
        self.failure: Exception | None = None
        self._light = light

    def paint(self) -> None:
        """Begin in the colours that the terminal has."""
        self.theme = _LIGHT if self._light else _DARK

    def action_dark(self) -> None:
        """Change between dark and light."""
        self.theme = _LIGHT if self.current_theme.dark else _DARK

    async def action_quit(self) -> None:
        """Leave."""
        self.exit(0)

    def action_interrupt(self) -> None:
        """Leave as Ctrl-C does."""
        self.exit(INTERRUPTED)

    def end(self, code: int) -> None:
        """Leave with an exit code; a signal handler may call this at any moment.

        Raises:
            KeyboardInterrupt: the screen is not there yet, or not any more.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise KeyboardInterrupt from None
        loop.call_soon_threadsafe(self.exit, code)

    # What goes wrong is told by the command, once the terminal is as it was: Textual would show a traceback.

    def _handle_exception(self, error: Exception) -> None:
        self.failure = self.failure or error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        self._exit_renderables.clear()
