"""The page on effects in a real browser: on a phone, on a desk, in the dark."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page
from render.effects.records import ablated, patched, patched_blocks
from render.explain.records import model

from bert_inspect.analysis.effects.record import Effects
from bert_inspect.render.effects.view import View
from bert_inspect.render.report import effects_html

Open = Callable[..., Page]
SENTENCE = " ".join(["great", *["film"] * 60])
MADE = {
    "heads": ablated([[0.03125 * head for head in range(12)]] * 12, importance=True),
    "hidden states": patched(
        shares=[[0.25 * (place % 5)] * 13 for place in range(63)],
        clean=SENTENCE,
        corrupt=SENTENCE.replace("great", "awful"),
    ),
    "blocks": patched_blocks(),
    "long words": patched(clean="w" * 60, corrupt="v" * 60, model=model(name="n" * 90)),
}


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 800, 1400])
@pytest.mark.parametrize("found", MADE.values(), ids=MADE)
def test_nothing_lies_beside_the_screen(show: Open, found: Effects, width: int) -> None:
    page = show(effects_html(found, View()), viewport={"width": width, "height": 800}, color_scheme="dark")
    for box in ("document.documentElement", *(f"document.querySelectorAll('.scroll')[{at}]" for at in range(2))):
        assert page.evaluate(f"!{box} || {box}.scrollWidth <= {box}.clientWidth"), box
