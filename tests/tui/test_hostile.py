"""Text from outside on the screen: shown as it is written, never taken as markup or as a command to the terminal."""

import unicodedata

import pytest
from msgspec import structs
from textual.widgets import Select
from tui.loop import finished
from tui.screen import labelled, opened, press, run_of, screen, settled

from bert_inspect import Trace
from bert_inspect.traces.vocabulary import labels
from bert_inspect.tui.keys import TABS
from bert_inspect.tui.steps.tree import StepTree
from bert_inspect.tui.tabs.step_tabs import StepTabs

pytestmark = pytest.mark.slow

WORDS = [
    "[red]x[/]",
    "[/]",
    "[@click=app.quit]q[/]",
    "\x1b[2J",
    "\u202eabc",
    "שלום",
    "日本",
    "👩‍👩‍👧",
    "l" * 60,
    "a\nb",
    "<script>",
]
"""One for each token of the sentences, and more."""


def hostile(traced: Trace) -> Trace:
    """The trace with hostile text wherever text may stand."""
    count = len(traced.input.tokens[0])
    tokens = [[WORDS[(row + place) % len(WORDS)] for place in range(count)] for row in range(2)]
    batch = structs.replace(traced.input, texts=[" ".join(WORDS), WORDS[0]], tokens=tokens)
    model = structs.replace(
        traced.model,
        name=WORDS[0] + WORDS[3],
        config={**traced.model.config, "id2label": {"0": WORDS[0], "1": WORDS[4]}},
    )
    steps = [
        structs.replace(
            step,
            label=step.label if step.id != 3 else WORDS[0] + WORDS[3],
            arguments=WORDS[0] + WORDS[4],
            known_as=[*step.known_as, WORDS[2]],
            inputs=[structs.replace(tensor, name=WORDS[1]) for tensor in step.inputs],
        )
        for step in traced.steps
    ]
    return structs.replace(traced, input=batch, model=model, steps=steps)


def unsafe(text: str) -> set[str]:
    return {sign for sign in text if sign != "\n" and unicodedata.category(sign) in ("Cc", "Cf", "Cs")} - {"\u200d"}


def test_hostile_text_is_shown_and_does_nothing(traced: Trace) -> None:
    run = run_of(hostile(traced), notes=WORDS[:4], no_values=WORDS[0])

    async def scene() -> None:
        async with opened(run, size=(160, 40)) as (app, pilot):
            assert "[red]x[/]" in screen(app) and not unsafe(screen(app))
            for id_ in (3, labelled(run.trace, labels.ATTENTION_PROBABILITIES)):
                app.go(id_)
                for name in TABS[:4]:
                    app.query_one(StepTabs).turn_to(name)
                    await settled(pilot)
                    assert "[red]x[/]" in screen(app) and not unsafe(screen(app)), name
                    assert "unexpected failure" not in screen(app)
            app.query_one("#label", Select).value = WORDS[0] + WORDS[3]
            await settled(pilot)
            assert app.step is not None and app.step.id == 3 and not unsafe(screen(app))
            await press(pilot, "a")
            assert not unsafe(screen(app)) and app.return_value is None

    finished(scene())


def test_a_trace_without_steps_opens(traced: Trace) -> None:
    empty = structs.replace(traced, steps=[], output=None)

    async def scene() -> None:
        async with opened(run_of(empty)) as (app, pilot):
            await press(
                pilot, *"123456", "right_square_bracket", "s", "o", "v", "p", "slash", "x", "escape", "a", "escape"
            )
            assert app.step is None and app.query_one(StepTree)
            await press(pilot, "q")

    finished(scene())
