"""What stands on a diagram in every format: the text of a node, what an op does, the caption."""

from collections.abc import Sequence

from ...dataflow import Dataflow, Node
from ...dataflow.graph import Shape
from ...safetext import safe_text
from ...traces.ops import op_of
from ...traces.record import Trace
from ..cells import brief
from ..words import plural
from ..words import shape as written


def sign_of(node: Node) -> str:
    """Return the sign of an op, where there is room for no more."""
    return op_of(node.type).sign


def label_of(node: Node) -> str:
    """Return what a node is."""
    return safe_text(node.label)


def operation(node: Node) -> str:
    """Return what an op does, as one would write it: ``softmax``, ``+``, ``/ sqrt(64)``, ``[:, 0]``."""
    infix, arguments = op_of(node.type).infix, brief(node.arguments)
    if node.formula:
        return safe_text(node.formula)
    if node.type == "getitem" and arguments:
        return safe_text(arguments)
    if infix and not arguments:
        return infix
    if infix and (number := _number(arguments)):
        return f"{infix} {number}"
    return safe_text(node.type.strip("_"))


def label_with_number(node: Node) -> str:
    """Return what a node is; of an op that multiplies with a number or divides by one, the number too."""
    number = node.kind == "op" and sign_of(node) in "×÷" and (node.formula or _number(node.arguments))
    return f"{label_of(node)} ({operation(node)})" if number else label_of(node)


def _number(text: str) -> str:
    """Return a number in few digits, nothing where a text is none."""
    try:
        return f"{float(text):.4g}"
    except ValueError:
        return ""


def lines_of(node: Node) -> list[str]:
    """Return a node's further text: sentences, tokens, numbers."""
    return [safe_text(line) for line in node.lines]


def type_of(node: Node) -> str:
    """Return the class of a module as one would construct it, and whether it handed its input on unchanged."""
    arguments = brief(node.arguments) if node.kind == "layer" else ""
    idle = ", no-op" if node.no_op else ""
    origin = "from " if node.kind == "input" and node.type else ""
    return safe_text(f"{origin}{node.type}{f'({arguments})' if arguments else ''}{idle}")


def shapes_from(flow: Dataflow) -> dict[str, str]:
    """Return the shapes of the tensors that leave each node, as text."""
    found: dict[str, list[Shape]] = {}
    for arrow in flow.arrows:
        shapes = found.setdefault(arrow.source, [])
        if arrow.shape is not None and arrow.shape not in shapes:
            shapes.append(arrow.shape)
    return {source: " ".join(shape_text(shape) for shape in shapes) for source, shapes in found.items()}


def shape_text(shape: Shape) -> str:
    """Return a shape as torch prints it, a single number by its name."""
    return "" if shape is None else written(shape) if shape else "scalar"


def family(node: Node) -> str:
    """Return which of a handful of colours a node bears."""
    if node.kind != "layer":
        return node.kind
    for name, family_ in _FAMILIES:
        if name in node.type.lower():
            return family_
    return "other"


_FAMILIES: Sequence[tuple[str, str]] = (
    ("linear", "linear"),
    ("embedding(", "embedding"),
    ("embeddings", "other"),
    ("embedding", "embedding"),
    ("norm", "norm"),
    ("dropout", "idle"),
    ("activation", "activation"),
    ("tanh", "activation"),
    ("relu", "activation"),
    ("gelu", "activation"),
    ("silu", "activation"),
)


def times(node: Node) -> str:
    """Return how many layers a folded one stands for."""
    return f"× {len(node.copies)}" if node.links else ""


def caption(flow: Dataflow, trace: Trace) -> str:
    """Return of which run a picture is."""
    rows, batch = len(trace.input.tokens), trace.input
    tokens = max((len(row) for row in batch.tokens), default=0)
    sentences = plural(rows, "pair" if batch.pairs else "sentence")
    padded = any(not seen for row in batch.attention_mask for seen in row)
    where = f", {flow.path}" if flow.path else ""
    run = f"one run of {sentences}{' padded to' if padded else ','} {plural(tokens, 'token')}"
    return safe_text(f"{trace.model.name}{where}: {run}, {trace.model.attention} attention")


def description(flow: Dataflow) -> str:
    """Return the picture in words, for who cannot see it: what each node gets its tensors from."""
    names = {node.id: label_of(node) or "text" for node in flow.walk()}
    into: dict[str, list[str]] = {}
    for arrow in flow.arrows:
        into.setdefault(arrow.target, []).append(names[arrow.source])
    parts = []
    for node in flow.walk():
        if sources := into.get(node.id):
            parts.append(f"{names[node.id]} from {' and '.join(sources)}")
    return "; ".join(parts)
