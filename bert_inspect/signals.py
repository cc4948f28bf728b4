"""Ctrl-C and its kin, at whatever moment: nothing half-written is left, and one line says what happened."""

import os
import signal
from contextlib import suppress
from types import FrameType

unfinished: set[str] = set()
"""The files that this process is writing beside their final names: what ends the process removes them."""


def end_at_once() -> None:
    """Let the signals that ask this process to end do so wherever it is: importing, computing, writing.

    A KeyboardInterrupt would have to fly through code that is not ours, which may swallow it (in a destructor) or make
    another error of it (in an extension that is being imported). All there is to tidy up is files, so that is done
    here. A signal that is ignored, as under ``nohup``, stays so.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    for path in unfinished:
        with suppress(OSError):
            os.unlink(path)  # noqa: PTH108 - this is imported before all else
    with suppress(OSError):
        # A progress bar hides the cursor.
        os.write(2, (b"\x1b[?25h\n" if os.isatty(2) else b"") + b"error: interrupted\n")
    if number == signal.SIGINT:
        os._exit(130)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
