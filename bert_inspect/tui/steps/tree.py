"""The tree of steps: opened a branch at a time, narrowed by what is looked for."""

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from ...render.cells import Format, Row, View, known_cell, name_cell, shape_cell
from ...render.words import DIM
from ...traces.record import Step, Trace
from ...traces.tree import Node, is_layer, outline, relaid_from
from . import wanted as w

_OPEN = 120
"""So many steps are opened at once where something is looked for; of more, what is found is opened branch by branch."""
_FORM = Format(View(), 80)


class StepTree(Tree[Node]):
    """The steps of a trace. What a branch holds is made when it is opened."""

    ICON_NODE = "▸ "
    ICON_NODE_EXPANDED = "▾ "

    def __init__(self, trace: Trace, *, id: str | None = None) -> None:
        super().__init__("", id=id)
        self.show_root = False
        self.guide_depth = 2
        self.auto_expand = False
        self._labels: dict[int, Text] = {}
        self._branches: dict[int, TreeNode[Node]] = {}
        self.fill(trace)

    def fill(self, trace: Trace) -> None:
        """Show another trace, the layers in sight."""
        self._trace = trace
        self._roots = outline(trace.steps)
        self._relaid = relaid_from(trace.steps)
        self._parents = {inner.step.id: node for root in self._roots for node in root.walk() for inner in node.children}
        self.narrow(w.Wanted())

    def narrow(self, wanted: w.Wanted) -> int:
        """Show only what is looked for; returns how many steps that is."""
        self._wanted = wanted
        self._labels.clear()
        self._kept = w.shown(self._roots, wanted)
        self._branches.clear()
        self.unselect()
        self.clear()
        self.root.expand()
        for root in self._roots:
            if root.step.id in self._kept:
                self._add(self.root, root)
        found = [id_ for id_ in self._kept if wanted.matches(self._trace.steps[id_])]
        if wanted.everything:
            self._open_to_layers(self._roots)
        else:
            for id_ in sorted(found)[:_OPEN]:
                self._reach(id_)
        return len(found)

    def _open_to_layers(self, nodes: Sequence[Node]) -> None:
        """Open what stands around the layers."""
        for node in nodes:
            if any(is_layer(inner.step) for inner in node.walk()) and not is_layer(node.step):
                self._open(self._branches[node.step.id])
                self._open_to_layers(node.children)

    def _add(self, above: TreeNode[Node], node: Node) -> None:
        below = w.children(node, self._wanted, self._kept)
        self._branches[node.step.id] = above.add(Text(), data=node, allow_expand=bool(below))

    def _open(self, node: TreeNode[Node]) -> None:
        self._fill_branch(node)
        node.expand()

    def _fill_branch(self, node: TreeNode[Node]) -> None:
        if node.data is not None and not node.children:
            for child in w.children(node.data, self._wanted, self._kept):
                self._add(node, child)

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Node]) -> None:
        """Make what a branch holds."""
        self._fill_branch(event.node)

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Node]) -> None:
        """Bring the name of a step into sight, its beginning first, however deep it lies."""
        depth, above = 0, event.node.parent
        while above is not None:
            depth, above = depth + 1, above.parent
        start = self.guide_depth * (depth - 1)
        name = 0 if event.node.data is None else self._named(event.node.data).cell_len
        beyond = start + len(self.ICON_NODE) + name - self.scrollable_content_region.width
        self.scroll_to(x=max(0, min(beyond, start - 2)), animate=False, force=True)

    def _reach(self, id_: int) -> TreeNode[Node] | None:
        """Open the branches around a step and return its node; None where it is left out."""
        if id_ in self._branches:
            return self._branches[id_]
        above = self._parents.get(id_)
        branch = None if above is None else self._reach(above.step.id)
        if branch is None:
            return None
        self._open(branch)
        return self._branches.get(id_)

    def stand(self, step: Step | None) -> None:
        """Move the cursor to a step or, where that is not looked for, to the first that is."""
        if step is not None and self._wanted.matches(step) and self.reveal(step.id):
            return
        found = (id_ for id_ in sorted(self._kept) if self._wanted.matches(self._trace.steps[id_]))
        if (first := next(found, None)) is not None:
            self.reveal(first)

    def hosts(self, id_: int) -> int:
        """Return the step under which a step is shown: itself, or the one whose tensor it only lays out anew."""
        return self._relaid.get(id_, id_)

    def reveal(self, id_: int) -> bool:
        """Move the cursor to a step; False where it is left out."""
        node = self._reach(self.hosts(id_))
        if node is None:
            return False
        above = node.parent
        while above is not None:
            above.expand()
            above = above.parent
        _ = self.last_line  # lays the lines out, so that each node has one
        self.move_cursor(node)
        return True

    def render_label(self, node: TreeNode[Node], base_style: Style, style: Style) -> Text:
        """Return a step's line: its name as in the tree of `run`, its shape, its name in transformers."""
        if node.data is None:
            return Text()
        label = self._label(node.data).copy()
        label.stylize(style)
        icon = "" if not node.allow_expand else self.ICON_NODE_EXPANDED if node.is_expanded else self.ICON_NODE
        return Text.assemble((icon, base_style + Style(meta={"toggle": True})), label)

    def get_label_width(self, node: TreeNode[Node]) -> int:
        """Return how wide a step's line is."""
        return 0 if node.data is None else self._label(node.data).cell_len + 2 * node.allow_expand

    def _named(self, node: Node) -> Text:
        return Text.assemble(*name_cell(Row(node, "", ""), _FORM), no_wrap=True, end="")

    def _label(self, node: Node) -> Text:
        if node.step.id not in self._labels:
            text = self._named(node)
            if shape := "".join(part for part, _ in shape_cell(node.step, _FORM)):
                text.append(f"  {shape}", DIM)
            for name, style in known_cell(node):
                text.append(f"  {name}", style)
            if not self._wanted.everything and not self._wanted.matches(node.step):
                text.stylize(DIM)
            self._labels[node.step.id] = text
        return self._labels[node.step.id]
