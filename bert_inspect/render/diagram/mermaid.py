"""A dataflow as a Mermaid flowchart, which GitHub and many editors show in Markdown."""

from collections.abc import Iterator

from ...dataflow import Dataflow, Node
from ...safetext import safe_document
from .style import fills
from .words import family, label_of, lines_of, operation, shape_text, times, type_of

MOST_ARROWS, MOST_SIGNS = 500, 50_000
"""Mermaid draws no more, unless the page that shows it sets ``maxEdges`` and ``maxTextSize``."""


def mermaid(flow: Dataflow, *, upwards: bool = True, caption: str = "") -> str:
    """Return the flowchart; modules are subgraphs, and an op's name stands on the arrow that leaves it."""
    ops = {node.id: node for node in flow.walk() if node.kind == "op"}
    colours = {family(node) for node in flow.walk() if not node.children}
    boxes = [node.id for node in flow.walk() if node.children]
    sources = {arrow.source for arrow in flow.arrows}
    lines = [
        f"%% {_escaped(caption)}" if caption else "%% dataflow",
        f"flowchart {'BT' if upwards else 'TB'}",
        *(line for node in flow.nodes for line in _node(node, sources, "  ")),
        *(_arrow(arrow.source, arrow.target, shape_text(arrow.shape), ops) for arrow in flow.arrows),
        *("  classDef {} fill:{},stroke:{},color:#1f2328".format(name, *fills(name)) for name in sorted(colours)),
        *([f"  class {','.join(boxes)} box", "  classDef box fill:#8c959f14,stroke:#98a3af"] if boxes else []),
        "",
    ]
    return safe_document("\n".join(lines))


def _node(node: Node, sources: set[str], indent: str) -> Iterator[str]:
    text = [part for part in (label_of(node), type_of(node), *lines_of(node)) if part]
    if node.children:
        title = "<br/>".join(_escaped(part) for part in (f"{text[0]} {times(node)}".strip(), *text[1:]))
        yield f'{indent}subgraph {node.id}["{title}"]'
        for child in node.children:
            yield from _node(child, sources, indent + "  ")
        yield f"{indent}end"
    elif node.kind == "op":
        name = [] if node.id in sources else text  # it has no arrow to stand on
        yield f'{indent}{node.id}(["{"<br/>".join(map(_escaped, [operation(node), *name]))}"]):::op'
    else:
        left, right = ("([", "])") if node.kind in ("input", "output", "parameter") else ("[", "]")
        lines = "<br/>".join(_escaped(part) for part in text)
        yield f'{indent}{node.id}{left}"{lines}"{right}:::{family(node)}'


def _arrow(source: str, target: str, shape: str, ops: dict[str, Node]) -> str:
    said = "<br/>".join(_escaped(part) for part in (label_of(ops[source]) if source in ops else "", shape) if part)
    return f'  {source} -- "{said}" --> {target}' if said else f"  {source} --> {target}"


def _escaped(text: str) -> str:
    """Return a text in which nothing means anything to Mermaid; it takes entities with ``#`` for ``&``."""
    signs = {sign: f"#{ord(sign)};" for sign in '#&<>"`\\{}|;'}
    return "".join(signs.get(sign, sign) for sign in text)
