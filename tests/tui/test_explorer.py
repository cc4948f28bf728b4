"""The program: every key does what the footer and the help say, at every size, in dark and in light."""

import re
from collections.abc import Awaitable, Callable
from itertools import product
from typing import Any

import pytest
from helpers import TEXTS
from textual.pilot import Pilot
from textual.widgets import Footer, Input, Select
from tui.loop import finished
from tui.screen import drawn, labelled, opened, press, run_of, screen, settled, tab

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.render.words import number
from bert_inspect.traces.vocabulary import labels
from bert_inspect.tui.app import Explorer
from bert_inspect.tui.help_text import help_text
from bert_inspect.tui.sheets import Asked, Sheet
from bert_inspect.tui.steps.panel import StepPanel
from bert_inspect.tui.steps.tree import StepTree
from bert_inspect.tui.tabs.grid import Grid
from bert_inspect.tui.tabs.tensor import TensorTab

Play = Callable[[Explorer, Pilot[int]], Awaitable[None]]


def played(traced: Trace, play: Play, **how: Any) -> None:
    """Open the program and play a scene."""

    async def scene() -> None:
        async with opened(run_of(traced), **how) as (app, pilot):
            await play(app, pilot)

    finished(scene())


def chosen(app: Explorer) -> str:
    assert app.step is not None
    return app.step.label


def seen_steps(app: Explorer) -> list[str]:
    """The labels of the steps that the tree shows, closed branches left out."""
    found = []

    def visit(node: Any) -> None:
        if node.data is not None:
            found.append(node.data.step.label)
        if node.is_expanded:
            for child in node.children:
                visit(child)

    visit(app.query_one(StepTree).root)
    return found


def test_the_first_screen_shows_the_model_the_sentence_and_the_answer(traced: Trace) -> None:
    async def play(app: Explorer, pilot: Pilot[int]) -> None:
        shown = screen(app)
        assert TEXTS[0] in shown and "BertForSequenceClassification" in shown and "layer 1" in shown
        assert "prediction" in shown and "class" in shown

    played(traced, play)


@pytest.mark.slow
def test_a_random_model_gives_no_answer(traced: Trace) -> None:
    async def play(app: Explorer, pilot: Pilot[int]) -> None:
        assert "(meaningless)" in screen(app) and not re.search(r"LABEL_\d  ", screen(app).splitlines()[1])

    from msgspec import structs

    played(structs.replace(traced, model=structs.replace(traced.model, weights="random")), play)


@pytest.mark.slow
def test_every_key_of_the_footer_does_what_it_says(traced: Trace) -> None:
    async def play(app: Explorer, pilot: Pilot[int]) -> None:
        keys = {
            binding.description: key for key, (_, binding, *_) in app.screen.active_bindings.items() if binding.show
        }
        shown = screen(app).splitlines()[-1]
        assert set(keys) == {"Quit", "Help", "Search", "Filter", "Text", "Back", "Answer", "Zoom", "Dark"}
        assert all(name in shown for name in keys) and app.query_one(Footer)
        await press(pilot, keys["Help"])
        assert isinstance(app.screen, Sheet) and "search as you type" in screen(app)
        await press(pilot, "escape", keys["Answer"])
        assert isinstance(app.screen, Sheet) and "hidden 32" in screen(app)
        await press(pilot, "escape", keys["Zoom"])
        assert not app.query_one(StepPanel).display and app.query_one(StepPanel).has_class("away")
        await press(pilot, keys["Zoom"], keys["Dark"])
        assert app.query_one(StepPanel).display and not app.current_theme.dark
        await press(pilot, keys["Dark"], keys["Search"])
        assert app.current_theme.dark and isinstance(app.focused, Input)
        await press(pilot, "escape")
        assert isinstance(app.focused, StepTree)
        await press(pilot, keys["Filter"])
        assert app.query_one("#layer", Select).expanded
        await press(pilot, "escape", "escape", keys["Text"])
        assert "a saved trace holds no model" in screen(app)
        app.go(labelled(traced, labels.CONTEXT))
        await press(pilot, keys["Back"])
        assert chosen(app) == traced.steps[0].label
        await press(pilot, keys["Back"])
        assert "there was no jump" in screen(app)
        await press(pilot, keys["Quit"])
        assert app.return_value == 0

    played(traced, play)


