"""What is told at the end of a run over many sentences, and the exit code that follows."""

from typing import TYPE_CHECKING

from ..errors import BertInspectError, ExitCode
from ..terminal import Terminal, report

if TYPE_CHECKING:
    from ..capture.tally import Tally


def told(tally: "Tally", terminal: Terminal, *, unknown_token: str, limit: int | None) -> ExitCode:
    """Say what happened, and return the exit code."""
    from ..capture.tally import NAMED

    if tally.cut:
        terminal.say(
            f"sentences cut to keep to {limit} tokens: {tally.cut}; 'truncated' in their lines says by how many"
        )
    if tally.unknown:
        named = ", ".join(tally.words[:NAMED]) + (" ..." if len(tally.words) > NAMED else "")
        terminal.say(
            f"sentences with words that are not in the vocabulary, so the model sees {unknown_token}: "
            f"{tally.unknown} ({named})"
        )
    for count, what, where in (
        (tally.failed, "forward", "'failure' in their lines says why"),
        (tally.unproved, "proof", "'proof' in their lines says where"),
    ):
        if count:
            report(BertInspectError(f"the {what} failed for {batches(count)}", where))
    return ExitCode.NO if tally.failed or tally.unproved else ExitCode.OK


def batches(count: int) -> str:
    """Say how many batches."""
    return "1 batch" if count == 1 else f"{count} batches"


def sentences(count: int) -> str:
    """Say how many sentences."""
    return "1 sentence" if count == 1 else f"{count} sentences"
