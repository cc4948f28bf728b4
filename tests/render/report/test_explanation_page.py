"""An explanation as a page and in the report: its numbers, its landmarks, and text that stays text."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from render.explain.records import BIASES, SHARES, by_component, by_layer, by_token, checked, model, target
from render.explain.test_terminal import LONG, MADE

from bert_inspect import Trace
from bert_inspect.analysis.explain.explanation import Logit
from bert_inspect.render.explain.page import View
from bert_inspect.render.report import explanation_html, report_html

VOID = {"meta", "input", "br", "img", "hr", "rect", "link"}


class _Elements(HTMLParser):
    """Every element with its attributes and its own text; checks that what is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[int] = []
        self.found: list[tuple[str, dict[str, str], list[str]]] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, dict(attrs), []))
        if tag not in VOID:
            self.open.append(len(self.found) - 1)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        assert self.found[self.open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for place in self.open:
            self.found[place][2].append(data)


def elements(html: str) -> list[tuple[str, dict[str, str], str]]:
    parser = _Elements()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return [(tag, attributes, " ".join(" ".join(text).split())) for tag, attributes, text in parser.found]


def of(html: str, tag: str, class_: str = "") -> list[tuple[dict[str, str], str]]:
    return [
        (attributes, text)
        for name, attributes, text in elements(html)
        if name == tag and (not class_ or class_ in (attributes.get("class") or "").split())
    ]


@pytest.mark.parametrize("name", MADE)
def test_it_is_a_whole_page_that_loads_nothing(name: str) -> None:
    html = explanation_html(MADE[name](), View())
    assert html.startswith("<!doctype html>") and not re.search(r'(?:src|href)="(?!#)', html)
    assert "\x1b" not in html and "\u202e" not in html and "<b>x" not in html and " style=" not in html
    assert [text for _, text in of(html, "h1")] == ["Why tiny answers as it does"]
    ids = [attributes["id"] for _, attributes, _ in elements(html) if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_every_share_has_one_row_and_the_text_is_whole() -> None:
    html = explanation_html(by_token(), View())
    rows = [text.split() for _, text in of(html, "tr")]
    shares = [float(row[-1]) for row in rows if re.fullmatch(r"[+-]?\d\.\d{4}", row[-1])]
    assert sum(shares) == sum(SHARES) + sum(float(bias.share) for bias in BIASES) and len(shares) == len(SHARES) + 5
    pieces = of(html, "span", "piece")
    assert [text for _, text in pieces] == ["[CLS]", "great", "un", "bel", "ievable", "film", ".", "[SEP]"]
    assert [piece["title"].rpartition(" ")[2] for piece, _ in pieces] == [
        *("+0.2500", "+1.0000", "-0.5000", "+0.1250", "+0.0625", "-2.0000", "0.0000", "+0.5000")
    ]
    shades = ["".join(piece["class"].split()[2:]) for piece, _ in pieces]
    assert shades == ["for-1", "for-4", "against-2", "", "", "against-8", "", "for-2"]
    keys = {row["data-key"] for row, _ in of(html, "tr") if "data-key" in row}
    assert keys == {piece["data-key"] for piece, _ in pieces}
    assert "sum 0.3125 = logit 0.3125" in html


def test_bars_begin_or_end_at_zero() -> None:
    html = explanation_html(by_token(), View())
    zero = {float(mark["x"]) for mark, _ in of(html, "rect", "zero")}
    assert len(zero) == 1
    for bar, _ in [*of(html, "rect", "for"), *of(html, "rect", "against")]:
        begins, length = float(bar["x"]), float(bar["width"])
        assert 0 <= begins <= begins + length <= 100.01
        assert min(abs(begins - place) + abs(begins + length - place) - length for place in zero) < 0.05


@pytest.mark.parametrize("all_", [False, True])
def test_a_long_text_has_its_largest_rows_or_all(all_: bool) -> None:
    html = explanation_html(by_token([0.001 * place for place in range(502)], LONG), View(all=all_))
    assert len(of(html, "span", "piece")) == 502
    assert len([row for row, _ in of(html, "tr") if "data-key" in row]) == (502 if all_ else 20)


def test_components_layers_and_the_check_have_tables() -> None:
    html = explanation_html(by_component(), View())
    cells = [cell["title"] for cell, _ in of(html, "td", "cell")]
    assert cells == [
        *("layer 0 head 0 +0.5000", "layer 0 head 1 -0.2500", "layer 0 feed-forward +0.1250", "layer 0 biases +0.8750"),
        *("layer 1 head 0 +2.0000", "layer 1 head 1 0.0000", "layer 1 feed-forward +0.2500", "layer 1 biases -0.5000"),
    ]
    html = explanation_html(by_layer(), View())
    rows = [text for _, text in of(html, "tr")]
    assert rows[1:] == [
        "hidden_states [0] -0.5000 40.0 % positive",
        "hidden_states [1] 0.2500 65.0 % positive",
        "hidden_states [2] 2.0000 90.0 % positive",
    ]
    assert "the same for every sentence" in html
    html = explanation_html(by_token(faithfulness=checked()), View())
    assert "faster than random order" in html and html.count('<table class="eraser">') == 2
    assert len(of(html, "path", "own")) == 2  # the curve, and its line in the legend


def test_labels_are_text() -> None:
    found = by_token(target=target(of=Logit(label="B<script>", index=1, logit=1.0, probability=0.5)))
    html = explanation_html(found, View())
    assert "B&lt;script&gt;" in html and html.count("<script") == 1


def test_an_answer_of_a_random_head_is_no_answer() -> None:
    html = explanation_html(by_token(model=model(weights="random")), View())
    assert "an explanation of them is one of noise" in html and "logit of class 1" in html
    assert "positive" not in html and len(of(html, "div", "meaningless")) == 1


def test_the_report_has_the_section_where_there_is_an_explanation(traced: Trace) -> None:
    without, with_ = report_html(traced, []), report_html(traced, [], explanation=by_token(faithfulness=checked()))
    assert 'id="why"' not in without and 'href="#why"' not in without
    section = with_[with_.index('<section id="why"') :]
    section = section[: section.index("</section>")] + "</section>"
    assert "logit of positive" in section and "sum 0.3125 = logit 0.3125" in section
    assert len(of(section, "span", "piece")) == len(SHARES)
    ids = [attributes["id"] for _, attributes, _ in elements(with_) if "id" in attributes]
    assert len(ids) == len(set(ids)) and 'href="#why"' in with_