def test_the_help_names_every_key() -> None:
    from helpers import shown

    from bert_inspect.tui.keys import KEYS

    told = shown(help_text(), 100)
    names = {"question_mark": "?", "slash": "/", "left_square_bracket": "[", "right_square_bracket": "]"}
    for binding in KEYS:
        key = names.get(binding.key, binding.key)  # type: ignore[union-attr]
        if not key.isdigit() and not key.isupper():  # 1 to 6, with shift
            assert re.search(rf"(^|[ ,]){re.escape(key)}[ ,]", told, re.MULTILINE), key


@pytest.mark.slow
def test_search_narrows_as_one_types_and_escape_shows_all_again(traced: Trace) -> None:
    async def play(app: Explorer, pilot: Pilot[int]) -> None:
        before = seen_steps(app)
        await press(pilot, "slash", *"softmax")
        found = seen_steps(app)
        assert found.count(labels.ATTENTION_PROBABILITIES) == 2 and labels.CONTEXT not in found
        assert chosen(app) == labels.ATTENTION_PROBABILITIES and "2 of" in screen(app)
        await press(pilot, "z", "z")
        assert "no such step" in screen(app)
        await press(pilot, "escape")
        assert {*before} <= {*seen_steps(app)} and chosen(app) == labels.ATTENTION_PROBABILITIES
        await press(pilot, "slash", *"#3", "enter")
        assert isinstance(app.focused, StepTree) and app.step == traced.steps[3]

    played(traced, play)


@pytest.mark.slow
def test_filters_by_layer_label_and_level(traced: Trace) -> None:
    async def play(app: Explorer, pilot: Pilot[int]) -> None:
        tree = app.query_one(StepTree)
        app.query_one("#layer", Select).value = 1
        await settled(pilot)
        assert app.step is not None and app.step.layer == 1
        app.query_one("#label", Select).value = labels.ATTENTION_SCORES
        await settled(pilot)
        assert seen_steps(app)[-1] == labels.ATTENTION_SCORES and seen_steps(app).count(labels.ATTENTION_SCORES) == 1
        await press(pilot, "x")
        app.query_one("#level", Select).value = "module"
        await settled(pilot)
        for node in list(tree.root.children):
            node.expand_all()
        await settled(pilot)
        assert labels.ATTENTION_SCORES not in seen_steps(app)

    played(traced, play)


@pytest.mark.slow
def test_a_jump_clears_the_filter_that_hides_its_end_and_back_returns(traced: Trace) -> None:
    async def play(app: Explorer, pilot: Pilot[int]) -> None:
        await press(pilot, "slash", *"softmax", "enter", "3")
        start = app.step
        assert tab(app) == "dataflow" and start is not None
        await press(pilot, "enter")
        assert app.step == traced.steps[start.inputs[0].from_ or 0]
        assert app.query_one("#search", Input).value == ""
        node = app.query_one(StepTree).cursor_node
        assert node is not None and node.data is not None and node.data.step == app.step
        await press(pilot, "b")
        assert app.step == start

    played(traced, play)


@pytest.mark.slow
def test_brackets_go_to_the_same_step_of_another_layer(traced: Trace) -> None:
    async def play(app: Explorer, pilot: Pilot[int]) -> None:
        app.go(labelled(traced, labels.CONTEXT, 0))
        await press(pilot, "right_square_bracket")
        assert (chosen(app), app.step and app.step.layer) == (labels.CONTEXT, 1)
        await press(pilot, "right_square_bracket")
        assert "no layer after this one" in screen(app)
        await press(pilot, "left_square_bracket")
        assert (chosen(app), app.step and app.step.layer) == (labels.CONTEXT, 0)

    played(traced, play)


