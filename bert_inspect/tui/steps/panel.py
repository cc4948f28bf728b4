"""The left side: the search, the filters, the tree."""

from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Select, Static

from ...render.words import plural
from ...safetext import safe_text
from ...traces.record import Trace
from .tree import StepTree
from .wanted import NO_LAYER, Wanted, parsed

_LABEL = 40


class SearchBox(Input):
    """Where the search is typed; the footer says how to leave it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "To the steps"),
        Binding("escape", "app.clear", "All steps"),
    ]


class StepPanel(Vertical):
    """The tree of steps with what narrows it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "app.clear", "All steps", show=False)]

    def __init__(self, trace: Trace, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._trace = trace

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield SearchBox(placeholder="/ search", id="search", compact=True)
        with Horizontal(id="filters"):
            yield Select[int](_layers(self._trace), prompt="layer", id="layer", compact=True)
            yield Select[str](
                [("modules only", "module")], prompt="level", id="level", compact=True, type_to_search=False
            )
        yield Select[str](_labels(self._trace), prompt="label", id="label", compact=True)
        yield Static(id="found", markup=False)
        yield StepTree(self._trace, id="steps")

    @property
    def steps(self) -> StepTree:
        """The tree."""
        return self.query_one(StepTree)

    def fill(self, trace: Trace) -> None:
        """Show another trace, with no filter."""
        self._trace = trace
        self.query_one("#layer", Select).set_options(_layers(trace))
        self.query_one("#label", Select).set_options(_labels(trace))
        self.steps.fill(trace)
        self.clear_filters()

    def search(self) -> None:
        """Let the keys go to the search."""
        self.query_one("#search", Input).focus()

    def choose_layer(self) -> None:
        """Let the keys go to the choice of a layer, opened."""
        select = self.query_one("#layer", Select)
        select.focus()
        select.action_show_overlay()

    def clear_filters(self) -> None:
        """Look for nothing."""
        with self.prevent(Input.Changed, Select.Changed):
            self.query_one("#search", Input).value = ""
            for select in self.query(Select):
                select.clear()
        self._narrow()

    @on(Input.Submitted)
    def _done(self) -> None:
        self.steps.focus()

    @on(Input.Changed)
    @on(Select.Changed)
    def _narrow(self) -> None:
        layer, label, level = (self.query_one(f"#{name}", Select) for name in ("layer", "label", "level"))
        wanted = Wanted(
            words=parsed(self.query_one("#search", Input).value),
            layer=_chosen(layer),
            label=_chosen(label),
            ops=_chosen(level) is None,
        )
        count = self.steps.narrow(wanted)
        found = self.query_one("#found", Static)
        found.update(Text(f"{count:,} of {plural(len(self._trace.steps), 'step')}" if count else "no such step"))
        found.set_class(not wanted.everything or not wanted.ops, "shown")
        self.steps.stand(self.app.step)  # type: ignore[attr-defined]


def _chosen(select: Select[Any]) -> Any:
    return None if select.is_blank() else select.value


def _layers(trace: Trace) -> list[tuple[str | Text, int]]:
    """Return the layers, and what is in none, as they may be chosen."""
    layers = sorted({step.layer for step in trace.steps if step.layer is not None})
    outside = [("in no layer", NO_LAYER)] if any(step.layer is None for step in trace.steps) else []
    return [*((f"layer {layer}", layer) for layer in layers), *outside]


def _labels(trace: Trace) -> list[tuple[str | Text, str]]:
    """Return the labels in the order in which they appear, as they may be chosen."""
    return [(Text(safe_text(label, most=_LABEL)), label) for label in dict.fromkeys(step.label for step in trace.steps)]
