"""``bert-inspect profile merge``: the profiles of several shards as one."""

from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode, UsageError
from . import options as o
from .expand import expanded
from .outfile import check_output
from .profile_run import deliver_profile

if TYPE_CHECKING:
    from ..profiles.total import Total

_NAMED = 12
"""How many missing blocks, or runs of them, are named."""


@expanded
def merge(
    profiles: Annotated[list[str], typer.Argument(metavar="PROFILE", help="Profiles of shards of one corpus.")],
    *,
    out: o.OutputOptions,
    term: o.TerminalOptions,
) -> int:
    """Add up the profiles of shards, in any order.

    All of them make the very bytes that one run would have written. Some can be added up too: what is missing is told.
    """
    from ..profiles.coverage import missing

    terminal = term.terminal()
    check_output(out.file, others=profiles)
    total = _merged(profiles)
    found = total.record()
    if gaps := missing(found.input):
        named = ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in gaps[:_NAMED])
        more = " ..." if len(gaps) > _NAMED else ""
        terminal.say(f"of the blocks 0 to {found.input.blocks - 1} these are missing: {named}{more}")
    deliver_profile(found, terminal, out)
    return ExitCode.OK


def _merged(profiles: list[str]) -> "Total":
    """Return the totals of all profiles; no more than two are in memory.

    Raises:
        UsageError: they are of different runs, or have a block in common; names the file.
        TraceFileError: one is damaged, or no profile.
    """
    from ..profiles.profile_file import load_profile
    from ..profiles.total import Total

    total = Total.read(load_profile(profiles[0]))
    for name in profiles[1:]:
        try:
            total.merge(Total.read(load_profile(name)))
        except UsageError as error:
            raise UsageError(f"{name} cannot be added to {profiles[0]}: {error.message}", error.hint) from error
    return total
