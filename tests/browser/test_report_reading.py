"""Reading the report: what is found is shown, padding is hidden, words stay whole, the loss is told, paper has all."""

from collections.abc import Callable
from typing import Any

import pytest
from helpers import tiny_model
from playwright.sync_api import Page, expect

from bert_inspect import Trace
from bert_inspect.analysis.attention import attentions
from bert_inspect.api import trace
from bert_inspect.render.report import report_html
from bert_inspect.traces.tree import relaid_from

pytestmark = pytest.mark.slow

Open = Callable[..., Page]
TALL = """<svg xmlns="http://www.w3.org/2000/svg" width="400" height="1300" viewBox="0 0 400 1300">
<style>@media (prefers-color-scheme:dark){.shape{fill:#010203}}.shape{fill:#999}</style>
<g data-step="1"><title>first</title><rect class="shape" x="20" y="440" width="120" height="60"/></g>
<g data-step="3"><title>second</title><rect class="shape" x="240" y="900" width="120" height="60"/></g></svg>"""
BROKEN = """() => {
  const broken = [];
  const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { data, parentElement } = texts.currentNode;
    if (!parentElement.checkVisibility() || parentElement.closest("svg, select, .lines")) continue;
    for (const word of data.matchAll(/[#\\p{L}]{2,20}/gu)) {
      const range = document.createRange();
      range.setStart(texts.currentNode, word.index);
      range.setEnd(texts.currentNode, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) broken.push(word[0]);
    }
  }
  return broken;
}"""
"""Returns the words in the middle of which a line ends."""


@pytest.fixture(scope="module")
def html(traced: Trace) -> str:
    return report_html(traced, attentions(traced), diagram=TALL)


def selected(page: Page) -> int:
    return int(page.locator('[role="treeitem"][aria-selected="true"] > .row').get_attribute("data-step") or -1)


def test_search_selects_what_it_found_and_goes_on(show: Open, html: str, traced: Trace) -> None:
    page = show(html)
    field, told = page.get_by_label("Search", exact=True), page.locator('form[role="search"] output')
    forward, back = page.get_by_role("button", name="Next"), page.get_by_role("button", name="Previous")
    expect(forward).to_be_disabled()
    field.fill("residual")
    ids = [step.id for step in traced.steps if "residual" in step.label]
    assert len(ids) == 4 and selected(page) == ids[0]
    expect(page.locator(".step h3")).to_have_text("residual sum")
    expect(field).to_be_focused()
    for act, at in (
        (lambda: field.press("Enter"), 1),
        (forward.click, 2),
        (forward.click, 3),
        (forward.click, 0),
        (back.click, 3),
        (lambda: field.press("Shift+Enter"), 2),
    ):
        act()
        assert selected(page) == ids[at]
        expect(told).to_have_text(f"4 of {len(traced.steps)} steps, number {at + 1} is selected")
        expect(page.locator(f"#step-{ids[at]}")).to_be_in_viewport()
    field.fill("logits")  # the step of that name, and not the model, which returns them too
    assert traced.steps[selected(page)].label == "logits"


def test_padding_is_hidden_in_all_views_until_one_of_them_shows_it(show: Open, html: str) -> None:
    page = show(html)
    pads = page.locator(".tokens").first.locator(".token.padding")
    assert pads.count() == 3
    expect(pads.first).to_be_hidden()
    expect(page.locator("#sentences")).to_contain_text("3 padding tokens hidden.")
    page.locator("#sentences").get_by_label("Padding", exact=True).select_option("shown")
    expect(pads.first).to_be_visible()
    expect(page.locator("#sentences .hides")).to_be_hidden()
    assert page.locator("#attention").get_by_label("Padding", exact=True).input_value() == "shown"
    expect(page.locator("#attention .caption")).not_to_contain_text("hidden")
    assert page.locator("#attention svg.head-lines text.dim").count() == 2 * 3
    page.locator("#attention").get_by_label("Padding", exact=True).select_option("hidden")
    expect(pads.first).to_be_hidden()


