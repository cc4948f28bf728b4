"""The page on an explanation in a real browser: with mouse and keyboard, on a phone, in the dark, on paper."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from render.explain.records import SHARES, by_component, by_token, checked
from render.explain.test_terminal import LONG, MADE

from bert_inspect import Trace
from bert_inspect.render.explain.page import View
from bert_inspect.render.report import explanation_html, report_html

pytestmark = pytest.mark.slow

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def html() -> str:
    return explanation_html(by_token(faithfulness=checked()), View())


def test_the_text_is_one_stop_and_arrow_keys_say_each_share(show: Open, html: str) -> None:
    page = show(html)
    text, said = page.locator(".why-text"), page.locator(".said")
    assert text.get_attribute("tabindex") == "0" and page.locator(".why-text [tabindex]").count() == 0
    text.focus()
    assert said.inner_text() == "[CLS] +0.2500" and said.get_attribute("aria-live") == "polite"
    page.keyboard.press("ArrowRight")
    assert said.inner_text() == "great +1.0000"
    marked = page.locator("tr.at")
    assert marked.count() == 1 and marked.inner_text().split() == ["1", "great", "+1.0000"]
    page.keyboard.press("End")
    assert said.inner_text() == "[SEP] +0.5000"
    page.keyboard.press("ArrowRight")
    assert said.inner_text() == "[SEP] +0.5000"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert said.inner_text() == "[CLS] +0.2500" and page.locator(".piece.at").count() == 1


@pytest.mark.parametrize("width", [390, 800, 1400])
def test_the_rows_stand_close_below_the_legend(show: Open, html: str, width: int) -> None:
    page = show(html, viewport={"width": width, "height": 800})
    below = page.locator(".legend .key").first.bounding_box()
    rows = page.locator("table.sum").bounding_box()
    assert below is not None and rows is not None
    assert 0 < rows["y"] - (below["y"] + below["height"]) < 45


def test_what_is_pointed_at_is_said_and_marked(show: Open, html: str) -> None:
    page = show(html)
    for place, share in enumerate(SHARES):
        piece = page.locator(".piece").nth(place)
        piece.hover()
        said = page.locator(".said").inner_text()
        assert float(said.rpartition(" ")[2]) == share and said.startswith(piece.inner_text())
        assert page.locator("tr.at td.place").inner_text() == str(place)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [*MADE, "split"])
def test_no_width_scrolls_sideways(show: Open, scheme: Any, name: str) -> None:
    found = by_token() if name == "split" else MADE[name]()
    page = show(explanation_html(found, View(split=name == "split")), color_scheme=scheme)
    for width in (320, 390, 800, 1400):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background))) < 200) == (scheme == "dark")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_token_can_be_read_on_its_colour(show: Open, scheme: Any) -> None:
    shares = [place / 10 for place in range(-10, 11)]
    page = show(explanation_html(by_token(shares, " ".join(["word"] * 19)), View()), color_scheme=scheme)
    ratios = page.evaluate(
        """() => {
          const rgba = (text) => text.match(/[\\d.]+/g).map(Number);
          const part = (c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
          const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
          const page = rgba(getComputedStyle(document.body).backgroundColor);
          return [...document.querySelectorAll(".piece")].map((piece) => {
            const style = getComputedStyle(piece), [r, g, b, a = 1] = rgba(style.backgroundColor);
            const over = [r, g, b].map((c, at) => c * a + page[at] * (1 - a));
            const both = [light(over), light(rgba(style.color))].sort((x, y) => y - x);
            return (both[0] + 0.05) / (both[1] + 0.05);
          });
        }"""
    )
    assert len(ratios) == 21 and min(ratios) >= 4.5


def test_the_page_has_its_landmarks_and_its_regions_names(show: Open, html: str) -> None:
    page = show(html)
    for name in ("banner", "main", "contentinfo", "navigation"):
        assert page.get_by_role(name).count() == 1, name  # type: ignore[arg-type]
    levels = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    nameless = page.locator("[tabindex], a").evaluate_all(
        "all => all.filter((one) => !(one.ariaLabel || one.id || one.textContent.trim())).length"
    )
    assert nameless == 0
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()


def test_a_map_is_reached_with_the_keyboard(show: Open) -> None:
    heads = [[0.125 * head for head in range(16)] for _ in range(3)]
    page = show(explanation_html(by_component(heads=heads), View()), viewport={"width": 390, "height": 800})
    group = page.get_by_role("group", name="Map of layers and heads")
    group.focus()
    assert group.evaluate("one => one === document.activeElement")
    assert page.get_by_role("cell", name="1.9").count() == 3


def test_paper_is_white_and_holds_every_number(show: Open, html: str) -> None:
    page = show(html, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("table.sum").is_visible() and not page.locator(".said").is_visible()


def test_the_reports_section_answers_too(show: Open, traced: Trace) -> None:
    page = show(report_html(traced, [], explanation=by_token([0.5] * 502, LONG)))
    section = page.locator("#why")
    assert section.locator(".piece").count() == 502
    section.locator(".why-text").focus()
    page.keyboard.press("End")
    assert section.locator(".said").inner_text() == "[SEP] +0.5000"
    assert page.get_by_role("treeitem").count() > 0