@pytest.mark.slow
def test_the_number_under_the_cursor_is_that_of_the_trace(traced: Trace) -> None:
    async def play(app: Explorer, pilot: Pilot[int]) -> None:
        step = traced.steps[labelled(traced, labels.ATTENTION_PROBABILITIES, 1)]
        values = step.outputs[0].values
        assert values is not None
        app.go(step.id)
        await press(pilot, "1", "s", "h", "h", "down", "down", "right")
        assert app.query_one(TensorTab).index == (1, 2, 2, 1)
        assert f"{values.at(1, 2, 2, 1):.9g}" in screen(app) and f"{values.at(1, 2, 0, 3):.4f}" in screen(app)
        assert "sentence 2, head 2, query token 2 (hates)" in screen(app)
        await press(pilot, "S", "H", "end", "ctrl+end")
        shown = app.query_one(TensorTab).index
        real = sum(traced.input.attention_mask[0])
        assert shown == (0, 1, real - 1, real - 1) and "padding" in screen(app)
        await press(pilot, "p", "end", "ctrl+end")
        last = len(traced.input.tokens[0]) - 1
        assert app.query_one(TensorTab).index == (0, 1, last, last)
        await press(pilot, "m")
        head = [values.at(0, 1, *place) for place in product(range(last + 1), repeat=2)]
        assert f"{max(head):.9g}" in screen(app)
        await press(pilot, "v")
        assert "◆" in screen(app)
        await pilot.click(Grid, offset=(20, 2))
        await settled(pilot)
        assert app.query_one(TensorTab).index is not None and app.query_one(Grid).row == 1

    played(traced, play)


@pytest.mark.slow
def test_however_far_it_is_scrolled_no_number_is_cut(traced: Trace) -> None:
    async def play(app: Explorer, pilot: Pilot[int]) -> None:
        step = traced.steps[labelled(traced, labels.EMBEDDINGS)]
        values = step.outputs[0].values
        assert values is not None
        app.go(step.id)
        await settled(pilot)
        written = [number(values.at(0, 1, place)) for place in range(values.shape[2])]
        grid = app.query_one(Grid)
        for x in (0, 1, 13, 55, 1000):
            grid.scroll_to(x, 0, animate=False, force=True)
            await settled(pilot)
            line = next(line for line in screen(app).splitlines() if re.search(r"│ *I +-?\d", line))
            shown = line.rpartition("│")[2].split()[1:]
            first = written.index(shown[0])
            assert len(shown) > 3 and shown == written[first : first + len(shown)]

    played(traced, play)


@pytest.mark.slow
def test_the_mouse_reaches_what_the_keys_reach(traced: Trace) -> None:
    async def play(app: Explorer, pilot: Pilot[int]) -> None:
        step = labelled(traced, labels.ATTENTION_PROBABILITIES, 1)
        app.go(step)
        await settled(pilot)
        for click, index in (("›", (1, 0, 0, 0)), ("‹", (0, 0, 0, 0))):  # the first of them is that of the sentence
            line = next(line for line in screen(app).splitlines() if "‹ sentence" in line)
            await pilot.click(offset=(line.index(click), screen(app).splitlines().index(line)))
            await settled(pilot)
            assert app.query_one(TensorTab).index == index
        await pilot.click("#tab-dataflow")
        await settled(pilot)
        assert tab(app) == "dataflow"
        lines = screen(app).splitlines()
        row = next(place for place, line in enumerate(lines) if "masked attention scores  add" in line)
        await pilot.click(offset=(lines[row].index("masked attention scores  add"), row))
        await settled(pilot)
        assert chosen(app) == labels.MASKED_ATTENTION_SCORES
        await pilot.click("#banner")
        await settled(pilot)
        assert isinstance(app.screen, Sheet)

    played(traced, play)


