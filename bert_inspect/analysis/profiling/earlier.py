"""What an earlier run has left, held against the run that is to continue it."""

from collections.abc import Container
from pathlib import Path

from ...corpus.blocks import Survey
from ...errors import UsageError
from ...profiles.coverage import Coverage
from ...profiles.profile_file import load_profile
from ...profiles.record import Profile
from ...profiles.total import Total, difference, without_numbers

SAME = "repeat the files, the model and the options of the run that began it, or name another output"


def unfinished_beside(output: str) -> str:
    """Return where a run keeps what it has so far of a profile."""
    return f"{output}.unfinished"


def left_of(output: str) -> str | None:
    """Return the file that an earlier run has left, finished or not; None where there is none."""
    return next((file for file in (output, unfinished_beside(output)) if Path(file).is_file()), None)


def continued(file: str, frame: Profile, found: Survey, wanted: Container[int]) -> Total:
    """Return the totals that an earlier run has left in a file; ``frame`` is that of this run, ``wanted`` are its
    blocks.

    Raises:
        TraceFileError: the file is damaged, or no profile.
        UsageError: it is of another model, corpus or shard, or of other settings.
    """
    profile = load_profile(file)
    why = read_otherwise(profile, found) or difference(without_numbers(profile), frame)
    if why is None and any(block not in wanted for block in Coverage.read(profile.input).digests):
        why = "it is of another shard"
    if why is not None:
        raise UsageError(f"{file} cannot be continued: {why}", SAME)
    return Total.read(profile)


def read_otherwise(profile: Profile, found: Survey) -> str | None:
    """Say which sentences of a profile read otherwise now; None where none do, or they are in other blocks."""
    if profile.input.lines_per_block != found.size:
        return None
    for block, digest in sorted(Coverage.read(profile.input).digests.items()):
        if block >= found.blocks or found.digests[block] != digest:
            first = block * found.size + 1
            return f"sentences {first} to {first + found.size - 1} read otherwise than those that were profiled"
    return None
