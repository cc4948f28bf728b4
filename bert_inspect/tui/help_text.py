"""The help: every key, and what each tab shows."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..render.words import DIM, LAYER, NAME

_KEYS = {
    "Steps": (
        ("up, down", "the step before, the next step"),
        ("space, enter", "open or close a module"),
        ("/", "search as you type: labels, paths, classes, names in transformers, #number"),
        ("f", "filters: a layer, modules alone, one label"),
        ("x", "clear search and filters"),
        ("[ and ]", "the same step in the layer before, in the next one"),
    ),
    "Tabs": (
        ("1 to 6", "Tensor, Source, Dataflow, Attention, Explanation, Cell"),
        ("tab", "to the next part of the screen"),
        ("z", "the tab alone, or the tree beside it"),
    ),
    "Numbers": (
        ("arrows, pages", "move the cursor; the number under it is written in full below"),
        ("enter", "the arithmetic of that number"),
        ("m", "to the number of the largest magnitude"),
        ("s, h, n", "the next sentence, head, place along another axis; with shift the one before"),
        ("o", "the next output of a step that returns several"),
        ("v", "colours alone, or numbers"),
        ("p", "show padding, or hide it"),
    ),
    "Dataflow": (
        ("enter", "jump to the step"),
        ("b", "back to where you came from"),
    ),
    "Run": (
        ("t", "run another sentence on the loaded model"),
        ("c", "what it changed"),
        ("a", "the whole answer"),
        ("y", "explain by token, by component, by layer"),
    ),
    "Program": (
        ("d", "dark or light"),
        ("?", "this help"),
        ("q, ctrl+c", "quit"),
    ),
}

_TABS = (
    ("Tensor", "the numbers of the step's output; blue above 0, orange below, the stronger the farther from 0"),
    ("Source", "the code of the module that ran, with what each line made; ▶ is the chosen step"),
    ("Dataflow", "the tensors that the step received, and the steps that use what it made"),
    ("Attention", "where each head of the layer looks"),
    ("Explanation", "why this answer: the logit as an exact sum"),
    ("Cell", "the arithmetic of the number under the cursor of Tensor, term by term"),
)


def help_text() -> RenderableType:
    """Return the help."""
    return Group(*_parts())


def _parts() -> Iterator[RenderableType]:
    for title, rows in (*_KEYS.items(), ("What the tabs show", _TABS)):
        yield Text(title, LAYER)
        table = Table.grid(padding=(0, 2))
        table.add_column(width=13, style=NAME)
        table.add_column(overflow="fold")
        for key, what in rows:
            table.add_row(Text(key), Text(what))
        yield table
        yield Text()
    yield Text("A click does what enter does. The wheel scrolls.", DIM)
