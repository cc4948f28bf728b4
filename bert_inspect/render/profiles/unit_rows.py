"""The units of each layer in the terminal: how many are dead, and which; and what drives one of them."""

from collections.abc import Iterator, Sequence

import numpy as np
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...profiles.findings.units import Units
from ...profiles.record import Dimensions, Example
from ...safetext import safe_text
from ..outcome.meaning import percent
from ..words import DIM, LAYER, NAME, number
from . import said

_MOSTLY = 0.5


def unit_rows(found: Sequence[Units]) -> Iterator[RenderableType]:
    """Yield what is shown of the units: a sentence, and a row for each layer that has anything to tell."""
    yield Text(said.units(found))
    told = [layer for layer in found if layer.dead or layer.nearly_dead or mostly_zero(layer)]
    if not told:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style=DIM, padding=(0, 2, 0, 0))
    table.add_column("layer", justify="right", style=LAYER)
    for title in ("dead", "nearly dead", "0 on most tokens"):
        table.add_column(title)
    for layer in told:
        cells = (layer.dead, layer.nearly_dead, mostly_zero(layer))
        table.add_row(str(layer.layer), *(Text(counted(cell)) for cell in cells))
    yield Text()
    yield table


def mostly_zero(layer: Units) -> list[int]:
    """Return the units that are 0 on more than half of the tokens, but not on all."""
    often = np.flatnonzero(layer.zeros > _MOSTLY).tolist()
    return [unit for unit in often if unit not in {*layer.dead}]


def counted(found: Sequence[int]) -> str:
    """Return how many units there are, and which; a dash where there is none."""
    if not found:
        return "-"
    return f"{len(found):,}: {said.some(found)}" if len(found) > 1 else f"unit {found[0]}"


def unit_page(layer: int, unit: int, label: str, dimensions: Dimensions) -> Group:
    """Return what one unit does: its numbers, and the tokens that drive it most, each in its text."""
    head = Text.assemble((f"layer {layer}, neuron {unit}", NAME), (f"  {safe_text(label)}", DIM))
    zeros = dimensions.zeros[unit] / dimensions.count if dimensions.count else 0.0
    told = (
        f"min {number(dimensions.min[unit])}, max {number(dimensions.max[unit])}, "
        f"mean {number(dimensions.mean[unit])}, std {number(dimensions.std[unit])}; "
        f"0 on {percent(zeros)} of {dimensions.count:,} tokens"
    )
    return Group(head, Text(told), Text(), example_rows(dimensions.examples[unit]))


def example_rows(found: Sequence[Example]) -> RenderableType:
    """Return tokens in their context, the largest activation first."""
    if not found:
        return Text("no token drives it", style=DIM)
    rows = Table.grid(padding=(0, 2))
    rows.add_column(justify="right", no_wrap=True)
    rows.add_column(overflow="fold")
    rows.add_column(style=DIM, no_wrap=True, justify="right")
    for one in found:
        text = Text.assemble(safe_text(one.before), (safe_text(one.token), NAME), safe_text(one.after))
        rows.add_row(number(one.value), text, f"sentence {one.sentence}")
    return rows
