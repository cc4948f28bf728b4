"""The components of a model: class, arguments, parameters, where each is implemented."""

import re

from rich import box
from rich.table import Table
from rich.text import Text

from ..components import Component, Components
from ..safetext import safe_text
from .words import DIM, LAYER, NAME, count


def components(model: Components, *, depth: int | None = None) -> Table:
    """Return the modules as a table, indented by depth; equal layers stand once."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style=DIM)
    table.add_column("component", overflow="fold")
    table.add_column("class", overflow="fold")
    table.add_column("parameters", justify="right")
    table.add_column("implemented in", style=DIM, overflow="fold")
    for component, times in _folded(model.components):
        segments = component.path.split(".") if component.path else []
        if depth is not None and len(segments) >= depth:
            continue
        name = segments[-1] if segments else model.name
        style = LAYER if name.isdigit() else NAME
        if times > 1:
            name = f"{name} to {int(name) + times - 1} ({times} times)"
        kind = Text(safe_text(component.type))
        if component.arguments:
            kind.append(safe_text(f"({component.arguments})"), DIM)
        table.add_row(
            Text("  " * len(segments)).append(safe_text(name), style),
            kind,
            count(component.parameters) if component.parameters else "",
            Text(f"{component.file}:{component.line}" if component.file else ""),
        )
    return table


def _folded(components: list[Component]) -> list[tuple[Component, int]]:
    """Return the components with how many equal layers in a row each stands for; the repeated ones are left out."""
    inside: dict[str, list[tuple[object, ...]]] = {}
    for component in components:
        for layer in re.finditer(r"layer\.\d+(?=\.|$)", component.path):
            rest = component.path[layer.end() :]
            row = (rest, component.type, component.arguments, component.parameters)
            inside.setdefault(component.path[: layer.end()], []).append(row)
    times: dict[str, int] = {}
    dropped: set[str] = set()
    first: str | None = None
    for path in inside:
        if first is not None and inside[path] == inside[first]:
            times[first] += 1
            dropped.add(path)
        else:
            first, times[path] = path, 1
    return [
        (component, times.get(component.path, 1))
        for component in components
        if not any(component.path == path or component.path.startswith(path + ".") for path in dropped)
    ]
