"""The report in a real browser: with mouse, keyboard and screen reader's tree, on a phone, in the dark, on paper."""

import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import TEXTS, tiny_model, values_of
from playwright.sync_api import Page, expect

from bert_inspect import Trace
from bert_inspect.analysis.attention import attentions
from bert_inspect.api import trace
from bert_inspect.render.report import attention_html, report_html

pytestmark = pytest.mark.slow

Open = Callable[..., Page]
EVIL = "</script><img src=x onerror=alert(1)> {{ 7*7 }} <!--"


@pytest.fixture(scope="module")
def html(traced: Trace) -> str:
    return report_html(traced, attentions(traced))


@pytest.fixture(scope="module")
def expected(model: Any, tokenizer: Any) -> list[torch.Tensor]:
    with torch.inference_mode():
        out = model(**tokenizer(TEXTS, padding=True, return_tensors="pt"), output_attentions=True)
    return list(out.attentions)


def held(html: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def selected(page: Page) -> str:
    return page.locator('[role="treeitem"][aria-selected="true"]').get_attribute("aria-label") or ""


def test_the_page_shows_what_ran(show: Open, html: str, traced: Trace) -> None:
    page = show(html)
    assert "step by step" in page.title()
    for text in (*TEXTS, "randomly initialized", traced.environment.transformers, "eager attention"):
        expect(page.locator("main")).to_contain_text(text)
    assert traced.output is not None and traced.output.probabilities is not None
    for row, shares in enumerate(traced.output.probabilities):
        cells = page.locator(".card").nth(row).locator("tbody tr td:nth-child(3)").all_inner_texts()
        assert cells == [f"{100 * float(share):.1f} %" for share in shares]
    tokens = page.locator(".tokens").nth(1).locator(".text").all_inner_texts()
    assert tokens == traced.input.tokens[1]
    page.get_by_role("button", name="Open all").click()
    relaid = [
        step for step in traced.steps if step.type == "contiguous" or (step.type, step.label) == ("view", "logits")
    ]
    assert len(relaid) == 5 and page.get_by_role("treeitem").count() == len(traced.steps) - len(relaid)
    page.get_by_label("Search", exact=True).fill("contiguous")
    row = page.locator(".row.op").first
    expect(row.locator(".type")).to_have_text("transpose + contiguous")
    row.click()
    page.get_by_role("region", name="Used by").get_by_role("button").first.click()
    expect(page.get_by_role("region", name="Selected step")).to_contain_text("contiguous()")
    assert selected(page).startswith("context")


def test_search_and_filters_leave_what_they_name(show: Open, html: str, traced: Trace) -> None:
    page = show(html)
    told = page.locator('form[role="search"] output')

    def shown() -> set[str]:
        return set(page.locator(".row").evaluate_all("rows => rows.map((row) => row.dataset.step)"))

    def with_above(ids: list[int]) -> set[str]:
        found: set[str] = set()
        for id_ in ids:
            above: int | None = id_
            while above is not None:
                found.add(str(above))
                above = traced.steps[above].parent
        return found

    page.get_by_label("Search", exact=True).fill("SOFTMAX")
    ids = [step.id for step in traced.steps if step.type == "softmax"]
    assert shown() == with_above(ids)
    assert told.inner_text() == f"{len(ids)} of {len(traced.steps)} steps, number 1 is selected"
    page.get_by_role("search").get_by_label("Layer", exact=True).select_option("1")
    assert shown() == with_above([id_ for id_ in ids if traced.steps[id_].layer == 1])
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("Module", exact=True).fill("**.attention.*.dense")
    ids = [step.id for step in traced.steps if re.fullmatch(r"(.*\.)?attention\.[^.]*\.dense", step.path)]
    assert ids and shown() == with_above(ids)
    page.get_by_label("Module", exact=True).fill("intermediate")
    assert shown() == with_above([step.id for step in traced.steps if "intermediate" in step.path])
    page.get_by_label("Module", exact=True).fill("")
    page.get_by_role("search").get_by_label("Label", exact=True).select_option("residual sum")
    assert shown() == with_above([step.id for step in traced.steps if step.label == "residual sum"])
    page.get_by_label("Search", exact=True).fill("nothing is called so")
    assert shown() == set() and told.inner_text().startswith("0 of")


def test_the_tree_is_walked_with_the_keyboard(show: Open, html: str, traced: Trace) -> None:
    page = show(html)
    tree = page.get_by_role("tree")
    item = page.get_by_role("treeitem", name=re.compile("^embeddings, "))
    item.locator("> .row").click()
    assert item.get_attribute("aria-level") == "3" and item.get_attribute("aria-expanded") == "false"
    page.keyboard.press("ArrowRight")
    assert item.get_attribute("aria-expanded") == "true"
    page.keyboard.press("ArrowRight")
    inside = [step for step in traced.steps if traced.steps[step.parent or 0].path == "bert.embeddings"]
    assert selected(page).startswith(inside[0].label)
    page.keyboard.press("ArrowDown")
    assert selected(page).split(", ")[0] in (inside[1].label, inside[1].path.split(".")[-1])
    assert page.evaluate("document.activeElement.getAttribute('aria-selected')") == "true"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert item.get_attribute("aria-expanded") == "false" and selected(page).startswith("embeddings, ")
    page.keyboard.press("Home")
    assert selected(page).startswith("BertForSequenceClassification")
    page.keyboard.press("End")
    assert selected(page).startswith(traced.steps[-1].label)
    assert tree.locator('[tabindex="0"]').count() == 1
    page.keyboard.press("Tab")
    expect(page.get_by_role("region", name="Selected step")).to_be_focused()


def test_a_step_tells_what_the_trace_holds(show: Open, html: str, traced: Trace) -> None:
    page = show(html)
    page.get_by_label("Search", exact=True).fill("attention probabilities")
    page.locator(".row.op").first.click()
    step = next(step for step in traced.steps if step.label == "attention probabilities")
    panel = page.get_by_role("region", name="Selected step")
    for text in (step.path, "softmax", "attentions[0]", str(step.outputs[0].shape), "query tokens"):
        expect(panel).to_contain_text(text)
    stats = step.outputs[0].stats
    assert stats is not None and stats.max is not None
    expect(panel.locator(".stats")).to_contain_text(f"{stats.max:.4f}")
    here = panel.locator(".line.here")
    assert step.source is not None
    expect(here).to_contain_text(step.source.code.strip())
    expect(here).to_contain_text(str(step.source.line))
    picture = panel.locator("canvas")
    picture.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    tokens, number = traced.input.tokens[0], values_of(step)[0, 0, 1, 1].item()
    said = f"query token '{tokens[1]}', key token '{tokens[1]}': {number:.4f}"
    assert panel.locator(".said").inner_text() == said
    panel.get_by_label("head", exact=True).select_option("2")
    assert panel.locator(".said").inner_text().endswith(f"{values_of(step)[0, 2, 1, 1].item():.4f}")
    origin = traced.steps[step.inputs[0].from_ or 0]
    panel.get_by_role("region", name="Received").get_by_role("button").click()
    assert selected(page).startswith(origin.label)
    expect(panel.locator("h3")).to_have_text(origin.label)


def test_attention_is_read_with_mouse_and_keys(
    show: Open, html: str, traced: Trace, expected: list[torch.Tensor]
) -> None:
    page = show(html)
    part = page.locator("#attention")
    said = part.locator(".heatmap .said")
    part.get_by_label("Sentence", exact=True).select_option(value="1")
    part.get_by_label("Layer", exact=True).select_option("0")
    part.get_by_label("Head", exact=True).select_option("2")
    tokens, matrix = traced.input.tokens[1], expected[0][1, 2]

    def says(query: int, key: int, share: float) -> str:
        return f"query '{tokens[query]}' → key '{tokens[key]}': {100 * share:.1f} %"

    canvas = part.locator("canvas.heat")
    canvas.focus()
    assert said.inner_text() == says(0, 0, matrix[0, 0].item())
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    assert said.inner_text() == says(2, 1, matrix[2, 1].item())
    assert said.get_attribute("aria-live") == "polite"
    most = part.locator(".most li").first.inner_text()
    best = int(matrix[2].argmax())
    assert tokens[best] in most and f"{100 * matrix[2, best].item():.1f} %" in most
    page.keyboard.press("End")
    assert said.inner_text() == says(2, len(tokens) - 1, matrix[2, -1].item())
    part.get_by_label("Head", exact=True).select_option("mean")
    assert said.inner_text() == says(2, len(tokens) - 1, expected[0][1].mean(dim=0)[2, -1].item())
    part.get_by_role("button", name="layer 1, head 3: ").click()
    assert (
        part.get_by_label("Layer", exact=True).input_value() == "1"
        and part.get_by_label("Head", exact=True).input_value() == "3"
    )
    assert said.inner_text() == says(2, len(tokens) - 1, expected[1][1, 3, 2, -1].item())
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 8, box["y"] + box["height"] - 8)
    last = len(tokens) - 1
    assert said.inner_text() == says(last, last, expected[1][1, 3, -1, -1].item())
    real = expected[1][1, 3].double()
    entropy = torch.distributions.Categorical(probs=real).entropy().mean().item() / 0.6931471805599453
    assert part.locator(".numbers tr.chosen td").first.inner_text() == f"{entropy:.2f}"


