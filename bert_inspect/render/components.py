"""The components of a model: class, arguments, parameters, where each is implemented."""

from collections.abc import Iterator
from typing import Literal

from rich import box
from rich.console import Console, ConsoleOptions
from rich.table import Table
from rich.text import Text

from ..safetext import safe_text
from ..traces.components import Component, Components
from ..traces.vocabulary import roles
from .cells import brief
from .words import DIM, LAYER, NAME, count, short_count

_WIDE = 150
"""From this width on there is room for whole paths and for arguments as torch writes them."""


_BETWEEN = "   "
"""What Rich puts between two columns of this box."""


class ComponentTable:
    """The modules of a model as a Rich renderable, indented by depth; equal layers stand once."""

    def __init__(self, model: Components, *, depth: int | None = None) -> None:
        self._model = model
        self._depth = depth

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        wide = options.max_width >= _WIDE
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style=DIM)
        rows: list[tuple[Text, Text, Text, Text]] = []
        for component, times in _folded(self._model.components):
            segments = component.path.split(".") if component.path else []
            if self._depth is not None and len(segments) >= self._depth:
                continue
            name = segments[-1] if segments else self._model.name
            style = LAYER if name.isdigit() else NAME
            if times > 1:
                name = f"{name} to {int(name) + times - 1} ({times} times)"
            kind = Text(safe_text(component.type))
            if component.arguments:
                kind.append(safe_text(f"({component.arguments if wide else brief(component.arguments)})"), DIM)
            amount = count(component.parameters) if wide else short_count(component.parameters)
            file = component.file if wide else component.file.rsplit("/", 1)[-1]
            indent = Text("  " * len(segments) if wide else " " * len(segments))
            place = Text(safe_text(f"{file}:{component.line}") if file else "")
            rows.append(
                (indent.append(safe_text(name), style), kind, Text(amount if component.parameters else ""), place)
            )
        widths = [max((row[column].cell_len for row in rows), default=0) for column in range(4)]
        # Where it is too much, the classes' arguments are cut: everything else keeps its width.
        room = options.max_width - (sum(widths) - widths[1]) - 3 * len(_BETWEEN)
        widths[1] = max(8, min(widths[1], room))
        for title, column in (("component", 0), ("class", 1), ("params", 2), ("implemented in", 3)):
            side: Literal["left", "right"] = "right" if column == 2 else "left"
            shade = DIM if column == 3 else ""
            table.add_column(title, width=widths[column], no_wrap=True, justify=side, style=shade)
        for row in rows:
            table.add_row(*row)
        yield table


def _folded(components: list[Component]) -> list[tuple[Component, int]]:
    """Return the components with how many equal layers in a row each stands for; the repeated ones are left out."""
    layers = [component.path for component in components if component.role == roles.LAYER]
    inside = {path: [_within(each, path) for each in components if _is_in(each, path)] for path in layers}
    times: dict[str, int] = {}
    dropped: list[str] = []
    first: str | None = None
    for path in layers:
        if first is not None and inside[path] == inside[first]:
            times[first] += 1
            dropped.append(path)
        else:
            first, times[path] = path, 1
    return [
        (component, times.get(component.path, 1))
        for component in components
        if not any(_is_in(component, path) for path in dropped)
    ]


def _is_in(component: Component, layer: str) -> bool:
    return component.path == layer or component.path.startswith(layer + ".")


def _within(component: Component, layer: str) -> tuple[object, ...]:
    return component.path[len(layer) :], component.type, component.arguments, component.parameters
