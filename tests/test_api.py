"""The Python API on a model of one's own, and in a notebook."""

import html.parser
from typing import Any

import pytest
import torch
from helpers import TEXTS, find, tiny_model

import bert_inspect
from bert_inspect import BertInspectError, Trace, load, trace


def test_the_package_offers_what_it_names() -> None:
    assert set(dir(bert_inspect)) == set(bert_inspect.__all__)
    assert all(getattr(bert_inspect, name) is not None for name in bert_inspect.__all__)
    with pytest.raises(AttributeError):
        _ = bert_inspect.nothing


def test_one_sentence_may_be_a_string(model: Any, tokenizer: Any) -> None:
    assert trace(model, tokenizer, TEXTS[0]).input.texts == [TEXTS[0]]
    assert trace(model, tokenizer, TEXTS[0], pairs="Me too.").input.pairs == ["Me too."]
    assert {step.layer for step in trace(model, tokenizer, TEXTS[0], layer=1).steps} == {None, 1}


def test_the_model_runs_as_it_is(tokenizer: Any) -> None:
    model = tiny_model(attention="sdpa")
    assert trace(model, tokenizer, TEXTS).model.attention == "sdpa"
    seen = trace(model, tokenizer, TEXTS, attention="eager")
    assert seen.model.attention == "eager" and find(seen, label="attention probabilities")
    assert model.config._attn_implementation == "sdpa"


def test_load_gives_what_run_uses() -> None:
    model, tokenizer = load("bert-tiny", weights="random")
    result = trace(model, tokenizer, "I love cats!")
    assert result.model.source == "python" and result.input.tokens[0][1] == "i"


def test_wrong_arguments_are_clear(model: Any, tokenizer: Any) -> None:
    with pytest.raises(TypeError, match=r"takes a model of BERT, .*, not a Linear"):
        trace(torch.nn.Linear(1, 1), tokenizer, "x")
    with pytest.raises(BertInspectError, match="NoneType does not say where its tokens stand"):
        trace(model, None, "x")
    with pytest.raises(BertInspectError, match="layer 9"):
        trace(model, tokenizer, "x", layer=9)
    with pytest.raises(BertInspectError, match="no module matches"):
        trace(model, tokenizer, "x", module="bert.nothing")
    with pytest.raises(BertInspectError, match="no sentence"):
        trace(model, tokenizer, [])
    with pytest.raises(BertInspectError, match="a sentence is a string"):
        trace(model, tokenizer, [3])  # type: ignore[list-item]


def test_a_notebook_shows_the_tree_and_text_stays_text(model: Any, tokenizer: Any) -> None:
    result = trace(model, tokenizer, "<script>alert(1)</script> [bold]", stats=True)
    shown = result._repr_mimebundle_()
    assert "attention probabilities" in shown["text/plain"] and "<script>" not in shown["text/html"]
    assert "attention probabilities" in shown["text/html"] and "\x1b" not in shown["text/html"]
    parser = html.parser.HTMLParser()
    parser.feed(shown["text/html"])
    assert repr(result) == f"<Trace of BertForSequenceClassification: 1 x 16 tokens, {len(result.steps)} steps>"


def test_traces_of_a_filter_are_those_of_the_whole(model: Any, tokenizer: Any, traced: Trace) -> None:
    some = trace(model, tokenizer, TEXTS, labels=[1, 0], stats=True, values=True, module="**.attention.self")
    whole = {(step.path, step.label, step.type): step for step in traced.steps}
    for step in some.steps:
        other = whole[step.path, step.label, step.type]
        assert step.total_flops == other.total_flops and step.source == other.source
        if step.path.endswith("attention.self"):
            assert step.outputs == other.outputs
