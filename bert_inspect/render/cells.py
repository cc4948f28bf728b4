"""The cells of one step's line: its name, what it is, its shape, its statistics, its name in transformers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from ..safetext import safe_text
from ..traces.focus import Focus
from ..traces.record import Step, TensorOut
from ..traces.tree import Node, is_layer
from ..traces.vocabulary import known_as, labels, roles
from .words import (
    BAD,
    DIM,
    KNOWN,
    LAYER,
    MASKED,
    NAME,
    OP,
    PLAIN,
    is_masked,
    named_shape,
    not_finite,
    number,
    plural,
    shape,
)

Cell = list[tuple[str, Style]]
"""A piece of a line: texts with their styles."""

STATS = ("min", "max", "mean", "std")

# From these widths on there is room for wider branches, for every digit of a count, for statistics in columns, for
# arguments in full, for named axes.
_ROOMY = 140
_FULL_COUNTS = 100
_STATS_COLUMNS = 112
_FULL = 160
_NAMED_AXES = 170

# Where a tensor's name in transformers is shown. Several steps hold the same tensor (a layer, its output, its norm);
# the one that people look for bears the name.
_KNOWN_AT = {
    labels.EMBEDDINGS: known_as.HIDDEN_STATES,
    labels.EMBEDDING_PROJECTION: known_as.HIDDEN_STATES,
    roles.LAYER: known_as.HIDDEN_STATES,
    labels.ENCODER: known_as.LAST_HIDDEN_STATE,
    labels.ATTENTION_PROBABILITIES: known_as.ATTENTIONS,
    labels.POOLER: known_as.POOLER_OUTPUT,
    labels.LOGITS: known_as.LOGITS,
    labels.LOSS: known_as.LOSS,
}


@dataclass(frozen=True, kw_only=True)
class View:
    """What of a trace is shown: how deep, folded or not, with statistics, with values (of one head and token alone,
    where there is a focus; of padding too or not), with named axes.
    """

    depth: int | None = None
    fold: bool = False
    stats: bool = False
    values: bool = False
    axes: bool = False
    focus: Focus = field(default_factory=Focus)
    padding: bool = False


@dataclass(frozen=True)
class Signs:
    """What the tree is drawn with, in Unicode or without."""

    branch: str = "├─ "
    last: str = "└─ "
    down: str = "│  "
    blank: str = "   "
    rule: str = "━"
    op: str = "· "
    cut: str = "…"
    times: str = "×"


_UNICODE = Signs()
_ASCII = Signs(branch="|- ", last="`- ", down="|  ", rule="=", op="- ", cut="~", times="x")


@dataclass(frozen=True)
class Format:
    """How lines are written: what is asked for, and what the width has room for."""

    view: View
    width: int
    ascii_only: bool = False

    @property
    def signs(self) -> Signs:
        """What the tree is drawn with; slim branches where room is short."""
        signs = _ASCII if self.ascii_only else _UNICODE
        if self.width >= _ROOMY:
            return signs
        slim = {name: getattr(signs, name)[::2] for name in ("branch", "last", "down", "blank")}
        return replace(signs, **slim)

    @property
    def stats_in_columns(self) -> bool:
        """Whether statistics have columns; else they stand below each step."""
        return self.view.stats and self.width >= _STATS_COLUMNS

    @property
    def full_counts(self) -> bool:
        """Whether parameters are counted to the last one."""
        return self.width >= _FULL_COUNTS

    @property
    def full_arguments(self) -> bool:
        """Whether constructor arguments are written as torch writes them."""
        return self.width >= _FULL

    @property
    def named_axes(self) -> bool:
        """Whether shapes bear the names of their axes."""
        return self.view.axes or (self.width >= _NAMED_AXES and not self.view.stats)


@dataclass(frozen=True)
class Row:
    """A step with the lines that lead to it."""

    node: Node
    lead: str
    below: str
    """What stands in front of further lines of the same step."""


def name_cell(row: Row, form: Format) -> Cell:
    """Return the tree's branches and the step's name: the module's own with its label, or the label of an op."""
    step = row.node.step
    lead: Cell = [(row.lead, DIM)]
    if step.kind == "op":
        return [*lead, (form.signs.op, OP), (safe_text(step.label), PLAIN)]
    name = step.path.rsplit(".", 1)[-1]
    if is_layer(step):
        title = f"layer {step.layer}"
        if row.node.folded:
            others = row.node.folded
            title = f"layers {step.layer} to {others[-1].step.layer} ({form.signs.times} {len(others)})"
            title += f", numbers of {step.layer}" if (form.view.stats or form.view.values) else ""
        return [*lead, (title, LAYER)]
    if not step.path:
        return [*lead, (safe_text(step.type), NAME)]
    again = f" (call {step.call})" if step.call else ""
    label = "" if _says_the_same(step, name) else safe_text(step.label)
    return [*lead, (safe_text(name), NAME), (f"  {label}" if label else "", PLAIN), (again, DIM)]


