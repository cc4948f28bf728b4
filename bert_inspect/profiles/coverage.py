"""Which blocks of a corpus a profile holds, so that none is counted twice and none is missed."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .record import Corpus


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block of a corpus that was profiled: a digest of its sentences, how many they are, their tokens, and how many
    sentences were cut.
    """

    digest: str
    sentences: int
    tokens: int
    cut: int


def digest_of(lines: Iterable[Sequence[object]]) -> str:
    """Return a digest of sentences, each with what stands beside it."""
    found = hashlib.sha256()
    for line in lines:
        found.update(repr(line).encode("utf-8", "surrogatepass") + b"\n")
    return found.hexdigest()[:16]


def corpus_of(
    files: Sequence[str],
    digests: Sequence[str],
    *,
    lines_per_block: int,
    batch_size: int,
    batch_tokens: int | None,
    limit: int,
    truncate: bool,
) -> Corpus:
    """Return what a profile says of a corpus, given the digests of its blocks, while none of them is done."""
    return Corpus(
        files=list(files),
        digest=digest_of_blocks(digests),
        blocks=len(digests),
        lines_per_block=lines_per_block,
        batch_size=batch_size,
        batch_tokens=batch_tokens,
        max_length=int(limit),
        truncate=truncate,
        done=[],
        digests=[],
        sentences=0,
        tokens=0,
        cut=0,
    )


def digest_of_blocks(digests: Iterable[str]) -> str:
    """Return a digest of all sentences of a corpus, from those of its blocks."""
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]


@dataclass
class Coverage:
    """The blocks that are done, by their number. Sentences, tokens and cuts are kept as sums, so that what is read from
    a file need not tell them block by block.
    """

    digests: dict[int, str] = field(default_factory=dict)
    sentences: int = 0
    tokens: int = 0
    cut: int = 0

    @classmethod
    def read(cls, corpus: Corpus) -> "Coverage":
        """Return what a profile holds.

        Raises:
            ValueError: its blocks are not told apart.
        """
        numbers = [number for first, last in corpus.done for number in range(first, min(last, corpus.blocks) + 1)]
        if len({*numbers}) != len(numbers) or len(numbers) != len(corpus.digests):
            raise ValueError("blocks that are told twice, or not at all")
        digests = dict(zip(numbers, corpus.digests, strict=True))
        return cls(digests, corpus.sentences, corpus.tokens, corpus.cut)

    def add(self, number: int, block: Block) -> None:
        """Note a block that is done."""
        self.digests[number] = block.digest
        self.sentences += block.sentences
        self.tokens += block.tokens
        self.cut += block.cut

    def merge(self, other: "Coverage") -> None:
        """Add what another one holds."""
        self.digests |= other.digests
        self.sentences += other.sentences
        self.tokens += other.tokens
        self.cut += other.cut

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """The blocks as (first, last), in order."""
        return ranges(self.digests)

    @property
    def in_order(self) -> list[str]:
        """The digests, in the order of the blocks."""
        return [self.digests[number] for number in sorted(self.digests)]


def ranges(numbers: Iterable[int] | Mapping[int, object]) -> list[tuple[int, int]]:
    """Return numbers as (first, last), in order."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1] = found[-1][0], number
        else:
            found.append((number, number))
    return found


def missing(corpus: Corpus) -> list[tuple[int, int]]:
    """Return the blocks that a profile does not hold, as (first, last)."""
    found, behind = [], 0
    for first, last in [*corpus.done, (corpus.blocks, corpus.blocks)]:
        if first > behind:
            found.append((behind, first - 1))
        behind = last + 1
    return found
