"""The parts of a profile that several workers write: a file each, and what is left to do once some are there.

A part is whole or not there: it is written beside its name and then renamed, and carries a checksum. So whatever
happens to a worker, or to the run, a block is held by one part or by none.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...corpus.blocks import Survey
from ...errors import TraceFileError, UsageError
from ...profiles.coverage import Coverage, ranges
from ...profiles.profile_file import load_profile
from ...profiles.record import Profile
from ...profiles.total import Total, difference, without_numbers
from .earlier import SAME, read_otherwise

TASKS_PER_WORKER = 4
"""How many parts a worker writes at least, so that one that is lost costs little and none waits long for the last."""
LEAST_TASKS = 32


PATTERN = "blocks-*.json"
"""How the files of parts are called."""


def part_name(blocks: range) -> str:
    """Return how the part that holds some consecutive blocks is called."""
    return f"blocks-{blocks.start:06}-{blocks.stop - 1:06}.json"


@dataclass
class Parts:
    """The parts that are there.

    Attributes:
        files: their paths; no two of them hold the same block.
        done: the blocks that they hold.
        sentences: how many sentences these have.
        frame: one of the parts without its numbers; None where there is none.
        damaged: files that are no whole part: what they should hold is done again.
    """

    files: list[str] = field(default_factory=list)
    done: set[int] = field(default_factory=set)
    sentences: int = 0
    frame: Profile | None = None
    damaged: list[str] = field(default_factory=list)

    @classmethod
    def found(cls, files: Iterable[str], survey: Survey) -> "Parts":
        """Return the parts among some files that an earlier run has left.

        Raises:
            UsageError: one is of another corpus, model or of other settings than the first.
        """
        parts = cls()
        for file in files:
            try:
                profile = load_profile(file)
            except TraceFileError:
                parts.damaged.append(file)
                continue
            parts._add(file, profile, survey)
        return parts

    def _add(self, file: str, profile: Profile, survey: Survey) -> None:
        frame = without_numbers(profile)
        why = read_otherwise(profile, survey)
        if self.frame is not None:
            why = why or difference(frame, self.frame)
        if why is not None:
            raise UsageError(f"{file} cannot be continued: {why}", SAME)
        blocks = {*Coverage.read(profile.input).digests}
        if blocks and not blocks & self.done:  # what another part holds too is not counted twice
            self.frame = self.frame or frame
            self.files.append(file)
            self.done |= blocks
            self.sentences += profile.input.sentences


def tasks(blocks: Collection[int], *, workers: int) -> list[range]:
    """Return the blocks in runs of consecutive ones, as many as keep the workers busy."""
    most = max(1, -(-len(blocks) // max(LEAST_TASKS, TASKS_PER_WORKER * workers)))
    found = []
    for first, last in ranges(blocks):
        found += [range(start, min(start + most, last + 1)) for start in range(first, last + 1, most)]
    return found


def merged(files: Sequence[str]) -> Total:
    """Return the totals of all parts, read from their files; no more than two are in memory.

    Raises:
        TraceFileError: one is not there, or damaged.
        UsageError: they are of different runs.
    """
    total = Total.read(load_profile(files[0]))
    for file in files[1:]:
        total.merge(Total.read(load_profile(file)))
    return total


def files_in(folder: str) -> list[str]:
    """Return the files in a folder of parts, in order; none where there is no such folder."""
    return sorted(str(file) for file in Path(folder).glob(PATTERN))
