"""Effects as SVG: every number in its cell, both sentences above each other, bars in proportion, nothing obeyed."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from render.effects.records import SHARES, ablated, patched, patched_blocks
from render.explain.records import model
from render.explain.test_terminal import HOSTILE

from bert_inspect.analysis.effects.record import Effects
from bert_inspect.render.effects.picture import effects_svg
from bert_inspect.render.effects.view import View
from bert_inspect.render.explain.digits import short

NAMESPACE = "{http://www.w3.org/2000/svg}"
HEADS = [[0.125 * head - 0.5 * layer for head in range(16)] for layer in range(12)]
MADE = {
    "hidden states": patched(),
    "blocks": patched_blocks(),
    "random": patched(model=model(weights="random")),
    "long words": patched(clean="w" * 300, corrupt="v" * 300),
    "many heads": ablated(HEADS, importance=True),
}


def elements(svg: str, name: str) -> list[Any]:
    return list(ElementTree.fromstring(svg).iter(f"{NAMESPACE}{name}"))


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in elements(svg, "text")]


@pytest.mark.parametrize("name", MADE)
def test_it_is_one_picture_in_both_schemes_and_nothing_leaves_it(name: str) -> None:
    svg = effects_svg(MADE[name], View())
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{NAMESPACE}svg" and "prefers-color-scheme:dark" in svg
    assert not re.search(r"(href|src)=|url\(", svg)
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for element in root.iter():
        x, y = float(element.get("x", 0)), float(element.get("y", 0))
        assert -0.1 <= x <= width and -0.1 <= y <= height
        if element.tag == f"{NAMESPACE}rect":
            assert x + float(element.get("width", 0)) <= width


def test_every_hidden_state_has_its_cell_and_every_token_its_row() -> None:
    svg = effects_svg(patched(), View())
    told = {element.text for element in elements(svg, "title")}
    for place, (name, row) in enumerate(zip(("[CLS]", "awful *", "[SEP]"), SHARES, strict=True)):
        assert f"{place}  {name}" in texts(svg)
        for state, share in enumerate(row):
            number = "0.0000" if not share else f"{share:+.4f}"
            assert f"{place}  {name} hidden_states[{state}] {number}" in told
            assert short(share, 5) in texts(svg)


def test_the_tokens_of_both_sentences_stand_above_each_other() -> None:
    svg = effects_svg(patched(), View())
    places = {element.text: element for element in elements(svg, "text") if element.text in ("great", "awful")}
    clean, corrupt = places["great"], places["awful"]
    assert clean.get("x") == corrupt.get("x") and float(clean.get("y")) < float(corrupt.get("y"))
    runs = [line for line in texts(svg) if line in ("4.0000", "-4.0000", "positive", "negative")]
    assert runs == ["positive", "4.0000", "negative", "-4.0000"]


def test_what_was_done_and_what_it_means_is_said() -> None:
    denoised, noised = (" ".join(texts(effects_svg(found, View()))) for found in (patched(), patched_blocks()))
    assert "Denoising puts clean activations into the corrupt run" in denoised and "is sufficient" in denoised
    assert "Noising puts corrupt activations into the clean run" in noised and "is necessary" in noised
    assert "3 of 12 patches change the answer from negative." in denoised


def test_random_weights_are_warned_of_and_have_no_answer() -> None:
    svg = effects_svg(MADE["random"], View())
    assert "noise" in str(ElementTree.fromstring(svg).get("class")) and "meaningless" in " ".join(texts(svg))
    assert not {"positive", "negative"} & set(" ".join(texts(svg)).split())


@pytest.mark.parametrize("found", [patched(clean=HOSTILE, corrupt="x"), patched(model=model(name=HOSTILE))])
def test_no_text_is_obeyed(found: Effects) -> None:
    svg = effects_svg(found, View())
    assert "<b>" not in svg and "\x1b" not in svg and "\u202e" not in svg
    assert any(HOSTILE[:12] in text for text in texts(svg))
