"""A share of a corpus: the blocks that one of several runs profiles."""

import re
from dataclasses import dataclass
from typing import Final

from ...errors import UsageError

BATCHES_PER_BLOCK: Final = 16
"""A block is what is sorted by length, shared out and saved as a whole."""


@dataclass(frozen=True, kw_only=True)
class Shard:
    """The ``number``-th of ``count`` shards, counted from 1; every ``count``-th block belongs to it."""

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read ``2/7``.

        Raises:
            UsageError: it names no shard.
        """
        found = re.fullmatch(r"\s*(\d{1,7})\s*/\s*(\d{1,7})\s*", text, re.ASCII)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise UsageError(f"{text!r} does not name a shard", 'the second of seven is `shard="2/7"`')
        return cls(number=int(found[1]), count=int(found[2]))

    def of(self, blocks: int) -> range:
        """Return its blocks, of so many in all."""
        return range(self.number - 1, blocks, self.count)