def test_padding_is_hidden_until_it_is_asked_for(
    show: Open, html: str, traced: Trace, expected: list[torch.Tensor]
) -> None:
    part = show(html).locator("#attention")
    said, tokens, matrix = part.locator(".heatmap .said"), traced.input.tokens[0], expected[0][0, 1]
    part.get_by_label("Layer", exact=True).select_option("0")
    part.get_by_label("Head", exact=True).select_option("1")
    expect(part.locator(".caption")).to_contain_text("3 padding tokens hidden")
    canvas = part.locator("canvas.heat")
    canvas.focus()
    canvas.press("End")
    assert said.inner_text() == f"query '[CLS]' → key '[SEP]': {100 * matrix[0, 5].item():.1f} %"
    part.get_by_label("Padding", exact=True).select_option("shown")
    expect(part.locator(".caption")).not_to_contain_text("hidden")
    canvas.focus()
    canvas.press("End")
    assert (
        tokens[-1] == "[PAD]"
        and said.inner_text() == f"query '[CLS]' → key '[PAD]': {100 * matrix[0, -1].item():.1f} %"
    )


def test_values_of_padding_are_hidden_too(show: Open, html: str, traced: Trace) -> None:
    page = show(html)
    page.get_by_label("Search", exact=True).fill("attention probabilities")
    page.locator(".row.op").first.click()
    step = next(step for step in traced.steps if step.label == "attention probabilities")
    values = page.get_by_role("region", name="Values")
    expect(values).to_contain_text("3 padding tokens hidden")
    canvas, said = values.locator("canvas"), values.locator(".said")

    def last_cell() -> str:
        canvas.focus()
        canvas.press("Home")
        canvas.press("End")
        return said.inner_text()

    whole = values_of(step)
    assert last_cell() == f"query token '[CLS]', key token '[SEP]': {whole[0, 0, 0, 5].item():.4f}"
    values.get_by_label("Padding", exact=True).select_option("shown")
    expect(values).not_to_contain_text("tokens hidden")
    assert last_cell() == "query token '[CLS]', key token '[PAD]': 0" and not whole[0, 0, 0, -1]
    values.get_by_label("Padding", exact=True).select_option("hidden")
    values.get_by_label("sentence", exact=True).select_option(label="2")
    expect(values).not_to_contain_text("tokens hidden")
    assert last_cell() == f"query token '[CLS]', key token '[SEP]': {whole[1, 0, 0, -1].item():.4f}"


