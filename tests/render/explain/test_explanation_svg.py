"""An explanation as SVG: every number in it and in its description, bars in proportion, nothing from outside obeyed."""

import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from render.explain.records import (
    SHARES,
    batch,
    by_component,
    by_layer,
    by_token,
    checked,
    explanation,
    model,
    target,
    tokens_of,
)
from render.explain.records import total as total_of
from render.explain.test_terminal import HOSTILE, LONG, MADE

from bert_inspect.analysis.explain.explanation import Answer
from bert_inspect.render.explain.page import View
from bert_inspect.render.explain.svg import explanation_svg
from bert_inspect.render.raster import rasterized

NAMESPACE = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> Any:
    return ElementTree.fromstring(svg)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in parsed(svg).iter(f"{NAMESPACE}text")]


def described(svg: str) -> str:
    return str(parsed(svg).find(f"{NAMESPACE}desc").text)


@pytest.mark.parametrize("name", MADE)
def test_it_is_one_picture_with_a_title_a_description_and_both_schemes(name: str) -> None:
    svg = explanation_svg(MADE[name](), View())
    root = parsed(svg)
    assert root.tag == f"{NAMESPACE}svg" and root.find(f"{NAMESPACE}title").text == "Why tiny answers as it does"
    assert len(described(svg)) > 50 and "prefers-color-scheme:dark" in svg
    assert not re.search(r"(href|src)=|url\(", svg)
    width, height = float(root.get("width")), float(root.get("height"))
    for element in root.iter():
        for edge, most in (("x", width), ("y", height)):
            assert -0.1 <= float(element.get(edge, 0)) <= most
        if element.tag == f"{NAMESPACE}rect" and element.get("x"):
            assert float(element.get("x")) + float(element.get("width")) <= width


@pytest.mark.parametrize("split", [False, True])
def test_every_row_has_its_number_in_the_picture_and_in_the_description(split: bool) -> None:
    svg = explanation_svg(by_token(), View(split=split))
    told, words = texts(svg), described(svg)
    for name, share in (("[CLS]", "+0.2500"), ("great", "+1.0000"), ("film", "-2.0000"), ("layer 1", "-0.5000")):
        if not (split and name.startswith("layer")):
            assert f"{name} {share}" in words and share in told
    assert ("position" in told) == split
    assert told[-1] == "sum 0.3125 = logit 0.3125 (differs by 0, rounding explains 1e-6)"


def test_bars_are_as_long_as_the_shares_beside_each_other() -> None:
    shares = [0.0, 4.0, -2.0, 1.0, 0.0, -1.0, 3.0, 0.0]
    root = parsed(explanation_svg(by_token(shares, biases=[], total=total_of(shares)), View()))
    bars = [group for group in root.iter(f"{NAMESPACE}g") if group.get("transform") is None][len(shares) :]
    found = {}
    for group in bars:
        box = group.find(f"{NAMESPACE}rect")
        name, number = group.find(f"{NAMESPACE}title").text.split()
        found[name] = float(number), box.get("class"), float(box.get("x")), float(box.get("width"))
    assert list(found) == ["great", "un", "##bel", "film", "."]  # what is 0 has none
    unit = found["great"][3] / 4
    zero = found["great"][2]
    for share, side, x, width in found.values():
        assert width == pytest.approx(abs(share) * unit, abs=0.1)
        assert side == ("for" if share > 0 else "against")
        assert (x if share > 0 else x + width) == pytest.approx(zero, abs=0.1)


def test_the_whole_text_stands_in_the_picture_coloured_by_its_shares() -> None:
    shares = [0.001 * (place - 250) for place in range(502)]
    root = parsed(explanation_svg(by_token(shares, LONG), View()))
    words = {}
    for group in root.iter(f"{NAMESPACE}g"):
        title = group.find(f"{NAMESPACE}title")
        box, text = group.find(f"{NAMESPACE}rect"), group.find(f"{NAMESPACE}text")
        if title is not None and text is not None and text.text.startswith("word"):
            words[int(text.text[4:])] = None if box is None else (box.get("class"), float(box.get("fill-opacity")))
    assert sorted(words) == list(range(500))
    assert words[0] is not None and words[499] is not None and words[249] is None  # that one is 0
    assert words[0][0] == "against" and words[499][0] == "for"
    assert words[499][1] > words[300][1] > words[260][1]  # type: ignore[index]