@pytest.mark.slow
def test_a_step_of_several_outputs_shows_what_it_is_about_first(traced: Trace) -> None:
    async def play(app: Explorer, pilot: Pilot[int]) -> None:
        assert [output.name for output in traced.steps[0].outputs] == ["loss", "logits"]
        assert "output 2 of 2 (logits)" in screen(app) and app.query_one(TensorTab).index == (0, 0)
        await press(pilot, "o")
        assert "output 1 of 2 (loss)" in screen(app) and app.query_one(TensorTab).index == ()

    played(traced, play)


@pytest.mark.slow
def test_without_values_it_says_how_to_get_them(traced: Trace) -> None:
    from helpers import without_values

    async def play(app: Explorer, pilot: Pilot[int]) -> None:
        app.go(labelled(traced, labels.CONTEXT))
        await settled(pilot)
        assert "no values here" in screen(app) and "batch 2 × heads 4" in screen(app) and "mean" in screen(app)

    played(without_values(traced), play)


@pytest.mark.slow
def test_another_sentence_replaces_the_run_and_says_what_changed(model: Any, tokenizer: Any, traced: Trace) -> None:
    def rerun(text: str) -> Any:
        return run_of(trace(model, tokenizer, text, values=True), notes=["[red]heard[/]"])

    async def scene() -> None:
        async with opened(run_of(traced), rerun=rerun) as (app, pilot):
            app.go(labelled(traced, labels.CONTEXT, 1))
            await press(pilot, "t")
            assert isinstance(app.screen, Asked)
            await press(pilot, *"dogs", "enter")
            await settled(pilot)
            assert isinstance(app.screen, Sheet) and "the sentences differ" in screen(app)
            assert "[red]heard[/]" in screen(app)
            await press(pilot, "escape")
            assert app.now.trace.input.texts == ["dogs"] and (chosen(app), app.step and app.step.layer) == (
                labels.CONTEXT,
                1,
            )
            assert "dogs" in screen(app)
            await press(pilot, "c")
            assert isinstance(app.screen, Sheet)

    finished(scene())


@pytest.mark.slow
def test_a_sentence_that_cannot_be_run_leaves_all_as_it_was(traced: Trace) -> None:
    from bert_inspect.errors import UsageError

    def rerun(text: str) -> Any:
        raise UsageError("[b]too long[/b]", "shorten it")

    async def scene() -> None:
        async with opened(run_of(traced), rerun=rerun) as (app, pilot):
            await press(pilot, "t", "enter")
            await settled(pilot)
            assert "[b]too long[/b]" in screen(app) and "shorten it" in screen(app)
            await press(pilot, "escape", "c")
            assert app.now.trace is traced and "no other sentence was run yet" in screen(app)

    finished(scene())


@pytest.mark.slow
def test_every_tab_is_there_at_every_size_and_in_light(traced: Trace) -> None:
    async def play(app: Explorer, pilot: Pilot[int]) -> None:
        app.go(labelled(traced, labels.ATTENTION_PROBABILITIES))
        for size, key in (((80, 24), "1"), ((120, 40), "2"), ((200, 50), "3"), ((60, 20), "4")):
            await pilot.resize_terminal(*size)
            await press(pilot, key)
            lines = screen(app).splitlines()
            assert len(lines) == size[1] and "Quit" in lines[-1] and "Attention" in screen(app)
            assert app.screen.size == size
        assert "[CLS]" in drawn(app, "attention")

    played(traced, play, size=(60, 20), light=True)


@pytest.mark.slow
def test_ctrl_c_ends_it_with_the_code_of_an_interrupt(traced: Trace) -> None:
    async def play(app: Explorer, pilot: Pilot[int]) -> None:
        await press(pilot, "slash", "ctrl+c")
        assert app.return_value == 130

    played(traced, play)
