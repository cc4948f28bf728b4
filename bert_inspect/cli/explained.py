"""Which number is explained, and how: what `explain` and `compare --why` ask for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from . import help

if TYPE_CHECKING:
    from ..analysis.explain.explanation import By, Explanation
    from ..loading.loaded import Loaded
    from ..traces.edits import Edit
    from ..traces.record import Input


@dataclass(frozen=True, kw_only=True)
class NumberOptions:
    """Which number of a sentence is explained."""

    panel: ClassVar = help.FILTER

    target: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL",
            help="Explain this class (or choice, token at a mask; 'start' or 'end' of an answer), not the predicted.",
        ),
    ] = None
    against: Annotated[
        str | None, typer.Option(metavar="LABEL", help="Explain the difference to this class: why not that one.")
    ] = None
    token: Annotated[
        str | None,
        typer.Option(metavar="TEXT|N", help="The token whose label, or place, is explained, where each has its own."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be explained, and how."""

    by: "By" = "token"
    neurons: int = 0
    check: bool = False
    target: str | None = None
    against: str | None = None
    token: str | None = None

    def explained(self, loaded: "Loaded", batch: "Input", edits: "Sequence[Edit]" = ()) -> "Explanation":
        """Return the explanation of a batch, of a run with these edits.

        Raises:
            UsageError: the model gives no such number.
        """
        from ..analysis.explain.explain import explain
        from ..analysis.explain.wanted import Wanted

        wanted = Wanted(target=self.target, against=self.against, token=self.token)
        return explain(loaded, batch, by=self.by, wanted=wanted, neurons=self.neurons, check=self.check, edits=edits)


def explained_for_report(
    loaded: "Loaded", batch: "Input", left_out: list[str], edits: "Sequence[Edit]" = ()
) -> "Explanation | None":
    """Return why a model answers so, token by token; None where that is not to be had, and say why."""
    from ..analysis.explain.explain import explain
    from ..errors import BertInspectError

    if loaded.weights != "pretrained":
        left_out.append("why the model answers so: its weights are not trained, so the answer is none")
        return None
    try:
        return explain(loaded, batch, edits=edits)
    except BertInspectError as error:
        left_out.append(f"why the model answers so: {error.message}")
        return None
