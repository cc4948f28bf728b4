"""Tours of tiny models, each with the whole trace of the same run to hold it against."""

from functools import cache
from typing import Any

from families.tiny import as_loaded, batch, tiny

from bert_inspect import Trace
from bert_inspect.analysis.cell import Runs
from bert_inspect.capture.forward import run_forward
from bert_inspect.capture.keep import Keep
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import SEQUENCE_CLASSIFICATION, Head
from bert_inspect.stations.walk import walk
from bert_inspect.tour import Walk

KINDS: list[tuple[str, Head]] = [
    *((name, SEQUENCE_CLASSIFICATION) for name in FAMILIES),
    *(("bert", head) for head in FAMILIES["bert"].heads if head is not SEQUENCE_CLASSIFICATION),
]
"""Every family, and every head of one."""
NAMES = [f"{family}-{head.task}" for family, head in KINDS]


@cache
def tour_of(family: str, head: Head = SEQUENCE_CLASSIFICATION) -> tuple[Walk, Trace]:
    loaded, given = as_loaded(tiny(FAMILIES[family], head)), batch(FAMILIES[family])
    whole = Trace.of(run_forward(loaded, given, keep=Keep(values="full")).trace)
    return Walk.of(walk(Runs(loaded, given))), whole


def written(walk: Walk, whole: Trace) -> list[set[str]]:
    """Of each matrix on a tour, in order, every number of its tensor as it is written."""
    from bert_inspect.render.words import number

    found = []
    for excerpt in (excerpt for stop in walk.stops for excerpt in stop.excerpts):
        values: Any = whole.steps[excerpt.step].outputs[excerpt.place].values
        flat = [float(each) for each in values.flat]
        found.append({number(each) for each in flat} | {f"{each:.0f}" for each in flat if each.is_integer()})
    return found
