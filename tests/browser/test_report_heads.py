"""One head of many in the report: chosen by mouse and keyboard, in words, as lines, with its values."""

from collections.abc import Callable
from typing import Any

import pytest
from helpers import find, values_of
from playwright.sync_api import Page, expect

from bert_inspect import Trace
from bert_inspect.analysis.attention import attentions
from bert_inspect.analysis.patterns import in_words, pattern
from bert_inspect.render.report import report_html

pytestmark = pytest.mark.slow

Open = Callable[..., Page]
HEADS = 4
REAL = 6
"""The tokens of the first sentence that are no padding."""


@pytest.fixture(scope="module")
def html(traced: Trace) -> str:
    return report_html(traced, attentions(traced))


def test_a_chosen_head_is_described_in_words(show: Open, html: str, traced: Trace) -> None:
    part = show(html).locator("#attention")
    described = part.locator(".pattern")
    expect(described).to_have_text("Choose one head to have it described.")
    for row, layer, head in ((0, 0, 1), (1, 1, 3)):
        told = in_words(
            pattern(attentions(traced)[layer].probabilities[row, head], traced, row),
            traced.input.tokens[row],
            arrow="→",
        )
        part.get_by_label("Sentence", exact=True).select_option(value=str(row))
        tile = part.get_by_role("button", name=f"layer {layer}, head {head}: {told}")
        tile.click()
        expect(described).to_have_text(f"{told[0].upper()}{told[1:]}.")
        assert described.get_attribute("aria-live") == "polite"
        expect(part.locator(".map-of-heads .said")).to_contain_text(told)


def test_the_keys_of_the_chosen_head_are_listed(show: Open, html: str, traced: Trace) -> None:
    part = show(html).locator("#attention")
    part.get_by_label("Layer", exact=True).select_option("0")
    part.get_by_label("Head", exact=True).select_option("2")
    share = attentions(traced)[0].probabilities[0, 2, 0].max()
    assert part.locator(".most .num").first.inner_text() == f"{100 * share:.1f} %"


def test_the_map_of_heads_is_one_stop_and_arrow_keys_move_in_it(show: Open, html: str) -> None:
    page = show(html)
    part = page.locator("#attention")
    tiles = part.locator(".tiles button")

    def here() -> str:
        return page.evaluate("document.activeElement.getAttribute('aria-label')").split(":")[0]

    page.locator("#attention svg.head-lines").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "head 0"  # the table is one stop too
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") == "head 1"
    page.keyboard.press("Tab")
    assert here() == "layer 1, head 0" and tiles.count() == 2 * HEADS
    for key, at in (
        ("ArrowRight", "layer 1, head 1"),
        ("End", "layer 1, head 3"),
        ("ArrowRight", "layer 1, head 3"),
        ("ArrowUp", "layer 0, head 3"),
        ("Home", "layer 0, head 0"),
        ("ArrowLeft", "layer 0, head 0"),
        ("PageDown", "layer 1, head 0"),
        ("ArrowDown", "layer 1, head 0"),
        ("PageUp", "layer 0, head 0"),
        ("ArrowRight", "layer 0, head 1"),
    ):
        page.keyboard.press(key)
        assert here() == at
        expect(part.locator(".map-of-heads .said")).to_contain_text(at)
    assert part.locator(".tiles [tabindex='0']").count() == 1
    page.keyboard.press("Enter")
    expect(part.locator(".caption b")).to_have_text("layer 0, head 1")
    assert here() == "layer 0, head 1" and part.locator(".tiles [aria-pressed='true']").count() == 1
    expect(part.locator(".caption")).to_be_in_viewport()


