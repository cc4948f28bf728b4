"""What is counted over many traces, to be told at the end: in one process, or in several whose counts are added up."""

from typing import Any, Final

import msgspec

from ..traces.record import Trace
from .odd_text import unknown_words

NAMED: Final = 8
"""How many words are named of those that the vocabulary does not hold; one more is kept, to know that there are more.
"""


class Tally(msgspec.Struct):
    """Counts over the traces of batches.

    Attributes:
        batches: how many there are.
        failed: batches whose forward failed.
        unproved: batches whose proof failed.
        cut: sentences that were cut.
        unknown: sentences with words that are not in the vocabulary.
        words: the first of these words, each once.
    """

    batches: int = 0
    failed: int = 0
    unproved: int = 0
    cut: int = 0
    unknown: int = 0
    words: list[str] = msgspec.field(default_factory=list)

    def add(self, trace: Trace, tokenizer: Any) -> None:
        """Count the trace of one batch."""
        found = [unknown_words(trace.input, sentence, tokenizer) for sentence in range(len(trace.input.texts))]
        self.merge(
            Tally(
                batches=1,
                failed=int(trace.failure is not None),
                unproved=int(trace.proof is not None and not trace.proof.passed),
                cut=sum(1 for tokens in trace.input.truncated if tokens),
                unknown=sum(map(bool, found)),
                words=[word for words in found for word in words],
            )
        )

    def merge(self, other: "Tally") -> None:
        """Add what was counted over the batches that follow."""
        self.batches += other.batches
        self.failed += other.failed
        self.unproved += other.unproved
        self.cut += other.cut
        self.unknown += other.unknown
        self.words = [*dict.fromkeys([*self.words, *other.words])][: NAMED + 1]
