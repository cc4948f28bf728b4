"""What the screen is handed: a run, and what can be asked of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..traces.record import Step, Trace

if TYPE_CHECKING:
    from ..analysis.attention import LayerAttention
    from ..analysis.explain.explanation import By, Explanation
    from ..cells.record import CellReport
    from ..source_view.listing import Listing


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run, and what can be asked of it. Each function may take seconds: it is called outside of the screen's thread.

    Attributes:
        trace: the run.
        listing: the source of a module's step.
        attention: the attention of every layer that the trace holds it of.
        cell: the arithmetic of one number: the step, which of its outputs, the index.
        explain: the answers as sums.
        no_values: why the trace holds no values, and what records them.
        notes: what is worth knowing of the run.

    All functions raise `BertInspectError` where there is no answer.
    """

    trace: Trace
    listing: "Callable[[Step], Listing]"
    attention: "Callable[[], Sequence[LayerAttention]]"
    cell: "Callable[[int, int, tuple[int, ...]], CellReport]"
    explain: "Callable[[By], Explanation]"
    no_values: str
    notes: Sequence[str] = ()


Rerun = Callable[[str], Run]
"""Runs another sentence on the loaded model."""
Ask = Callable[[], Any]
"""A question that may take seconds."""