def test_words_do_not_overlap_and_stay_on_the_page() -> None:
    root = parsed(explanation_svg(by_token([1.0] * 502, LONG), View()))
    lines: dict[float, list[tuple[float, float]]] = {}
    for element in root.iter(f"{NAMESPACE}text"):
        if element.get("textLength"):
            x, width = float(element.get("x")), float(element.get("textLength"))
            lines.setdefault(float(element.get("y")), []).append((x, x + width))
    assert len(lines) > 10
    for spans in lines.values():
        spans.sort()
        assert all(one[1] <= other[0] + 0.2 for one, other in pairwise(spans))
        assert spans[-1][1] <= 865


def test_the_map_tells_every_cell() -> None:
    found = {str(element.text) for element in parsed(explanation_svg(by_component(), View())).iter(f"{NAMESPACE}title")}
    assert {
        *("layer 0 head 0 +0.5000", "layer 0 head 1 -0.2500", "layer 0 feed-forward +0.1250", "layer 0 biases +0.8750"),
        *("layer 1 head 0 +2.0000", "layer 1 head 1 0.0000", "layer 1 feed-forward +0.2500", "layer 1 biases -0.5000"),
    } <= found


def test_layers_and_the_check_are_drawn() -> None:
    told = texts(explanation_svg(by_layer(), View()))
    assert "hidden_states[2]" in told and "2.0000" in told and "90.0 %" in told
    svg = explanation_svg(by_token(faithfulness=checked()), View())
    assert "by shares: 90.0, 80.0, 70.0, 60.0, 50.0, 40.0, 30.0, 20.0, 10.0, 0.0; mean drop +0.500" in described(svg)
    curves = [path.get("d") for path in parsed(svg).iter(f"{NAMESPACE}path") if path.get("class") == "line own"]
    points, _ = [re.findall(r"[\d.]+ ([\d.]+)", curve) for curve in curves]  # the other one is the legend's
    heights = list(map(float, points))
    assert len(heights) == 10 and heights == sorted(heights)  # it falls, and y points down


def test_text_from_outside_is_text() -> None:
    svg = explanation_svg(MADE["hostile"](), View())
    assert "<b>" not in svg and "\x1b" not in svg and "\u202e" not in svg
    assert any("[red]x[/red]" in text for text in texts(svg)) and HOSTILE not in svg


def test_of_a_random_head_nothing_has_a_colour() -> None:
    root = parsed(explanation_svg(by_token(model=model(weights="random")), View()))
    assert root.get("class") == "why noise" and parsed(explanation_svg(by_token(), View())).get("class") == "why"
    assert any("one of noise" in (text.text or "") for text in root.iter(f"{NAMESPACE}text"))


def test_of_many_sentences_the_first_are_drawn() -> None:
    answers = [
        Answer(sentence=row, target=target(), tokens=tokens_of([1, 2, 3, 4], sentence=row), total=total_of([10]))
        for row in range(6)
    ]
    told = texts(explanation_svg(explanation(answers, batch(*["great film"] * 6)), View()))
    assert "... 2 more sentences: not in this picture" in told
    assert [text.split()[0] for text in told if "logit of" in text] == ["1", "2", "3", "4"]


def test_it_is_drawn_as_png_too() -> None:
    pytest.importorskip("resvg_py")
    image = rasterized(explanation_svg(by_token(faithfulness=checked()), View()))
    assert image.startswith(b"\x89PNG") and len(image) > 20_000


def test_the_same_explanation_gives_the_same_bytes() -> None:
    assert explanation_svg(by_token(SHARES), View()) == explanation_svg(by_token(SHARES), View())
