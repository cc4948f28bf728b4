"""Questions that take time, asked in a thread of their own that nobody waits for when the program is left."""

import asyncio
import threading
from contextlib import suppress
from typing import Any

from .run import Ask


async def answered(question: Ask) -> Any:
    """Return the answer to a question, or raise what it raises; the screen goes on meanwhile."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def done(answer: Any, error: Exception | None) -> None:
        if future.done():  # nobody wants it any more
            return
        if error is None:
            future.set_result(answer)
        else:
            future.set_exception(error)

    def work() -> None:
        answer, error = None, None
        try:
            answer = question()
        except Exception as raised:
            error = raised
        with suppress(RuntimeError):  # the loop is closed: the program was left
            loop.call_soon_threadsafe(done, answer, error)

    threading.Thread(target=work, daemon=True).start()
    return await future