def what_cell(node: Node, form: Format) -> Cell:
    """Return a step's type with its arguments, and what is remarkable of it."""
    step = node.step
    cell: Cell = []
    main = main_output(step)
    if form.stats_in_columns and main is not None and main.stats is not None and (bad := not_finite(main.stats)):
        cell.append((bad + "  ", BAD))
    if step.edited:  # first, as narrow columns are cut
        cell.append(("removed " if step.no_op else "edited ", BAD))
    if step.path or step.kind == "op":
        cell.append((safe_text(step.type), OP if step.kind == "op" else PLAIN))
    arguments = safe_text(step.arguments if form.full_arguments else brief(step.arguments))
    if arguments:
        cell.append((arguments if step.type in ("getitem", "setitem") else f"({arguments})", DIM))
    if step.edited and step.no_op:
        cell.append((" hands its input on", MASKED))
    elif step.no_op:
        cell.append((" no-op", MASKED))
    for other in node.relaid:
        cell.append((f" + {safe_text(other.type)}", DIM))
    if step.failed:
        cell.append((" failed here", BAD))
    if node.hidden:
        cell.append((f" {form.signs.cut} {plural(node.hidden, 'step')}", DIM))
    return cell


def shape_cell(step: Step, form: Format) -> Cell:
    """Return the shape of what the step is about."""
    main = main_output(step)
    if main is None:
        return [("none" if step.label in labels.MASKS and not step.failed else "", DIM)]
    text = named_shape(main, form.signs.times) if form.named_axes else shape(main.shape)
    return [(text, PLAIN)]


def stats_cells(step: Step) -> list[Cell]:
    """Return the statistics of what the step is about, a cell each."""
    main = main_output(step)
    if main is None or main.stats is None:
        return [[] for _ in STATS]
    return [[statistic(main, name, step.label)] for name in STATS]


def known_cell(node: Node) -> Cell:
    """Return the name under which transformers returns the tensor."""
    names = known_names(node.step)
    if node.folded and names and (last := known_names(node.folded[-1].step)):
        names = [f"{names[0]} to {last[0].removeprefix(known_as.HIDDEN_STATES)}"]
    return [(safe_text(", ".join(names)), KNOWN)] if names else []


def _says_the_same(step: Step, name: str) -> bool:
    """Whether a module's label only repeats its name (``layer norm`` is ``LayerNorm``)."""
    return step.role == roles.BODY or step.label.replace(" ", "").lower() == name.replace("_", "").lower()


def main_output(step: Step) -> TensorOut | None:
    """Return the output that a step is about: the logits of the whole model, else the first one."""
    named = {tensor.name: tensor for tensor in step.outputs}
    return named.get(known_as.LOGITS) or (step.outputs[0] if step.outputs else None)


def known_names(step: Step) -> list[str]:
    """Return the names in transformers that are shown at this step."""
    prefix = _KNOWN_AT.get(roles.LAYER if is_layer(step) else step.label)
    if prefix is None or (step.kind == "op") != (prefix in (known_as.ATTENTIONS, known_as.LOSS)):
        return []
    names = [name for name in step.known_as if name.startswith(prefix)]
    return names if not step.no_op else []


def statistic(tensor: TensorOut, name: str, label: str) -> tuple[str, Style]:
    """Return one of a tensor's statistics as it is shown."""
    stats = tensor.stats
    value = getattr(stats, name)
    if value is None:
        return "-", DIM
    if stats is not None and stats.min is not None and is_masked(stats.min, label=label, dtype=tensor.dtype):
        # The mask's lowest number drowns what was computed: its mean and spread say nothing of the scores.
        if name == "min":
            return "masked", MASKED
        if name != "max":
            return "-", DIM
    return number(value), PLAIN


# What a layer's own constructor says of arguments that everybody leaves as they are, or names that everybody knows.
_USUAL = (
    ", bias=True",
    ", inplace=False",
    ", elementwise_affine=True",
    ", training=False",
    ", reduction='mean'",
    ", label_smoothing=0.0",
    "in_features=",
    "out_features=",
)


def brief(arguments: str) -> str:
    """Return arguments as one would type them: ``Linear(768, 3072)``."""
    for usual in _USUAL:
        arguments = arguments.replace(usual, "")
    arguments = re.sub(r"(?<![\d.])\d+\.\d{5,}(?![\de])", lambda found: f"{float(found[0]):.4f}", arguments)
    return re.sub(r"\((\d+),\)", r"\1", arguments)


def length(cell: Cell) -> int:
    """Return how many columns of the terminal a cell takes."""
    return sum([len(text) if text.isascii() else cell_len(text) for text, _ in cell])


def cut(cell: Cell, width: int, sign: str) -> Cell:
    """Cut a cell visibly to a width."""
    result: Cell = []
    room = width - 1
    for text, style in cell:
        if cell_len(text) > room:
            result += [(set_cell_size(text, room), style), (sign, DIM)]
            break
        result.append((text, style))
        room -= cell_len(text)
    return result


def segments(cell: Cell) -> Iterator[Segment]:
    """Return a cell as Rich prints it."""
    return (Segment(text, style) for text, style in cell if text)