def test_text_stays_text(show: Open, tokenizer: Any) -> None:
    traced = trace(
        tiny_model(max_position_embeddings=128),
        tokenizer,
        [EVIL, "\u202ecats \x1b[31m"],
        pairs=[EVIL, "b"],
        values=True,
        stats=True,
    )
    html = report_html(traced, attentions(traced), left_out=[EVIL])
    page = show(html)
    assert page.locator("img").count() == 0 and page.locator("script").count() == 2
    assert page.locator(".sentence").first.inner_text().count(EVIL) == 2
    assert "\\x1b[31m" in page.locator(".sentence").nth(1).inner_text()
    assert EVIL in page.locator(".notes").inner_text()
    assert held(html)["trace"]["input"]["texts"][0] == EVIL
    page.get_by_role("button", name="Open all").click()
    assert page.evaluate("typeof alert") == "function"  # nothing called it: a dialog would be a complaint


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_width_scrolls_sideways(show: Open, html: str, scheme: str) -> None:
    page = show(html, color_scheme=scheme)
    page.get_by_role("button", name="Open all").click()
    page.locator(".row.op").last.click()
    for width in (320, 390, 800):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background))) < 200) == (scheme == "dark")


def test_every_control_has_a_name_and_the_page_its_landmarks(show: Open, traced: Trace) -> None:
    frames = DIAGRAM.replace("</svg>", '<rect data-step="0" class="frame" width="390" height="190"/></svg>')
    page = show(report_html(traced, attentions(traced), diagram=frames))
    for name in ("banner", "main", "contentinfo", "navigation", "search", "tree"):
        assert page.get_by_role(name).count() == 1, name  # type: ignore[arg-type]
    nameless = page.locator("button, select, input, a, [tabindex='0'], [role='button']").evaluate_all(
        "all => all.filter((one) => !(one.ariaLabel || one.labels?.length || one.textContent.trim())).length"
    )
    assert nameless == 0
    levels = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()


