"""Where a run lies in a corpus, as a part of the report."""

from typing import TYPE_CHECKING

from ..errors import UsageError
from ..terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..loading.loaded import Loaded
    from ..profiles.placement.placement import Placement
    from ..profiles.record import Profile
    from ..traces.edits import Edit
    from ..traces.record import Input, Trace
    from ..traces.selection import Selection


def check_profile(file: str, trace: str | None, edits: "Sequence[Edit]") -> "Profile":
    """Read the profile that a run is held against, and refuse what can be held against none.

    Raises:
        UsageError: there is a saved trace in the place of a model, the run is edited, or the profile is empty.
        TraceFileError: the profile cannot be read.
    """
    if trace is not None:
        raise UsageError(
            "--profile holds a run against a corpus of the same model, and a saved trace holds no weights to tell by",
            "give the sentences in place of --trace, or leave --profile out",
        )
    if edits:
        raise UsageError("--profile tells of the model as it is, and --ablate changes it", "leave one of the two out")
    from ..profiles.profile_file import load_profile

    found = load_profile(file)
    if not found.input.sentences:
        raise UsageError(f"{file} holds no sentence yet", "bert-inspect profile --resume goes on with it")
    return found


def check_corpus(loaded: "Loaded", corpus: "Profile") -> None:
    """Refuse a profile of another model, before anything runs.

    Raises:
        UsageError: says what differs.
    """
    from ..analysis.profiling.placed import check_model

    check_model(loaded, corpus)


def placed_for_report(
    loaded: "Loaded",
    batch: "Input",
    corpus: "Profile",
    ran: "Trace",
    selection: "Selection",
    terminal: Terminal,
) -> "Placement":
    """Return where a run lies in a corpus.

    Raises:
        UsageError: the profile is of other steps.
    """
    from ..analysis.profiling.placed import placed

    wanted = selection.of({path: module.type for path, module in loaded.modules().items()})
    predictions = [] if ran.output is None else ran.output.predictions
    with terminal.waiting("looking the run up in the corpus"):
        return placed(loaded, batch, corpus, predictions=predictions, wanted=wanted)
