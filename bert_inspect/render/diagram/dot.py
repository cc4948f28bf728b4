"""A dataflow as text for Graphviz: ``dot -Tsvg``."""

from collections.abc import Iterator

from ...dataflow import Dataflow, Node
from ...safetext import safe_document, safe_text
from .style import fills
from .words import family, label_of, lines_of, operation, shape_text, times, type_of


def dot(flow: Dataflow, *, upwards: bool = True, caption: str = "") -> str:
    """Return the graph in Graphviz's language; modules are clusters."""
    lines = [
        f"digraph {_quoted(safe_text(flow.title))} {{",
        f"  rankdir={'BT' if upwards else 'TB'}; compound=true; forcelabels=true; newrank=true; ranksep=0.35;",
        f"  label={_quoted(caption)}; labelloc=b; labeljust=l; fontsize=10;",
        '  graph [fontname="Helvetica"]; node [fontname="Helvetica", fontsize=11, style="filled,rounded", shape=box];',
        '  edge [fontname="Helvetica", fontsize=9, color="#57606a", arrowsize=0.7];',
        *(line for node in flow.nodes for line in _node(node, "  ")),
        *_edges(flow),
    ]
    return safe_document("\n".join([*lines, "}", ""]))


def _node(node: Node, indent: str) -> Iterator[str]:
    text = [part for part in (label_of(node), type_of(node), *lines_of(node)) if part]
    if node.children:
        title = "\n".join([" ".join(part for part in (text[0], times(node)) if part), *text[1:]])
        yield f"{indent}subgraph cluster_{node.id} {{"
        yield f'{indent}  label={_quoted(title)}; labeljust=l; style=rounded; color="#98a3af"; fontsize=12;'
        for child in node.children:
            yield from _node(child, indent + "  ")
        yield f"{indent}}}"
        return
    fill, stroke = fills(family(node))
    look = f'fillcolor="{fill}", color="{stroke}"'
    if node.kind == "op":
        said = f"label={_quoted(operation(node))}, xlabel={_quoted(label_of(node))}"
        yield f"{indent}{node.id} [height=0.25, margin=0.06, {said}, {look}];"
    else:
        yield f"{indent}{node.id} [label={_quoted(chr(10).join(text))}, {look}];"


def _edges(flow: Dataflow) -> Iterator[str]:
    boxes = {node.id: node for node in flow.walk() if node.children}
    for arrow in flow.arrows:
        settings = [f"label={_quoted(shape_text(arrow.shape))}"] if arrow.shape is not None else []
        ends = []
        for end, name in ((arrow.source, "ltail"), (arrow.target, "lhead")):
            if end in boxes:  # an arrow of the box as a whole: Graphviz wants a node in it, and cuts it at the border
                settings.append(f"{name}=cluster_{end}")
            ends.append(_first(boxes[end]) if end in boxes else end)
        yield f"  {ends[0]} -> {ends[1]} [{', '.join(settings)}];"


def _first(node: Node) -> str:
    return _first(node.children[0]) if node.children else node.id


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n") + '"'