def test_the_tokens_of_a_word_stand_together(show: Open, html: str) -> None:
    page = show(html, viewport={"width": 390, "height": 800})
    word = page.locator(".tokens .word", has_text="##ap")
    assert word.locator(".text").all_inner_texts() == ["pine", "##ap", "##ple"]
    tops = word.locator(".text").evaluate_all("all => all.map((one) => one.getBoundingClientRect().top)")
    assert len(set(tops)) == 1


@pytest.mark.parametrize("width", [390, 800])
def test_no_line_ends_within_a_word(show: Open, html: str, width: int) -> None:
    page = show(html, viewport={"width": width, "height": 800})
    assert page.evaluate(BROKEN) == []
    for label in ("value projection", "dropout", "attention probabilities"):
        page.get_by_label("Search", exact=True).fill(label)
        assert page.evaluate(BROKEN) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_loss_stands_beside_the_labels_that_it_is_of(show: Open, html: str, traced: Trace, tokenizer: Any) -> None:
    page = show(html)
    assert traced.output is not None and traced.output.loss is not None
    fact = page.locator(".facts div", has=page.get_by_text("loss", exact=True))
    expect(fact).to_contain_text(f"{float(traced.output.loss):.4f}")
    expect(fact).to_contain_text("with the labels class 1, class 0")
    tagged = page.locator(".card tr", has=page.locator(".tag.given")).locator("th").all_inner_texts()
    assert [text.split(" label")[0] for text in tagged] == ["class 1", "class 0"]
    regression = report_html(trace(tiny_model(num_labels=1), tokenizer, ["cats", "dogs"], labels=[1, 0]), [])
    assert "with the labels 1, 0" in regression and 'class="tag given"' not in regression
    without = report_html(trace(tiny_model(), tokenizer, "cats"), [])
    assert 'class="tag given"' not in without and "<dt>loss</dt>" not in without


def test_paper_holds_every_step_and_the_whole_diagram_and_no_controls(show: Open, html: str, traced: Trace) -> None:
    page = show(html, color_scheme="dark")
    items, pictures = page.get_by_role("treeitem"), page.locator("#diagram-view svg")
    before, view = items.count(), pictures.get_attribute("viewBox")
    page.emulate_media(media="print", color_scheme="dark")
    expect(pictures).not_to_have_count(1)
    assert before < items.count() == len(traced.steps) - len(relaid_from(traced.steps))
    parts = [
        [float(number) for number in text.split()]
        for text in pictures.evaluate_all("all => all.map((one) => one.getAttribute('viewBox'))")
    ]
    ends = [top + height for _, top, _, height in parts]
    assert len(parts) > 1 and [top for _, top, _, _ in parts] == pytest.approx([0, *ends[:-1]])
    assert ends[-1] == 1300 and not any(440 < end < 500 or 900 < end < 960 for end in ends)
    assert page.locator("#diagram-view .shape").first.evaluate("box => getComputedStyle(box).fill") == (
        "rgb(153, 153, 153)"
    )
    for control in page.locator("main button:not(.tiles button):not(.link), main select, main input").all():
        expect(control).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--heat')").strip() == "8 82 176"
    page.emulate_media(media="screen", color_scheme="dark")
    expect(pictures).to_have_count(1)
    assert items.count() == before and pictures.get_attribute("viewBox") == view


def test_of_the_boxes_of_the_diagram_the_tab_key_reaches_one(show: Open, html: str) -> None:
    page = show(html)
    svg = page.locator("#diagram-view svg")
    assert svg.get_attribute("role") == "group" and svg.locator("[tabindex='0']").count() == 1
    svg.locator("[data-step='1']").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.step") == "3"
    page.keyboard.press("Enter")
    assert selected(page) == 3
