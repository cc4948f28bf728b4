"""The program on a screen of the test's own: opened, asked to settle, and read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from families.tiny import as_loaded, batch, tiny
from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from bert_inspect.analysis.attention import attentions
from bert_inspect.cli.explored import Session
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import Head
from bert_inspect.source_view.listing import listing
from bert_inspect.traces.record import Trace
from bert_inspect.traces.selection import Selection
from bert_inspect.tui.app import Explorer
from bert_inspect.tui.picture import Picture
from bert_inspect.tui.run import Run
from bert_inspect.tui.tabs.step_tabs import StepTabs

SIZE = (100, 30)


def nothing(*_: Any) -> Any:
    raise AssertionError("this test asks the model nothing")


def run_of(trace: Trace, **changes: Any) -> Run:
    """A run of which the trace alone is shown."""
    asked: dict[str, Any] = {"cell": nothing, "explain": nothing, "no_values": "no values here"}
    held = {"listing": lambda step: listing(trace, step), "attention": lambda: attentions(trace)}
    return Run(trace=trace, **{**held, **asked, **changes})


def live(family: str, head: Head, **changes: Any) -> Run:
    """A run of a tiny model of a family, of which everything may be asked."""
    return Session(as_loaded(tiny(FAMILIES[family], head, **changes)), batch(FAMILIES[family]), Selection()).run()


@asynccontextmanager
async def opened(run: Run, *, size: tuple[int, int] = SIZE, **how: Any) -> AsyncIterator[tuple[Explorer, Pilot[int]]]:
    """The program with a run, and what presses its keys."""
    app = Explorer(run, **how)
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield app, pilot


async def press(pilot: Pilot[int], *keys: str) -> None:
    """Press keys, and wait for all that they set off."""
    await pilot.press(*keys)
    await settled(pilot)


async def settled(pilot: Pilot[int]) -> None:
    """Wait for all questions to be answered, and for the screen to be drawn."""
    for worker in list(pilot.app.workers):
        with suppress(WorkerCancelled):  # something else was asked for meanwhile
            await worker.wait()
    await pilot.pause()


def screen(app: Explorer) -> str:
    """What stands on the screen."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


def drawn(app: Explorer, tab: str) -> str:
    """What a tab's picture holds, also beyond what is in sight."""
    return app.query_one("#attention-text" if tab == "attention" else f"#{tab}", Picture).text


def tab(app: Explorer) -> str:
    return app.query_one(StepTabs).tab


def labelled(trace: Trace, label: str, layer: int | None = None) -> int:
    """The number of the first step of a label."""
    return next(step.id for step in trace.steps if step.label == label and layer in (None, step.layer))