def test_lines_lead_from_a_token_to_the_tokens_that_it_looks_at(show: Open, html: str, traced: Trace) -> None:
    page = show(html)
    part = page.locator("#attention")
    part.get_by_label("Layer", exact=True).select_option("0")
    part.get_by_label("Head", exact=True).select_option("2")
    matrix, tokens = attentions(traced)[0].probabilities[0, 2, :REAL, :REAL], traced.input.tokens[0]
    svg, said = part.locator("svg.head-lines"), part.locator(".lines-of-head .said")
    lines = svg.locator("line")
    everything = int((matrix >= 0.02).sum())
    assert lines.count() == everything and svg.locator("text.token").count() == 2 * REAL

    def shares() -> list[float]:
        opacities = lines.evaluate_all("all => all.map((one) => Number(one.getAttribute('stroke-opacity')))")
        return sorted(opacity**2 for opacity in opacities)

    svg.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert shares() == pytest.approx(sorted(matrix[1]), abs=2e-3)
    best = int(matrix[1].argmax())
    assert said.inner_text().startswith(f"'{tokens[1]}' looks at '{tokens[best]}' {100 * matrix[1, best]:.1f} %")
    assert said.get_attribute("aria-live") == "polite"
    expect(part.locator("aside h3").first).to_have_text(f"'{tokens[1]}' looks at")
    page.keyboard.press("ArrowRight")
    assert shares() == pytest.approx(sorted(matrix[:, 1]), abs=2e-3)
    assert said.inner_text().startswith(f"'{tokens[1]}' is looked at by ")
    page.keyboard.press("End")
    assert shares() == pytest.approx(sorted(matrix[:, -1]), abs=2e-3)
    page.keyboard.press("Escape")
    assert lines.count() == everything
    svg.locator("text.token", has_text=tokens[3]).first.hover()
    assert shares() == pytest.approx(sorted(matrix[3]), abs=2e-3)
    page.mouse.move(0, 0)
    assert lines.count() == everything
    part.locator("canvas.heat").focus()
    assert shares() == pytest.approx(sorted(matrix[0]), abs=2e-3)  # the row that is looked at in the matrix


@pytest.mark.parametrize("label", ["query heads", "query split into heads"])
def test_values_of_one_head_say_which_and_let_choose(show: Open, html: str, traced: Trace, label: str) -> None:
    page = show(html)
    page.get_by_label("Search", exact=True).fill(label)
    step = find(traced, label=label)
    part = page.get_by_role("region", name="Values")
    expect(part.locator(".which")).to_have_text(f"head 0 of {HEADS}, sentence 1: {traced.input.texts[0]}")
    part.get_by_label("head", exact=True).select_option("3")
    part.get_by_label("sentence", exact=True).select_option(label="2")
    expect(part.locator(".which")).to_have_text(f"head 3 of {HEADS}, sentence 2: {traced.input.texts[1]}")
    part.locator("canvas.heat").focus()
    page.keyboard.press("ArrowDown")
    numbers, token = values_of(step), traced.input.tokens[1][1]
    value = numbers[1, 1, 3, 0] if label == "query split into heads" else numbers[1, 3, 1, 0]
    said = part.locator(".said").inner_text()
    assert f"token '{token}'" in said and float(said.rpartition(": ")[2]) == pytest.approx(value.item(), abs=5e-5)


def test_logits_stand_under_the_names_of_their_classes(show: Open, traced: Trace, html: str) -> None:
    page = show(html)
    page.get_by_label("Search", exact=True).fill("logits")
    expect(page.locator(".step h3")).to_have_text("logits")
    part = page.get_by_role("region", name="Values")
    part.locator("canvas.heat").focus()
    page.keyboard.press("ArrowRight")
    value = values_of(find(traced, type="Linear", label="logits"))[0, 1].item()
    assert part.locator(".said").inner_text() == f"sentence 'sentence 1', label 'class 1': {value:.4f}"


def test_what_fits_a_cell_is_written_in_it(show: Open, html: str) -> None:
    page = show(html)
    page.evaluate(
        """() => {
          window.written = [];
          const fill = CanvasRenderingContext2D.prototype.fillText;
          CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
            window.written.push(text);
            return fill.call(this, text, ...rest);
          };
        }"""
    )

    def numbers(label: str) -> Any:
        page.evaluate("window.written = []")
        page.get_by_label("Search", exact=True).fill(label)
        return [text for text in page.evaluate("window.written") if "." in text and text != "."]

    assert len(numbers("attention scores")) >= REAL * REAL
    assert numbers("query projection") == []  # too narrow for 24 columns
