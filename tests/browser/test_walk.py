"""The walk in a real browser: as a page and in the report, by keys and without scripts, at every width, on paper."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page
from render.walk.tours import tour_of

from bert_inspect.render.report import report_html
from bert_inspect.render.walk.page import walk_html, walk_part

pytestmark = pytest.mark.slow

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def html() -> str:
    return walk_html(tour_of("bert")[0], lambda command: "bert-inspect " + " ".join(command.before) * 20)


def test_n_and_p_go_from_station_to_station(show: Open, html: str) -> None:
    page = show(html)
    assert page.locator("#keys").is_visible()
    for key, there in (("n", "text"), ("n", "tokens"), ("n", "configuration"), ("p", "tokens")):
        page.keyboard.press(key)
        assert page.evaluate("location.hash") == f"#{there}"
        assert page.evaluate("document.activeElement.id") == f"{there}-title"
    page.keyboard.press("Control+n")
    assert page.evaluate("location.hash") == "#tokens"


def test_it_is_whole_without_scripts(show: Open, html: str) -> None:
    page = show(html, java_script_enabled=False)
    page.locator(".contents a", has_text="Scaling").click()
    assert page.url.endswith("#scaling") and page.locator("#scaling .matrix").is_visible()
    assert not page.locator("#keys").is_visible()
    page.locator("#scaling summary").click()
    assert page.locator("#scaling .marked-step").is_visible()


def test_a_diagram_that_is_shown_again_looks_as_it_does_at_first(show: Open, html: str) -> None:
    page = show(html)
    page.locator("#scaling summary").click()
    page.evaluate("document.querySelectorAll('.marked-step').forEach((mark) => mark.remove())")
    page.evaluate("document.body.style.visibility = 'hidden'")  # but for the picture that is looked at
    pictures = []
    for station in ("query-key-value", "scaling"):
        picture = page.locator(f"#{station} .picture svg")
        picture.evaluate("(svg) => { svg.style = 'visibility: visible; position: fixed; top: 0; left: 0'; }")
        pictures.append(picture.screenshot())
        picture.evaluate("(svg) => { svg.style = ''; }")
    assert pictures[0] == pictures[1] and len(pictures[0]) > 10_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_width_scrolls_sideways(show: Open, html: str, scheme: Any) -> None:
    page = show(html, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    for width in (320, 390, 800, 1400):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_paper_nothing_is_cut_and_there_are_no_links_to_turn(show: Open, html: str) -> None:
    page = show(html, viewport={"width": 700, "height": 900})
    page.emulate_media(media="print")
    assert not page.locator(".turn").first.is_visible() and not page.locator(".contents").is_visible()
    assert page.evaluate(
        "[...document.querySelectorAll('.matrix')].every((each) => each.getBoundingClientRect().right <= innerWidth)"
    )


def test_in_the_report_each_station_opens(show: Open) -> None:
    tour, whole = tour_of("bert")
    page = show(report_html(whole, [], walk=walk_part(tour)))
    assert page.locator("nav a", has_text="Walk").get_attribute("href") == "#walk"
    station = page.locator("#walk-attention-scores")
    assert not station.locator(".matrix").is_visible()
    station.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert station.locator(".matrix").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
