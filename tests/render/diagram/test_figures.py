"""The figures of every family: each component that it has, in the order of the run, and a page that lists them."""

import re
from html import unescape
from typing import Any

import pytest
from families import by_hand
from msgspec import structs

from bert_inspect import Trace
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import MASKED_LM, NO_HEAD, SEQUENCE_CLASSIFICATION, Head
from bert_inspect.render.diagram.figures import figures_of
from bert_inspect.render.diagram.index import index_page
from bert_inspect.render.diagram.svg import svg

TUTORIAL = ["Tokenizer", "Embeddings", "Self-attention", "Attention output", "Attention", "Intermediate", "Output"]
TUTORIAL += ["Layer", "Encoder", "Pooler", "Model", "Complete"]
"""The tutorial's twelve figures."""


def test_a_bert_has_the_tutorial_s_figures(traced: Trace) -> None:
    figures = figures_of(traced)
    assert [figure.title for figure in figures] == TUTORIAL
    assert [figure.file(number) for number, figure in enumerate(figures, 1)][2:4] == [
        "03-self-attention.svg",
        "04-attention-output.svg",
    ]
    assert figures[2].path == "bert.encoder.layer.0.attention.self"
    assert "layers 0 to 1" in svg(figures[8].flow) and "layers" not in svg(figures_of(traced, fold=False)[8].flow)


@pytest.mark.slow
@pytest.mark.parametrize("head", [NO_HEAD, SEQUENCE_CLASSIFICATION, MASKED_LM])
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_has_figures_of_what_it_has(name: str, head: Head) -> None:
    trace = by_hand.traced(name, head)
    figures = figures_of(trace)
    titles = [figure.title for figure in figures]
    assert titles[0] == "Tokenizer" and titles[-1] == "Complete" and len(set(titles)) == len(titles)
    assert {"Embeddings", "Self-attention", "Layer"} <= set(titles)
    roles = {step.role for step in trace.steps if step.kind == "module"}
    assert all(title.lower() in roles for title in titles if title not in ("Tokenizer", "Model", "Complete"))
    whole = [figure.flow.path for figure in figures if figure.title == "Model"]
    assert whole == ([] if head is NO_HEAD else [next(s.path for s in trace.steps if s.role == "body")])


def test_the_page_lists_the_figures_and_escapes_what_it_is_given(traced: Trace) -> None:
    hostile: dict[str, Any] = {"name": "<script>alert(1)</script>\x1b", "class_": '"><b>'}
    figures = figures_of(traced)
    page = index_page(figures, structs.replace(traced, model=structs.replace(traced.model, **hostile)))
    assert "<script" not in page and "<b>" not in page and "\x1b" not in page
    assert re.findall(r'<img src="([^"]+)"', page) == [figure.file(at) for at, figure in enumerate(figures, 1)]
    assert all(figure.sentence in unescape(page) for figure in figures)
    assert not re.search(r'(?:src|href)="(?:http|//)', page)
