"""What each head does to the answer, as a part of the report."""

from typing import TYPE_CHECKING

from ..errors import BertInspectError, UsageError
from ..terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..analysis.effects.record import Effects
    from ..loading.loaded import Loaded
    from ..traces.edits import Edit
    from ..traces.record import Input

_SENTENCES = 4
"""Of so many sentences: each runs all heads anew."""


def check_ablate_map(trace: str | None, edits: "Sequence[Edit]") -> None:
    """Refuse what no head can be taken away from.

    Raises:
        UsageError: there is a saved trace in the place of a model, or the run is edited already.
    """
    if trace is not None:
        raise UsageError(
            "--ablate-map runs the model again without each head, and a saved trace holds no model",
            "give the sentences in place of --trace, or leave --ablate-map out",
        )
    if edits:
        raise UsageError(
            "--ablate-map takes heads away from the model as it is, and --ablate changes it", "leave one of the two out"
        )


def ablated_for_report(loaded: "Loaded", batch: "Input", left_out: list[str], terminal: Terminal) -> "Effects | None":
    """Return what each head does to the answers of the first sentences; None where that is not to be had, and say
    why.
    """
    from ..analysis.effects.ablate import ablate
    from ..families.heads import MULTIPLE_CHOICE
    from ..traces.sentences import first_rows

    count = len(batch.texts)
    if loaded.head is not MULTIPLE_CHOICE and count > _SENTENCES:
        batch = first_rows(batch, _SENTENCES)
        left_out.append(f"what matters: of the first {_SENTENCES} sentences of {count}; bert-inspect ablate takes all")
    try:
        with terminal.waiting("taking each head away"):
            return ablate(loaded, batch)
    except BertInspectError as error:
        left_out.append(f"what matters: {error.message}")
        return None
