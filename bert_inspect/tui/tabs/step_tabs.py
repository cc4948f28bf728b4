"""What is known of the chosen step, in tabs. Only the tab in sight is filled; what takes seconds is asked for then."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import ContentSwitcher, Tab, Tabs

from ...traces.record import Step
from ..asking import answered
from ..keys import TABS
from ..picture import Picture
from ..run import Ask, Run
from .attention import AttentionTab
from .dataflow import DataflowTab
from .grid import Grid
from .slices import Chosen, Lead
from .tensor import TensorTab

if TYPE_CHECKING:
    from ...analysis.attention import LayerAttention
    from ...analysis.explain.explanation import By


class StepTabs(Vertical):
    """The tabs of one step of a run."""

    def __init__(self, run: Run, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._by: By = "token"
        self.take(run)

    def take(self, run: Run) -> None:
        """Be about another run, of which nothing is shown yet."""
        self._run = run
        self._step: Step | None = None
        self._place = 0
        self._chosen = Chosen()
        self._attention: Sequence[LayerAttention] | None = None
        self._filled: set[str] = set()

    def compose(self) -> ComposeResult:
        """Lay the tabs out."""
        yield Tabs(*(Tab(name.title(), id=_tab_id(name)) for name in TABS))
        with ContentSwitcher(initial=TABS[0]):
            yield TensorTab(id="tensor")
            yield Picture(id="source")
            yield DataflowTab(id="dataflow")
            yield AttentionTab(id="attention")
            yield Picture(id="explanation")
            yield Picture(id="cell")

    @property
    def tab(self) -> str:
        """The tab in sight."""
        return self.query_one(ContentSwitcher).current or TABS[0]

    @property
    def leads(self) -> Sequence[Lead]:
        """The axes along which a place is chosen in the tab in sight."""
        return self.query_one(AttentionTab).leads if self.tab == "attention" else self.query_one(TensorTab).leads

    def show(self, step: Step, place: int, chosen: Chosen) -> None:
        """Show one output of a step, of the chosen sentence and head."""
        self._step, self._place, self._chosen = step, place, chosen
        self._filled &= {"explanation"}  # that is of the run, not of a step
        self._fill()

    def turn_to(self, name: str) -> None:
        """Show a tab, and let the keys go to it."""
        tabs = self.query_one(Tabs)
        with tabs.prevent(Tabs.TabActivated):
            tabs.active = _tab_id(name)
        self._bring(name)
        shown = self.query_one(f"#{name}")
        inside = (each for each in (shown, *shown.query("*")) if each.focusable and each.display)
        if (first := next(inside, None)) is not None:
            first.focus()

    def _bring(self, name: str) -> None:
        self.query_one(ContentSwitcher).current = name
        self._fill()

    def explain_otherwise(self) -> None:
        """Explain by token, by component, by layer, one after the other."""
        ways: Sequence[By] = ("token", "component", "layer")
        self._by = ways[(ways.index(self._by) + 1) % len(ways)]
        self._filled.discard("explanation")
        self.turn_to("explanation")

    @on(Grid.Moved)
    def _moved(self) -> None:
        self._filled.discard("cell")

    @on(Tabs.TabActivated)
    def _clicked(self, event: Tabs.TabActivated) -> None:
        self._bring((event.tab.id or "").removeprefix(_tab_id("")))

    def _fill(self) -> None:
        name = self.tab
        if name in self._filled or self._step is None:
            return
        self._filled.add(name)
        fill: Callable[[Step], None] = getattr(self, f"_fill_{name}")
        fill(self._step)

    def _fill_tensor(self, step: Step) -> None:
        self.query_one(TensorTab).show(self._run, step, self._place, self._chosen)

    def _fill_source(self, step: Step) -> None:
        from .source import listed, module_of

        picture, run, module = self.query_one("#source", Picture), self._run, module_of(self._run.trace, step)
        if module is None:
            picture.say("no module that was recorded ran this step")
        else:
            self._ask(
                "source", picture, lambda: run.listing(module), lambda found: listed(picture, found, run.trace, step)
            )

    def _fill_dataflow(self, step: Step) -> None:
        self.query_one(DataflowTab).show(self._run.trace, step)

    def _fill_attention(self, step: Step) -> None:
        tab, run, chosen, known = self.query_one(AttentionTab), self._run, self._chosen, self._attention

        def show(layers: "Sequence[LayerAttention]") -> None:
            self._attention = layers
            tab.show(run.trace, layers, step.layer, chosen)

        tab.clear()
        self._ask("attention", tab.query_one(Picture), run.attention if known is None else lambda: known, show)

    def _fill_explanation(self, step: Step) -> None:
        from .explanation import explained

        picture, run, by = self.query_one("#explanation", Picture), self._run, self._by
        self._ask("explanation", picture, lambda: run.explain(by), lambda found: picture.show(explained(found)))

    def _fill_cell(self, step: Step) -> None:
        from ...render.cell import cell_page

        tensor, picture, run, place = self.query_one(TensorTab), self.query_one("#cell", Picture), self._run, 0
        tensor.show(run, step, self._place, self._chosen)
        place, index = self._place, tensor.index
        if index is None:
            picture.show(tensor.why_not)
        else:
            self._ask(
                "cell", picture, lambda: run.cell(step.id, place, index), lambda found: picture.show(cell_page(found))
            )

    def _ask(self, tab: str, picture: Picture, question: Ask, show: Callable[[Any], None]) -> None:
        """Ask what may take seconds, and show the answer, unless something else was asked for in that tab meanwhile."""

        async def work() -> None:
            try:
                show(await answered(question))
            except Exception as error:
                picture.tell(error)

        picture.say("working ...")
        self.run_worker(work(), group=tab, exclusive=True)


def _tab_id(name: str) -> str:
    return f"tab-{name}"