def test_paper_is_white_and_without_controls(show: Open, html: str) -> None:
    page = show(html, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("header.top").is_visible() and not page.get_by_label("Search", exact=True).is_visible()
    assert page.pdf()[:5] == b"%PDF-"


def test_what_does_not_fit_is_said(show: Open, tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    traced = trace(tiny_model(), tokenizer, ["cats and dogs and " * 7] * 3, values=True)
    layers = attentions(traced)
    tokens = len(traced.input.tokens[0])
    for cells, said, sentences in (
        (2 * 4 * tokens**2 * 2, "2 sentences of 3", 2),
        (2 * 4 * 20**2 + 5, f"1 sentence of 3 and of it the first 20 of {tokens} tokens", 1),
    ):
        monkeypatch.setattr("bert_inspect.render.report.heads.fit.__kwdefaults__", {"cells": cells})
        page = show(report_html(traced, layers))
        assert said in page.locator(".notes").inner_text()
        assert page.get_by_label("Sentence", exact=True).locator("option").count() == sentences
        canvas = page.locator("#attention canvas.heat")
        canvas.focus()
        page.keyboard.press("ArrowRight")
        share = 100 * layers[-1].probabilities[0].mean(axis=0)[0, 1]
        assert page.locator("#attention .heatmap .said").inner_text().endswith(f"{share:.1f} %")


def test_attention_alone_begins_with_the_chosen_head(show: Open, traced: Trace, expected: list[torch.Tensor]) -> None:
    page = show(attention_html(traced, attentions(traced), layer=0, head=1))
    assert (
        page.get_by_label("Layer", exact=True).input_value() == "0"
        and page.get_by_label("Head", exact=True).input_value() == "1"
    )
    page.locator("canvas.heat").focus()
    share = expected[0][0, 1, 0, 0].item()
    assert page.locator(".heatmap .said").inner_text().endswith(f": {100 * share:.1f} %")
    assert page.locator("#steps").count() == 0 and page.locator(".tiles canvas").count() == 8


def test_rows_that_see_nothing_are_flagged(show: Open, tokenizer: Any) -> None:
    class Blind:
        def __getattr__(self, name: str) -> Any:
            return getattr(tokenizer, name)

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            encoded = tokenizer(*args, **kwargs)
            encoded["attention_mask"][0] = [0] * len(encoded["attention_mask"][0])
            return encoded

    traced = trace(tiny_model(attention="sdpa"), Blind(), TEXTS, values=True)
    page = show(report_html(traced, attentions(traced)))
    expect(page.locator("#attention")).to_contain_text("what stands there says nothing")
    expect(page.locator("#attention")).to_contain_text("Rebuilt from the recorded queries, keys and mask")
    page.locator("#attention canvas.heat").focus()
    assert page.locator("#attention .heatmap .said").inner_text().endswith("nothing is visible to it")


def test_the_command_writes_a_small_page(
    command: Callable[..., tuple[int, str, str]], checkpoint: Path, tmp_path: Path, show: Open
) -> None:
    file, saved = tmp_path / "r.html", tmp_path / "t.json"
    code, out, _ = command("report", *TEXTS, "--model", checkpoint, "--stats", "--verify", "-o", file)
    assert (code, out) == (0, "") and file.stat().st_size < 500_000
    assert "proof" in file.read_text() and "passed" in file.read_text()
    command("run", *TEXTS, "--model", checkpoint, "-o", saved, "--quiet")
    code, page, _ = command("report", "--trace", saved, "-o", "-")
    shown = show(page)
    notes = shown.locator(".notes").inner_text()
    assert code == 0 and "this trace holds no values of it" in notes and "--stats records them" in notes
    assert shown.locator("#attention").count() == 0 and shown.get_by_role("tree").count() == 1
    for arguments in (["x", "-o", "a.pdf"], ["x", "-o", tmp_path / "no" / "a.html"], ["x", "--trace", saved]):
        assert command("report", *arguments)[0] == 2


def test_shapes_alone_make_a_page(command: Callable[..., tuple[int, str, str]], show: Open) -> None:
    code, html, _ = command("report", "cats", "--model", "bert-tiny", "--weights", "none", "-o", "-")
    assert code == 0 and "without weights there are only shapes" in html
    assert show(html).get_by_role("treeitem").count() > 5


DIAGRAM = """<svg xmlns="http://www.w3.org/2000/svg" width="400" height="200" viewBox="0 0 400 200">
<style>.shape{fill:#999}</style>
<g data-step="1"><title>first</title><rect class="shape" x="20" y="20" width="120" height="60"/></g>
<g data-step="3"><title>second</title><rect class="shape" x="240" y="20" width="120" height="60"/></g></svg>"""


def test_the_diagram_moves_grows_and_selects(show: Open, traced: Trace) -> None:
    page = show(report_html(traced, [], diagram=DIAGRAM))
    svg = page.locator("#diagram-view svg")

    def view() -> list[float]:
        return [float(number) for number in (svg.get_attribute("viewBox") or "").split()]

    boxes = svg.locator("[data-step]")
    boxes.nth(1).click()
    assert selected(page).split(", ")[0] in traced.steps[3].path + traced.steps[3].label
    assert boxes.nth(1).evaluate("box => box.classList.contains('selected')")
    boxes.nth(0).focus()
    page.keyboard.press("Enter")
    assert selected(page).split(", ")[0] == traced.steps[1].path.split(".")[-1]
    page.get_by_role("button", name="Zoom in").click()
    assert view()[2] < 400
    before = view()
    svg.focus()
    page.keyboard.press("ArrowRight")
    assert view()[0] > before[0] and view()[2] == before[2]
    page.keyboard.press("0")
    assert view() == [0, 0, 400, 200]
    svg.evaluate("svg => svg.scrollIntoView({ behavior: 'instant', block: 'center' })")
    box = svg.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 160, steps=4)
    page.mouse.up()
    assert view()[0] > 0 and view()[1] > 0 and selected(page).split(", ")[0] == traced.steps[1].path.split(".")[-1]
    for _ in range(12):
        page.get_by_role("button", name="Zoom in").click()
    boxes.nth(1).focus()
    part, frame = boxes.nth(1).bounding_box(), svg.bounding_box()
    assert part is not None and frame is not None
    assert abs(part["x"] + part["width"] / 2 - frame["x"] - frame["width"] / 2) < 2


def test_a_click_on_a_number_opens_where_it_comes_from(
    show: Open, command: Callable[..., tuple[int, str, str]], checkpoint: Path
) -> None:
    code, html, _ = command("report", *TEXTS, "--model", checkpoint, "--values", "-o", "-")
    texts = held(html)["cells"]["texts"]
    page = show(html)
    page.get_by_label("Search", exact=True).fill("query projection")
    page.locator(".row", has_text="query projection").first.click()
    step = page.locator(".step")
    canvas, opened = step.locator("canvas.heat").first, step.locator(".arithmetic")
    expect(opened).to_be_hidden()
    step_id = next(step["id"] for step in held(html)["trace"]["steps"] if step["label"] == "query projection")
    canvas.focus()
    seen = set()
    for _ in range(24):
        page.keyboard.press("Enter")
        place = re.fullmatch(r"token '(.*)', hidden '(\d+)': (.*)", step.locator(".said").first.inner_text())
        assert code == 0 and place is not None
        text = texts[f"{step_id}.0"].get(f"0,0,{place[2]}")
        if text is None:
            expect(opened).to_contain_text(f"bert-inspect cell '#{step_id}' '{TEXTS[0]}'")
            expect(opened).to_contain_text(f"--at axis0=0,axis1=0,axis2={place[2]}")
        else:
            lines = opened.locator(".sheet div").all_inner_texts()
            assert lines == text.split("\n") and lines[0].endswith(f"= {place[3]}")
        seen.add(text is None)
        page.keyboard.press("ArrowRight")
    assert seen == {True, False}
    canvas.click(position={"x": 120, "y": 90})
    expect(opened).to_be_visible()
