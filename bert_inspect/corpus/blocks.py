"""A corpus in numbered blocks: what is profiled as a whole, shared out and never counted twice."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ..errors import UsageError
from ..profiles.coverage import digest_of, digest_of_blocks
from .files import Source
from .line import Line
from .read import Start, read


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What one pass over a corpus shows: how many sentences it has, whether they are pairs and have labels, and of each
    block a digest and where it begins. ``size`` is how many sentences a block has; the last may have fewer.
    """

    size: int
    sentences: int
    paired: bool
    labelled: bool
    digests: Sequence[str]
    starts: Sequence[Start]

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return len(self.digests)

    @property
    def digest(self) -> str:
        """A digest of all sentences."""
        return digest_of_blocks(self.digests)

    def sentences_in(self, block: int) -> int:
        """Return how many sentences a block has."""
        return min(self.size, self.sentences - block * self.size)

    def check(self, block: int, lines: Sequence[Line]) -> None:
        """Refuse a block that no longer reads as it did.

        Raises:
            UsageError: names its sentences.
        """
        if digest(lines) != self.digests[block]:
            first = block * self.size + 1
            last = block * self.size + self.sentences_in(block)
            raise UsageError(
                f"sentences {first} to {last} read otherwise than a while ago: the files have been written to",
                "name files that stay as they are",
            )


def survey(corpus: Sequence[Source], *, size: int) -> Survey:
    """Read a corpus through, and hold of it no more than a digest a block.

    Raises:
        UsageError: a file cannot be read or is damaged, a line is no sentence, or there is none at all.
    """
    digests: list[str] = []
    starts: list[Start] = []
    sentences, paired, labelled = 0, False, False
    for _, block in blocks(read(corpus), size):
        first = block[0]
        starts.append(Start(first.number, first.where.file, first.where.line, first.where.offset))
        digests.append(digest(block))
        sentences += len(block)
        paired = paired or first.pair is not None
        labelled = labelled or any(line.label is not None for line in block)
    if not sentences:
        names = ", ".join(source.path for source in corpus[:4]) + (" ..." if len(corpus) > 4 else "")
        raise UsageError(f"there is no sentence in {names}", "write one a line; blank lines do not count")
    return Survey(size=size, sentences=sentences, paired=paired, labelled=labelled, digests=digests, starts=starts)


def blocks(lines: Iterable[Line], size: int) -> Iterator[tuple[int, list[Line]]]:
    """Yield the blocks of a corpus, numbered from 0, each of ``size`` sentences; the last may have fewer."""
    rest, number = iter(lines), 0
    while block := list(islice(rest, size)):
        yield number, block
        number += 1


def read_blocks(corpus: Sequence[Source], found: Survey, wanted: Collection[int]) -> Iterator[tuple[int, list[Line]]]:
    """Yield some blocks of a corpus that was surveyed, in order, read from where the first of them begins.

    Raises:
        UsageError: as `bert_inspect.corpus.read.read` does, or a block no longer reads as it did.
    """
    if not wanted:
        return
    first, last = min(wanted), max(wanted)
    rest = blocks(read(corpus, found.starts[first]), found.size)
    for number in range(first, last + 1):
        _, lines = next(rest, (0, []))
        if number in wanted:
            found.check(number, lines)
            yield number, lines


def digest(lines: Iterable[Line]) -> str:
    """Return a digest of a block."""
    return digest_of(line.content for line in lines)
