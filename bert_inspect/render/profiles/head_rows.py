"""Where the heads look over a corpus, in the terminal: a sign a head, then in words what has one."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType
from rich.style import Style
from rich.text import Text

from ...profiles.findings.looks import TIMES, Look
from ...traces.vocabulary.places import PLACES, Place
from ..heads.signs import SIGNS
from ..outcome.meaning import percent
from ..words import DIM, LAYER, NAME, PLAIN, WARN, number
from . import said

_SHOWN: Final[tuple[Place, ...]] = ("first", "separator", "itself", "previous", "next", "padding")
NONE = "·"
UNKNOWN = "?"
BOTH = "+"
"""Of a head that looks at the first token and separators together."""

RULE = "where more than half of a head's attention goes, on average over all tokens of the corpus"
_LABEL, _ENTROPY = 7, "  entropy, bits"


def sign(look: Look) -> str:
    """Return the sign of where a head looks."""
    if math.isnan(look.entropy):
        return UNKNOWN
    if look.place is not None:
        return SIGNS[look.place]
    return BOTH if look.sink else NONE


def entropy(look: Look) -> str:
    """Return the entropy of a head in words."""
    return "entropy not known" if math.isnan(look.entropy) else f"entropy {number(look.entropy)} bits"


def mean_entropy(row: Sequence[Look]) -> str:
    """Return the mean entropy of a layer's heads, in bits."""
    mean = fmean(look.entropy for look in row)
    return UNKNOWN if math.isnan(mean) else number(mean)


def legend(found: Sequence[Sequence[Look]]) -> str:
    """Return what the signs mean that are there."""
    looks = [look for row in found for look in row]
    told = [f"{SIGNS[place]} {PLACES[place]}" for place in _SHOWN if any(look.place == place for look in looks)]
    if any(look.sink and look.place is None for look in looks):
        told.append(f"{BOTH} the first token and separators together")
    if any(math.isnan(look.entropy) for look in looks):
        told.append(f"{UNKNOWN} not known: its attention is NaN, or there is none")
    return "  ".join([*told, f"{NONE} no one place"])


def baseline(found: Sequence[Sequence[Look]]) -> str:
    """Return what the shares are to be held against."""
    looks = [look for row in found for look in row]
    even = looks[0].even if looks else 0.0
    told = f"attention spread evenly over each sentence would give one token {percent(even)} on average"
    if not any(look.sink for look in looks):
        return told
    return f"{told}; sinks, which look at the first token or separators, get at least {TIMES:.0f} times as much"


def head_rows(found: Sequence[Sequence[Look]]) -> Iterator[RenderableType]:
    """Yield what is shown of the heads."""
    if not found:
        yield Text("no attention probabilities are in this profile (only --attention eager computes them)", style=DIM)
        return
    yield _Signs(found)
    lines = [*said.looks(found)]
    if lines:
        yield Text()
    for layer, words in lines:
        yield Text.assemble((f"{layer}: ", LAYER), words)


@dataclass(frozen=True)
class _Signs:
    """The map of layers by heads as a Rich renderable, and what its signs mean; with the mean entropy of each layer
    where there is room.
    """

    found: Sequence[Sequence[Look]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        none = "." if options.ascii_only else NONE
        count = max(map(len, self.found))
        cell = 3 if _LABEL + 3 * count <= options.max_width else 2
        room = options.max_width - _LABEL - cell * count >= len(_ENTROPY)
        names = "".join(f"{head if cell == 3 else head % 10:>{cell}}" for head in range(count))
        yield _line([(f"{'layer':<{_LABEL}}{names}{_ENTROPY if room else ''}", DIM)])
        for row in self.found:
            parts = [(f"{row[0].layer:>{_LABEL - 2}}  ", LAYER)]
            for look in row:
                text = sign(look).replace(NONE, none).rjust(cell)
                parts.append((text, WARN if look.sink else NAME if look.place else DIM))
            if room:
                parts.append((mean_entropy(row).rjust(len(_ENTROPY)), PLAIN))
            yield _line(parts)
        yield Text(f"{RULE}:", style=DIM)
        yield Text(legend(self.found).replace(NONE, none), style=DIM)
        yield Text(baseline(self.found), style=DIM)


def _line(parts: Sequence[tuple[str, Style]]) -> Text:
    return Text.assemble(*parts, no_wrap=True, overflow="ignore")
