"""The page on effects: the numbers of the map and of the rows, and nothing that comes from outside is obeyed."""

import re

import pytest
from render.effects.records import ablated, patched, patched_blocks
from render.explain.records import model
from render.explain.test_terminal import HOSTILE

from bert_inspect.analysis.effects.record import Effects
from bert_inspect.render.effects.view import View
from bert_inspect.render.report import effects_html


def cells(html: str) -> list[str]:
    return re.findall(r'<td class="cell[^"]*" title="([^"]*)"', html)


def test_the_map_holds_every_hidden_state() -> None:
    html = effects_html(patched(), View())
    assert len(cells(html)) == 12 and "awful * hidden_states[0] +1.0000" in cells(html)
    assert html.count('class="pair-of differs"') == 1
    assert '<span class="pair-of differs"><span>great</span><span>awful</span></span>' in html


def test_where_there_is_no_map_there_are_bars_in_the_order_of_the_model() -> None:
    html = effects_html(patched_blocks(), View())
    assert not cells(html)
    assert re.findall(r"layer \d attention", html) == [f"layer {layer} attention" for layer in range(3)]
    assert re.findall(r'<rect class="\w+" x="[^"]*" width="([^"]+)" height="8"/><rect', html) == [
        "0.00",
        "25.00",
        "100.00",
    ]


def test_the_ten_that_matter_come_first_and_all_where_asked_for() -> None:
    heads = [[0.125 * head - 0.25 * layer for head in range(16)] for layer in range(2)]
    few, every = (effects_html(ablated(heads, importance=True), View(all=all_)) for all_ in (False, True))
    assert len(re.findall(r"layer \d head \d+</th>", few)) == 10 and "layer 0 head 15</th>" in few
    assert len(re.findall(r"layer \d head \d+</th>", every)) == 32
    assert len(cells(few)) == 64 and "It ranks the heads of one layer" in few


@pytest.mark.parametrize(
    "found",
    [patched(clean=HOSTILE, corrupt="x"), patched(model=model(name=HOSTILE)), ablated([[1.0]], how=HOSTILE)],
    ids=["token", "model", "how"],
)
def test_no_text_is_obeyed(found: Effects) -> None:
    html = effects_html(found, View())
    assert "[red]x[/red]" in html and "&lt;b&gt;" in html
    assert "<b>" not in html and "\x1b" not in html and "\u202e" not in html
    assert "script-src &#39;none&#39;" in html and "default-src &#39;none&#39;" in html


def test_random_weights_are_warned_of_and_greyed() -> None:
    html = effects_html(patched(model=model(weights="random")), View())
    assert "meaningless, and so is what a patch does to them" in html and "why-answer meaningless" in html
    assert "positive" not in html and "change the answer" not in html
