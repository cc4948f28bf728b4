"""An event loop for one scene, in a thread of its own: the browser's tests leave one running in theirs."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def finished(scene: Coroutine[Any, Any, Result]) -> Result:
    """What a scene returns, once it is over."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, scene).result()
