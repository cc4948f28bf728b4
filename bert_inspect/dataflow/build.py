"""From the steps of a trace to the graph of its dataflow.

Every arrow is a ``from`` of the trace. What has no node of its own (the inside of a module that is drawn closed, an op
that only lays the same tensor out anew) hands its arrows on to the node that stands for it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..traces.ops import op_of
from ..traces.record import Step, TensorIn, Trace
from ..traces.tree import is_group, is_layer
from .formulas import by_head_size, maker
from .graph import Arrow, Dataflow, Node, order_of
from .sentences import tokenizing


def dataflow(trace: Trace, root: Step, *, depth: int | None = None) -> Dataflow:
    """Return the dataflow of one call of a module, of the whole model with the tokenizer before it.

    Args:
        trace: the run.
        root: the step of the module's call.
        depth: how many levels of modules are opened; 0 draws the module closed.
    """
    return _Builder(trace, root, depth).build()


@dataclass
class _Builder:
    trace: Trace
    root: Step
    depth: int | None
    children: dict[int | None, list[Step]] = field(default_factory=dict)
    shown: dict[int, str] = field(default_factory=dict)
    """For each step of the module the id of the node that stands for it."""
    outside: dict[str, Node] = field(default_factory=dict)
    """The tensors that the module received, by what they are."""
    within: dict[str, tuple[int | None, Node]] = field(default_factory=dict)
    """Parameters, and tensors of which the trace does not tell more, with the step of the module they are drawn in."""

    def build(self) -> Dataflow:
        """Return the graph."""
        for step in self.trace.steps:
            self.children.setdefault(step.parent, []).append(step)
        self._stand_for(self.root, 0)
        arrows = set(self._arrows())
        outputs, outgoing = self._outputs()
        whole = self.root.parent is None
        first: tuple[Node, ...] = ()
        given = [tensor.name for tensor in self.root.inputs]
        inputs = [node for name in given for node in self.outside.values() if node.label == name]
        inputs += [node for node in self.outside.values() if node not in inputs]
        if whole:
            first, made = tokenizing(self.trace.input, [node for key, node in self.outside.items() if key in given])
            arrows |= made
        body = self._node(self.root)
        return Dataflow(
            title=self.root.label,
            path=self.root.path,
            nodes=(*first, *inputs, body, *outputs),
            arrows=tuple(sorted(arrows | outgoing, key=order_of)),
        )

    def _stand_for(self, step: Step, level: int) -> None:
        """Decide which node stands for a step and for all in it."""
        own = self.shown.setdefault(step.id, f"s{step.id}")
        inside = self.children.get(step.id, [])
        closed = own != f"s{step.id}" or (self.depth is not None and level >= self.depth) or self._only_repeats(step)
        for child in inside:
            if closed:
                self.shown[child.id] = own
            elif (same := self._copied(child)) is not None:
                self.shown[child.id] = same
            self._stand_for(child, level + 1)

    def _only_repeats(self, step: Step) -> bool:
        """Whether all that a module holds is one step of its own name: the activation in an activation."""
        inside = self.children.get(step.id, [])
        return len(inside) == 1 and inside[0].label == step.label and inside[0].id not in self.children

    def _copied(self, step: Step) -> str | None:
        """Return the node of the tensor that an op only hands on, None for other steps."""
        if step.kind != "op" or not op_of(step.type).lays_out or len(step.inputs) != 1:
            return None
        tensor = step.inputs[0]
        if tensor.from_ is None:
            return self._origin(tensor, step) if tensor.argument == step.label else None
        source = self.trace.steps[tensor.from_]
        if source.parent != step.parent or source.label != step.label:
            return None
        return self.shown.get(source.id, f"s{source.id}")

    def _arrows(self) -> Iterator[Arrow]:
        # Without ops in the trace, what a module received may have gone into one that is not there.
        without_ops = self.trace.selection.get("level") == "module"
        used = {(step.parent, tensor.from_) for step in self.trace.steps for tensor in step.inputs}
        for step in self._inside():
            opened = step.id in self.children
            for tensor in step.inputs:
                if opened and not (without_ops and (step.id, tensor.from_) not in used):
                    continue
                target = self.shown[step.id]
                if tensor.parameter is not None and target != f"s{step.id}":
                    continue  # it belongs to the inside of what is drawn closed
                source = self._origin(tensor, step)
                if source != target:
                    yield Arrow(source, target, tuple(tensor.shape))

    def _inside(self) -> Iterator[Step]:
        return (step for step in self.trace.steps if step.id in self.shown)

    def _origin(self, tensor: TensorIn, step: Step) -> str:
        """Return the node that a tensor comes from."""
        if tensor.from_ in self.shown:
            return self.shown[tensor.from_]
        if tensor.parameter is not None:
            name = tensor.parameter.rsplit(".", 1)[-1]
            if step.id == self.root.id:  # it was handed to the module
                return self._outside(tensor.parameter, name)
            return self._within(tensor.parameter, name, step)
        if tensor.argument is not None:
            return self._outside(tensor.argument, tensor.argument)
        if tensor.from_ is not None:
            told = maker(self.trace.steps, self.trace.steps[tensor.from_], self.root).label
            given = (other.name for other in self.root.inputs if other.from_ == tensor.from_)
            return self._outside(f"from {tensor.from_}", next(given, told), told)
        # The trace was filtered: what made this tensor is not in it.
        above, name = self._received(tensor, step)
        drawn = self.trace.steps[int(self.shown[above.id][1:])]
        if drawn.id == self.root.id:
            return self._outside(name, name)
        return self._within(f"{above.id} {name}", "not recorded", drawn)

    def _outside(self, key: str, name: str, told: str = "") -> str:
        if key not in self.outside:
            self.outside[key] = Node(id=f"i{len(self.outside)}", kind="input", label=name, type=told)
        return self.outside[key].id

    def _received(self, tensor: TensorIn, step: Step) -> tuple[Step, str]:
        """Return the outermost module that can only have meant this tensor, and under which name it received it."""
        name = tensor.name
        while step.parent is not None and step.id != self.root.id:
            above = self.trace.steps[step.parent]
            alike = [
                other.name
                for other in above.inputs
                if other.from_ is None and (other.shape, other.dtype) == (tensor.shape, tensor.dtype)
            ]
            if len(alike) != 1:
                break
            step, name = above, alike[0]
        return step, name

    def _within(self, key: str, label: str, step: Step) -> str:
        """Return the node of a tensor that belongs into the module in whose forward a step used it first."""
        if key not in self.within:
            node = Node(id=f"p{len(self.within)}", kind="parameter", label=label, path=key)
            self.within[key] = (step.parent, node)
        return self.within[key][1].id

    def _shown_in(self, step: Step) -> list[Step]:
        return [child for child in self.children.get(step.id, []) if self.shown[child.id] == f"s{child.id}"]

    def _node(self, step: Step) -> Node:
        """Return the node of a step that stands for itself, with what is in it."""
        nodes = [(child, self._node(child)) for child in self._shown_in(step)]
        # A group of layers that is opened is no more than its layers.
        shown = [each for child, node in nodes for each in (is_group(child) and node.children) or (node,)]
        children = (*(node for parent, node in self.within.values() if parent == step.id), *shown)
        above = None if step.parent is None else self.trace.steps[step.parent]
        # Of a module that is called again, once: not at everything in it.
        shows = step.kind == "module" and step.call and (above is None or above.call != step.call)
        again = f" (call {step.call})" if shows else ""
        edited = (" (removed)" if step.no_op else " (edited)") if step.edited else ""
        return Node(
            id=f"s{step.id}",
            kind="op" if step.kind == "op" else "module" if children else "layer",
            label=step.label + again + edited,
            type=step.type,
            arguments=step.arguments,
            formula=by_head_size(step, self.children.get(step.parent, ())),
            path=step.path,
            layer=step.layer if is_layer(step) else None,
            no_op=step.no_op,
            lines=self._lines(step, closed=not children),
            children=children,
        )

    def _lines(self, step: Step, *, closed: bool) -> tuple[str, ...]:
        """Return what is told of a step besides: that an op returns nothing, how many layers a closed module holds."""
        if step.kind == "op":
            return () if step.outputs or step.failed else ("none",)
        layers = self._layers_in(step) if closed else 0
        return (f"{layers} layers",) if layers > 1 else ()

    def _layers_in(self, step: Step) -> int:
        return sum(is_layer(child) or self._layers_in(child) for child in self.children.get(step.id, []))

    def _outputs(self) -> tuple[list[Node], set[Arrow]]:
        """Return where the module's results go: a node for each tensor that leaves it."""
        found: dict[tuple[str, tuple[int, ...]], str] = {}
        for step in self.trace.steps:
            if step.id not in self.shown:
                for tensor in step.inputs:
                    if tensor.from_ in self.shown:
                        name = self._returned_as(self.trace.steps[tensor.from_], tensor.shape)
                        found.setdefault((self.shown[tensor.from_], tuple(tensor.shape)), name)
        ends = [step for step in self._inside() if step.id not in self.children and step.outputs]
        if self.root.parent is None:
            for output in self.root.outputs:
                made = [step for step in ends if output.name in step.known_as]
                if made:
                    found[self.shown[made[-1].id], tuple(output.shape)] = output.name
        if not found:  # nothing that was recorded used them: the last that could be
            for output in self.root.outputs[:1]:
                made = [step for step in ends if output.shape in [tensor.shape for tensor in step.outputs]]
                if made:
                    found[self.shown[made[-1].id], tuple(output.shape)] = self._returned_as(made[-1], output.shape)
        nodes = [Node(id=f"o{number}", kind="output", label=name) for number, name in enumerate(found.values())]
        arrows = {Arrow(source, node.id, shape) for (source, shape), node in zip(found, nodes, strict=True)}
        return nodes, arrows

    def _returned_as(self, step: Step, shape: Sequence[int]) -> str:
        """Return the name of a tensor that the module returns: that in transformers, else the module's own."""
        named = [name for name in step.known_as if name in self.root.known_as]
        own = [tensor.name for tensor in self.root.outputs if tensor.shape == list(shape)]
        return named[0] if named else own[0].removesuffix("[0]") if own else step.label
