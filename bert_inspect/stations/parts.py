"""What the model is made of and what it was given, as lines and tables."""

from collections.abc import Iterator, Sequence

from ..families import family_of
from ..traces.record import Step, TensorIn, TensorOut, Trace
from ..traces.token_text import token_texts
from ..traces.tree import Node, is_group, is_layer, outline
from .station import Table

_MOST_TEXTS = 8
"""Of how many texts a batch is shown."""


def structure(trace: Trace) -> tuple[str, ...]:
    """Return the modules that ran, one a line, each further in than the module that calls it: its name there, its class
    and the arguments that it was made with. Layers that are made of the same modules are listed once.
    """
    return tuple(line for root in outline(trace.steps) for line in _lines(root, None, 0))


def not_called(trace: Trace) -> tuple[str, ...]:
    """Return the modules that no forward called, each once for all layers: ``encoder.layer.*.dropout``. One that holds
    called ones, as a list of layers does, is not among them.
    """
    family = family_of(trace.model.family)
    called = {step.path for step in trace.steps}
    found: dict[str, None] = {}
    for path in trace.not_called:
        if any(other.startswith(f"{path}.") for other in called):
            continue
        layer = family.layer_in_path(path)
        segments = path.split(".")
        if layer is not None and str(layer) in segments:
            segments[segments.index(str(layer))] = "*"
        found[".".join(segments)] = None
    return tuple(found)


def _lines(node: Node, above: Step | None, depth: int) -> Iterator[str]:
    name = f"{_attribute(node.step, above)}: " if above is not None else ""
    yield f"{'  ' * depth}{name}{made_by(node.step)}"
    yield from _below(node, depth + 1)


def _below(node: Node, depth: int) -> Iterator[str]:
    done: set[str] = set()
    for first, last in _runs(_modules(node)):
        if first.step.path not in done:  # a module that is called again is still one module
            lines = list(_lines(first, node.step, depth))
            yield from (lines[0] + _several(first.step, last.step), *lines[1:])
        done.add(first.step.path)


def _several(first: Step, last: Step) -> str:
    """Return what is said of a layer that stands for those after it too; nothing where there are none."""
    if first is last:
        return ""
    layers = f"layers {first.layer} to {last.layer}"
    return f"  (called again and again, as {layers})" if first.path == last.path else f"  ({layers} are alike)"


def _modules(node: Node) -> list[Node]:
    """Return the modules that a module calls; in place of a group of layers its layers."""
    found: list[Node] = []
    for child in node.children:
        if is_group(child.step):
            found += _modules(child)
        elif child.step.kind == "module":
            found.append(child)
    return found


def _alike(node: Node) -> object:
    """Return what layers of the same modules have in common."""
    inside = tuple((_attribute(child.step, node.step), _alike(child)) for child in _modules(node))
    return node.step.type, node.step.arguments, inside


def _attribute(step: Step, above: Step) -> str:
    """Return what a module is called in the module that calls it: ``query``, ``layer.0``."""
    start = f"{above.path}." if above.path else ""
    return step.path.removeprefix(start) if step.path.startswith(start) else step.path


def made_by(step: Step) -> str:
    """Return a module's class with the arguments that it was made with, or an operation with its own."""
    arguments = f"({step.arguments})" if step.arguments else "()" if step.kind == "module" else ""
    return f"{step.type}{arguments}"


def steps_in(trace: Trace, component: int) -> Table:
    """Return what a module does, a row a step: what the step makes, the layer or operation that makes it, its shape."""
    module = trace.steps[component]
    node = next(node for root in outline(trace.steps) for node in root.walk() if node.step.id == component)
    rows = []
    for child, last in _runs(node.children):
        named = f"self.{_attribute(child.step, module)}" if child.step.kind == "module" else ""
        label = child.step.label + (" (no-op)" if child.step.no_op else "")
        if last is not child:
            label = f"{label} to {last.step.layer}"
            named += f" to {_attribute(last.step, module)}" if last.step.path != child.step.path else ""
        rows.append((label, named, made_by(child.step), "; ".join(map(_shape, child.step.outputs))))
    return Table(headers=("step", "named", "made by", "shape"), rows=tuple(rows))


def _runs(nodes: Sequence[Node]) -> Iterator[tuple[Node, Node]]:
    """Yield nodes, each with itself; in place of layers alike, one after another, the first with the last of them."""
    at = 0
    while at < len(nodes):
        end = at + 1
        while is_layer(nodes[at].step) and end < len(nodes) and is_layer(nodes[end].step):
            if _alike(nodes[end]) != _alike(nodes[at]):
                break
            end += 1
        yield nodes[at], nodes[end - 1]
        at = end


def received_by(trace: Trace, component: int) -> tuple[tuple[str, str], ...]:
    """Return the tensors that a module receives, each by its name and its shape."""
    return tuple((tensor.name, _shape(tensor)) for tensor in trace.steps[component].inputs)


def _shape(tensor: TensorIn | TensorOut) -> str:
    return f"[{', '.join(map(str, tensor.shape))}]"


def batch_tables(trace: Trace) -> tuple[Table, ...]:
    """Return what the tokenizer made of all texts together, and the tensors that the model was given."""
    batch = trace.input
    shown = range(min(len(batch.texts), _MOST_TEXTS))
    more = f"{len(batch.texts) - len(shown):,} more texts" if len(batch.texts) > len(shown) else ""
    texts = Table(
        headers=("", "after the tokenizer"),
        rows=tuple((str(row + 1), " ".join(token_texts(batch, row))) for row in shown),
        numbers=(0,),
        note=more,
    )
    family = family_of(trace.model.family)
    rows: list[tuple[str, ...]] = []
    for name in family.inputs:
        rows += _rows(name, getattr(batch, name), shown)
    if batch.labels is not None:
        rows.append(("labels", f"[{len(batch.labels)}]", "", " ".join(map(str, batch.labels))))
    given = Table(headers=("given to the model", "shape", "text", "numbers"), rows=tuple(rows), numbers=(2,), note=more)
    return texts, given


def _rows(name: str, tensor: Sequence[Sequence[int]], shown: Sequence[int]) -> Iterator[tuple[str, ...]]:
    width = len(tensor[0]) if tensor else 0
    for row in shown:
        numbers = " ".join(map(str, tensor[row]))
        yield (name, f"[{len(tensor)}, {width}]", str(row + 1), numbers) if not row else ("", "", str(row + 1), numbers)
