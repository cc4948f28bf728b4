"""The answer before and below the tree: both sentences, every class, and no label of a random head."""

from typing import Any

import pytest
from helpers import PAIRS, TEXTS, shown, tiny_model
from msgspec import structs
from rich.cells import cell_len

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.render.answers import answers
from bert_inspect.render.header import header
from bert_inspect.render.outcome.meaning import percent
from bert_inspect.render.page import page
from bert_inspect.render.result import result
from bert_inspect.render.tree import View

LABELS = ("negative", "positive")


def of_weights(traced: Trace, weights: Any) -> Trace:
    """The trace as if its model had such weights, its classes named."""
    assert traced.output is not None
    names = {str(index): LABELS[index] for index in range(2)}
    predictions = [structs.replace(one, label=LABELS[one.index]) for one in traced.output.predictions]
    model = structs.replace(traced.model, weights=weights, source="folder", config={"id2label": names})
    return structs.replace(traced, model=model, output=structs.replace(traced.output, predictions=predictions))


@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_answer_stands_before_the_tree_and_below_it(traced: Trace, width: int) -> None:
    trained = of_weights(traced, "pretrained")
    assert trained.output is not None
    before, _, below = shown(page(trained, View()), width).partition("BertModel")
    for row, prediction in enumerate(trained.output.predictions):
        share = f"{100 * float(prediction.score):.1f} %"
        assert f"{row + 1} {prediction.label} {share}" in before
        assert prediction.label in below and f"{float(prediction.score):.4f}" in below


@pytest.mark.parametrize("weights", ["random", "partial"])
def test_a_random_head_answers_nothing(traced: Trace, weights: str) -> None:
    random = of_weights(traced, weights)
    for width in (40, 80, 120, 200):
        text = shown(page(random, View()), width)
        assert not any(label in text for label in LABELS) and "class " in text
    meaning = {
        "random": "randomly initialized: values and predictions are meaningless",
        "partial": "randomly initialized head: predictions are meaningless",
    }
    for part in (header(random), result(random)):
        assert meaning[weights] in shown(part, 120)
    answered = next(line for line in shown(header(random), 120, color=True).splitlines() if "class " in line)
    assert "\x1b[2m" in answered and "\x1b[1m" not in answered  # dim, nothing bold


def test_a_failed_forward_answers_nothing(traced: Trace) -> None:
    assert answers(structs.replace(traced, output=None)) == []
    assert "class " not in shown(header(structs.replace(traced, output=None)), 120)


@pytest.mark.parametrize("width", [80, 120])
def test_both_sentences_of_a_pair_are_shown(tokenizer: Any, width: int) -> None:
    text = shown(result(trace(tiny_model(), tokenizer, TEXTS, pairs=PAIRS)), width)
    for one, other in zip(TEXTS, PAIRS, strict=True):
        assert one.split()[0] in text and f"with {other}" in text


@pytest.mark.slow
@pytest.mark.parametrize("classes", [1, 2, 3, 4, 5, 7, 40])
@pytest.mark.parametrize("width", [80, 120, 200])
def test_sentences_keep_their_room_beside_many_classes(tokenizer: Any, classes: int, width: int) -> None:
    traced = trace(tiny_model(num_labels=classes), tokenizer, TEXTS)
    assert traced.output is not None
    lines = shown(result(traced), width).splitlines()
    assert max(map(cell_len, lines)) <= width
    text = "\n".join(lines)
    assert TEXTS[0] in text and "hates pineapple" in text
    shares = traced.output.probabilities
    for row in range(len(TEXTS)):
        best = max(traced.output.logits[row] if shares is None else shares[row], key=float)
        assert f"{float(best):.4f}" in text
    assert ("... 2 more" in text) == (classes == 7)


def test_a_probability_is_never_rounded_to_certainty() -> None:
    assert [percent(share) for share in (1.0, 0.99999, 0.9994, 0.5, 0.0001, 0.0, "NaN")] == [
        "100.0 %",
        "> 99.9 %",
        "99.9 %",
        "50.0 %",
        "< 0.1 %",
        "0.0 %",
        "nan",
    ]


def test_few_modules_that_never_ran_are_named(traced: Trace) -> None:
    few = structs.replace(traced, not_called=["a.dropout", "b.dropout"])
    assert "2 modules never called: a.dropout, b.dropout" in shown(result(few), 300)
    many = structs.replace(traced, not_called=["a", "b", "c", "d"])
    assert "4 modules never called" in shown(result(many), 300) and "called:" not in shown(result(many), 300)
    assert "every module was called" in shown(result(structs.replace(traced, not_called=[])), 300)
