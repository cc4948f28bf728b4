"""Where the heads look over a corpus, in the terminal: a sign a head, then in words what has one."""

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Final

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ...profiles.findings.looks import Look
from ...traces.vocabulary.places import PLACES, Place
from ..heads.signs import SIGNS
from ..words import DIM, LAYER, NAME, WARN, number
from . import said

_SHOWN: Final[tuple[Place, ...]] = ("first", "separator", "itself", "previous", "next", "padding")
NONE = "·"
BOTH = "+"
"""Of a head that looks at the first token and separators together."""


def sign(look: Look) -> str:
    """Return the sign of where a head looks."""
    if look.place is not None:
        return SIGNS[look.place]
    return BOTH if look.sink else NONE


def legend(found: Sequence[Sequence[Look]]) -> str:
    """Return what the signs mean that are there."""
    looks = [look for row in found for look in row]
    told = [f"{SIGNS[place]} {PLACES[place]}" for place in _SHOWN if any(look.place == place for look in looks)]
    if any(look.sink and look.place is None for look in looks):
        told.append(f"{BOTH} the first token and separators together")
    return "  ".join([*told, f"{NONE} no one place"])


def head_rows(found: Sequence[Sequence[Look]]) -> Iterator[RenderableType]:
    """Yield what is shown of the heads."""
    if not found:
        yield Text("no attention probabilities are in this profile (only --attention eager computes them)", style=DIM)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style=DIM, padding=(0, 1, 0, 0))
    table.add_column("layer", justify="right", style=LAYER)
    for head in range(max(map(len, found))):
        table.add_column(str(head), justify="right", no_wrap=True)
    table.add_column("entropy, bits", justify="right")
    for row in found:
        signs = [Text(sign(look), WARN if look.sink else NAME if look.place else DIM) for look in row]
        entropies = [look.entropy for look in row]
        table.add_row(str(row[0].layer), *signs, number(fmean(entropies)) if entropies else "")
    yield table
    yield Text("where more than half of a head's attention goes, on average over all tokens of the corpus:", style=DIM)
    yield Text(legend(found), style=DIM)
    lines = [*said.looks(found)]
    if lines:
        yield Text()
    for layer, words in lines:
        yield Text.assemble((f"{layer}: ", LAYER), words)
