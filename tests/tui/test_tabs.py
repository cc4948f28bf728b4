"""The tabs of every kind of step, in every family and for every head; and what they say is what the commands say."""

import pytest
from helpers import shown
from tui.loop import finished
from tui.screen import drawn, labelled, live, opened, press, run_of, screen, settled

from bert_inspect import Trace
from bert_inspect.errors import UsageError
from bert_inspect.families import heads
from bert_inspect.families.heads import Head
from bert_inspect.render.cell import cell_page
from bert_inspect.render.cells import View
from bert_inspect.render.listing.page import SourceListing
from bert_inspect.source_view.listing import listing
from bert_inspect.traces.vocabulary import labels
from bert_inspect.tui.keys import TABS
from bert_inspect.tui.picture import Picture
from bert_inspect.tui.tabs.dataflow import DataflowTab
from bert_inspect.tui.tabs.step_tabs import StepTabs

pytestmark = pytest.mark.slow

MODELS = [
    ("albert", heads.MASKED_LM),
    ("deberta-v2", heads.QUESTION_ANSWERING),
    ("modernbert", heads.TOKEN_CLASSIFICATION),
    ("distilbert", heads.NO_HEAD),
    ("electra", heads.MULTIPLE_CHOICE),
]


@pytest.mark.parametrize(("family", "head"), MODELS, ids=[f"{family}-{head.task}" for family, head in MODELS])
def test_the_tabs_of_every_family_and_head(family: str, head: Head) -> None:
    run = live(family, head)

    async def scene() -> None:
        async with opened(run, size=(70, 20)) as (app, pilot):
            app.go(labelled(run.trace, labels.ATTENTION_PROBABILITIES))
            for name in TABS:
                app.query_one(StepTabs).turn_to(name)
                await settled(pilot)
                assert "unexpected failure" not in screen(app), name
            app.go(0)
            await settled(pilot)
            assert "unexpected failure" not in screen(app)
            told = drawn(app, "explanation")
            assert "by token" in told or head in (heads.NO_HEAD, heads.MASKED_LM), told
            assert "the heads of layer" in drawn(app, "attention")

    finished(scene())


def test_what_the_tabs_show_is_what_the_commands_show() -> None:
    run = live("bert", heads.SEQUENCE_CLASSIFICATION)
    step = run.trace.steps[labelled(run.trace, labels.ATTENTION_SCORES)]

    async def scene() -> None:
        async with opened(run, size=(200, 50)) as (app, pilot):
            app.go(step.id)
            await press(pilot, "1", "down", "right", "enter")
            picture = app.query_one("#cell", Picture)
            width = picture.scrollable_content_region.width
            told = shown(cell_page(run.cell(step.id, 0, (0, 0, 1, 1))), width)
            assert drawn(app, "cell").split() == told.split() and "NOT" not in told
            await press(pilot, "2")
            module = run.trace.steps[step.parent or 0]
            rows = shown(SourceListing(run.listing(module), run.trace, View(), marked=step), width)
            assert drawn(app, "source").split() == rows.split() and rows.count("▶") == 1
            assert "? the trace does not say" not in rows  # of a run, each line is known to have run or not
            assert "?" in shown(SourceListing(listing(run.trace, module), run.trace, View()), width)
            assert "▶" in screen(app)
            await press(pilot, "5")
            assert "by token" in drawn(app, "explanation")
            await press(pilot, "y")
            assert "by component" in drawn(app, "explanation")
            await press(pilot, "y")
            assert "by layer" in drawn(app, "explanation")

    finished(scene())


def test_attention_is_that_of_the_chosen_layer_sentence_and_head(traced: Trace) -> None:
    async def scene() -> None:
        async with opened(run_of(traced)) as (app, pilot):
            app.go(labelled(traced, labels.CONTEXT, 1))
            await press(pilot, "4", "h", "h", "s")
            assert "layer 1   ‹ sentence 2 of 2 › s   ‹ head 2 of 4 › h" in screen(app)
            assert "the heads of layer 1" in drawn(app, "attention") and "hates" in drawn(app, "attention")
            app.go(0)
            await settled(pilot)
            assert "layer 0   ‹ sentence 2 of 2 ›" in screen(app)

    finished(scene())


def test_the_dataflow_names_what_it_comes_from_and_goes_to(traced: Trace) -> None:
    async def scene() -> None:
        async with opened(run_of(traced)) as (app, pilot):
            app.go(labelled(traced, labels.ATTENTION_PROBABILITIES))
            await press(pilot, "3")
            before, after = screen(app).split("●")
            assert "layer 0, masked attention scores" in before and "layer 0, attention dropout" in after
            assert app.query_one(DataflowTab).highlighted == 1
            app.go(0)
            await settled(pilot)
            assert "given to the model: input_ids" in screen(app) and "returned by the model as logits" in screen(app)

    finished(scene())


def test_what_has_no_answer_says_why(traced: Trace) -> None:
    def refuse(*_: object) -> None:
        raise UsageError("[i]no[/i] model", "name one")

    def fail(*_: object) -> None:
        raise ValueError("[i]broken[/i]")

    async def scene() -> None:
        async with opened(run_of(traced, explain=refuse, cell=fail)) as (app, pilot):
            await press(pilot, "5")
            assert drawn(app, "explanation").split("\n") == ["[i]no[/i] model", "name one"]
            await press(pilot, "6")
            assert drawn(app, "cell") == "unexpected failure: ValueError: [i]broken[/i]"

    finished(scene())
