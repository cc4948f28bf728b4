"""The program: the tree of steps on the left, what is known of the chosen step in tabs on the right."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, OptionList, Static, Tree

from ..safetext import safe_text
from ..traces.record import Step
from ..traces.tree import Node
from .asking import answered
from .banner import banner
from .help_text import help_text
from .keys import KEYS
from .picture import told
from .program import Program
from .run import Rerun, Run
from .sheets import Asked, Sheet
from .steps.moves import in_layer, same_step
from .steps.panel import StepPanel
from .steps.tree import StepTree
from .tabs.controls import key_of
from .tabs.dataflow import DataflowTab
from .tabs.grid import Grid
from .tabs.slices import SENTENCES, Chosen
from .tabs.step_tabs import StepTabs
from .tabs.tensor import TensorTab
from .where import main_place, where_line

_TABLE = 78
"""The columns that the table of what changed needs."""


class Explorer(Program):
    """A run on a full screen."""

    CSS_PATH = "explorer.tcss"
    TITLE = "bert-inspect explore"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-high")]  # noqa: RUF012
    BINDINGS = KEYS

    def __init__(self, run: Run, *, rerun: Rerun | None = None, light: bool = False) -> None:
        super().__init__(light=light)
        self.now = run
        self.step: Step | None = next(iter(run.trace.steps), None)
        self._rerun = rerun
        self._output = 0 if self.step is None else main_place(self.step)
        self._chosen = Chosen()
        self._dense = False
        self._came_from: list[int] = []
        self._change: RenderableType | None = None

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield Static(id="banner", markup=False)
        with Horizontal(id="body"):
            yield StepPanel(self.now.trace, id="left")
            with Vertical(id="right"):
                yield Static(id="where", markup=False)
                yield StepTabs(self.now, id="tabs")
        yield Footer()

    def on_mount(self) -> None:
        """Begin with the whole model."""
        self.paint()
        self.query_one(StepTree).focus()
        self.query_one(StepTree).stand(self.step)
        self._show()
        self._tell(self.now.notes)

    def _show(self) -> None:
        """Show the chosen step everywhere."""
        row = min(self._chosen.places.get(SENTENCES, 0), max(0, len(self.now.trace.input.texts) - 1))
        self.query_one("#banner", Static).update(banner(self.now.trace, row), layout=False)
        self.query_one("#where", Static).update(Text() if self.step is None else where_line(self.step), layout=False)
        if self.step is not None:
            self.query_one(StepTabs).show(self.step, self._output, self._chosen)

    # The chosen step

    @on(Tree.NodeHighlighted)
    def _highlighted(self, event: Tree.NodeHighlighted[Node]) -> None:
        if event.node.data is not None:
            self._choose(event.node.data.step)

    @on(Tree.NodeSelected)
    def _selected(self, event: Tree.NodeSelected[Node]) -> None:
        event.node.toggle()

    def _choose(self, step: Step) -> None:
        if self.step is None or step.id != self.step.id:
            self.step, self._output = step, main_place(step)
            self._show()

    def go(self, id_: int) -> None:
        """Jump to a step, and remember where from; a filter that hides it is cleared."""
        if self.step is not None and self.step.id != id_:
            self._came_from.append(self.step.id)
            self._stand_at(id_)

    def _stand_at(self, id_: int) -> None:
        panel = self.query_one(StepPanel)
        id_ = panel.steps.hosts(id_)
        if not panel.steps.reveal(id_):
            panel.clear_filters()
            panel.steps.reveal(id_)
        self._choose(self.now.trace.steps[id_])

    def action_go_back(self) -> None:
        """Return to where the last jump began."""
        if self._came_from:
            self._stand_at(self._came_from.pop())
        else:
            self._tell(["there was no jump to go back from"])

    def action_layer(self, by: int) -> None:
        """Go to the same step of the next layer, or of the one before."""
        found = None if self.step is None else in_layer(self.now.trace.steps, self.step, by)
        if found is not None:
            self._stand_at(found.id)
        elif self.step is not None and self.step.layer is not None:
            self._tell([f"no layer {'after' if by > 0 else 'before'} this one has such a step"])
        else:
            self._tell(["this step is in no layer"])

    @on(OptionList.OptionSelected)
    def _jump(self, event: OptionList.OptionSelected) -> None:
        if isinstance(event.option_list, DataflowTab):
            target = event.option_list.target(event.option_index)
            if target is not None:
                self.go(target)

    # What is shown of it

    def action_tab(self, name: str) -> None:
        """Show a tab, and let the keys go to it."""
        self.query_one(StepTabs).turn_to(name)

    def action_move_along(self, key: str, by: int) -> None:
        """Choose the next place along an axis: of sentences, of heads, or another."""
        leads = self.query_one(StepTabs).leads
        lead = next((lead for lead in leads if key_of(lead) == key and lead.size > 1), None)
        if lead is not None:
            self._chosen = self._chosen.moved(lead, by)
            self._show()

    def action_padding(self) -> None:
        """Show padding, or hide it."""
        self._chosen = Chosen(places=self._chosen.places, padding=not self._chosen.padding)
        self._show()

    def action_output(self) -> None:
        """Show the next output of a step that returns several."""
        if self.step is not None and self.step.outputs:
            self._output = (self._output + 1) % len(self.step.outputs)
            self._show()

    def action_dense(self) -> None:
        """Show colours alone, or numbers."""
        self._dense = not self._dense
        self.query_one(Grid).densely(dense=self._dense)

    def action_largest(self) -> None:
        """Move the cursor to the largest number."""
        self.action_tab("tensor")
        self.query_one(TensorTab).to_peak()

    def action_by(self) -> None:
        """Explain by token, by component, by layer, one after the other."""
        self.query_one(StepTabs).explain_otherwise()

    def on_key(self, event: events.Key) -> None:
        """Open the arithmetic of a number where enter is pressed on it."""
        if event.key == "enter" and isinstance(self.focused, Grid):
            self.action_tab("cell")

    # Another sentence

    def action_text(self) -> None:
        """Ask for another sentence, and run it."""
        batch = self.now.trace.input
        if self._rerun is None:
            self._tell(["a saved trace holds no model to run another sentence on: bert-inspect explore TEXT loads one"])
        else:
            note = "enter runs it, esc leaves it"
            if batch.pairs is not None:
                note += f"; with: {safe_text(batch.pairs[0], most=60)}"
            text = batch.texts[0] if batch.texts else ""
            self.push_screen(Asked("Run another sentence on this model", text, note), self._run_text)

    def _run_text(self, text: str | None) -> None:
        rerun, before = self._rerun, self.now.trace
        if text is None or rerun is None:
            return

        def question() -> tuple[Run, RenderableType]:
            from .change import change

            after = rerun(text)
            return after, change(before, after.trace)

        async def work() -> None:
            try:
                after, changed = await answered(question)
            except Exception as error:
                self.push_screen(Sheet("This sentence was not run", told(error)))
            else:
                self._replace(after, changed)

        self._tell(["running the model ..."])
        self.run_worker(work(), group="text", exclusive=True)

    def _replace(self, run: Run, changed: RenderableType) -> None:
        """Show another run, the same step of it."""
        before = self.step
        self.now, self._change = run, changed
        self.step = (before and same_step(run.trace.steps, before)) or next(iter(run.trace.steps), None)
        self._output = 0 if self.step is None else main_place(self.step)
        self._came_from.clear()
        self.clear_notifications()
        self.query_one(StepTabs).take(run)
        self.query_one(StepPanel).fill(run.trace)
        self._show()
        self._tell(run.notes)
        self.action_changed()

    def action_changed(self) -> None:
        """Show what the last sentence changed."""
        if self._change is None:
            self._tell(["no other sentence was run yet: t runs one"])
        else:
            self.push_screen(Sheet("What changed", self._change, least=_TABLE))

    # The screen

    def action_search(self) -> None:
        """Search as one types."""
        self._zoom(zoomed=False)
        self.query_one(StepPanel).search()

    def action_filters(self) -> None:
        """Choose a layer."""
        self._zoom(zoomed=False)
        self.query_one(StepPanel).choose_layer()

    def action_clear(self) -> None:
        """Show all steps again."""
        self.query_one(StepPanel).clear_filters()
        self.query_one(StepTree).focus()

    def action_zoom(self) -> None:
        """Show the tab alone, or the tree beside it."""
        self._zoom(zoomed=not self.query_one(StepPanel).has_class("away"))
        if self.query_one(StepPanel).has_class("away"):
            self.action_tab(self.query_one(StepTabs).tab)
        else:
            self.query_one(StepTree).focus()

    def _zoom(self, *, zoomed: bool) -> None:
        self.query_one(StepPanel).set_class(zoomed, "away")

    def action_help(self) -> None:
        """Show the help."""
        self.push_screen(Sheet("Keys and tabs", help_text()))

    @on(events.Click, "#banner")
    def action_answer(self) -> None:
        """Show the whole answer."""
        from ..render.header import header
        from ..render.result import result

        self.push_screen(Sheet("The answer", Group(header(self.now.trace), result(self.now.trace))))

    def _tell(self, notes: Sequence[str]) -> None:
        for note in notes:
            self.notify(safe_text(note, most=400), markup=False)
