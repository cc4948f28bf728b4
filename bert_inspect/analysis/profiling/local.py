"""The engine of one machine: block after block in this process, with a save now and then."""

import time
from collections.abc import Callable, Collection, Sequence
from typing import Final

from ...corpus.blocks import Survey, read_blocks
from ...corpus.files import Source
from ...profiles.total import Total
from .profiler import Profiler

SECONDS_BETWEEN_SAVES: Final = 60.0


def profile_blocks(
    profiler: Profiler,
    total: Total,
    corpus: Sequence[Source],
    found: Survey,
    *,
    wanted: Collection[int],
    advance: Callable[[int], None] = lambda sentences: None,
    save: Callable[[Total], None] | None = None,
) -> None:
    """Add to the totals those of the wanted blocks that they do not hold yet.

    Args:
        profiler: the model.
        total: what there is already; it grows by whole blocks.
        corpus: the files.
        found: what one pass over them has shown.
        wanted: the blocks, by their numbers.
        advance: called with the number of sentences after each block.
        save: called with the totals every `SECONDS_BETWEEN_SAVES`, and where something goes wrong.

    Raises:
        UsageError: a sentence is too long or has no such label, or the files have changed.
        BertInspectError: the forward fails.
    """
    left = {block for block in wanted if block not in total.coverage.digests}
    saved = time.monotonic()
    unsaved = False

    def added(sentences: int) -> None:
        nonlocal saved, unsaved
        unsaved = True
        advance(sentences)
        if save is not None and time.monotonic() - saved >= SECONDS_BETWEEN_SAVES:
            unsaved = False  # if this fails, it would fail again
            save(total)
            saved = time.monotonic()

    try:
        profiler.add_each(total, read_blocks(corpus, found, left), added)
    except BaseException:
        if save is not None and unsaved and total.whole:
            save(total)
        raise
