"""Two runs of every head: their answers in words, their logits as values of the step that computed them."""

import json
from typing import Any

import pytest
import torch
from helpers import PAIRS, TEXTS, shown
from render.answered import entities, masks, replaced, similar, span, traced_with, untrained

from bert_inspect.diff import diff
from bert_inspect.families import heads
from bert_inspect.render.comparison.page import DiffPage, DiffView

CONTEXT = "It was built in 1887 or in 1889, in Paris."
WANTED = {"Barack": "B-PER", "Obama": "I-PER", "Berlin": "B-LOC"}


def answers(found: Any) -> Any:
    return json.loads(found.json())["answers"]


def test_entities_are_told_with_their_characters(tokenizer: Any) -> None:
    a, b = entities(tokenizer, "Barack Obama is here.", WANTED), entities(tokenizer, "He is in Berlin.", WANTED)
    found = diff(a, b)
    assert found.verdict.startswith("the sentences differ; the answer changes from Barack Obama PER to Berlin LOC")
    (told,) = answers(found)
    assert a.output is not None and b.output is not None
    for side, traced in (("a", a), ("b", b)):
        (entity,) = traced.output.entities[0]  # type: ignore[union-attr]
        (part,) = told[side]["parts"]
        assert told[side]["text"][part["start"] : part["end"]] == part["text"]
        assert (part["label"], part["score"]) == (entity.entity_group, entity.score)
        assert told[side]["index"] == -1 and told[side]["score"] is None
    assert "Barack Obama PER" in shown(DiffPage(found, DiffView()), 120)


def test_the_answer_of_a_question_is_its_text(tokenizer: Any) -> None:
    a, b = span(tokenizer, "When?", CONTEXT, "1887", "1887"), span(tokenizer, "When then?", CONTEXT, "1889", "1889")
    found = diff(a, b)
    assert "the answer changes from 1887 to 1889; the logits differ by up to 7" in found.verdict
    assert "1887" in shown(DiffPage(found, DiffView()), 120)
    stays = diff(a, span(tokenizer, "When then?", CONTEXT, "1887", "1887"))
    assert "the answer stays 1887" in stays.verdict


def test_the_best_tokens_at_masks_are_the_answer(tokenizer: Any) -> None:
    a, b = masks(tokenizer, "A [MASK] and [MASK]!"), masks(tokenizer, "Not one [MASK] or two [MASK]!")
    found = diff(a, b)
    assert a.output is not None
    best = [mask.tokens[0] for mask in a.output.masks]
    (told,) = answers(found)
    assert told["a"]["label"] == ", ".join(one.token for one in best) and told["logits"] is None
    assert [(part["label"], part["score"]) for part in told["a"]["parts"]] == [
        (one.token, one.probability) for one in best
    ]
    assert not found.same and "the answer changes from" in found.verdict


def test_pre_training_and_replaced_tokens_are_told_too(tokenizer: Any) -> None:
    a = masks(tokenizer, "A [MASK]!", ["So."], head=heads.PRE_TRAINING)
    (told,) = answers(diff(a, a))
    assert told["a"]["label"].endswith("; next sentence") and told["logits"] == 0
    b = replaced(tokenizer, "The chef ate the meal.", ["ate"])
    (told,) = answers(diff(b, replaced(tokenizer, "The chef ate the meal.", ["meal"])))
    assert (told["a"]["label"], told["b"]["label"]) == ("ate", "meal") and told["logits"] > 3


def test_one_choice_is_one_answer(tokenizer: Any) -> None:
    a, b = (
        traced_with(heads.MULTIPLE_CHOICE, tokenizer, text, choices=["a.", "b."], returned={"logits": logits})
        for text, logits in (("One", torch.tensor([[1.0, 2]])), ("Two", torch.tensor([[4.0, 2]])))
    )
    found = diff(a, b)
    (told,) = answers(found)
    assert (told["a"]["label"], told["b"]["label"], told["logits"]) == ("b.", "a.", 3)
    assert "parts" not in told["a"] and "the prediction changes from b. to a." in found.verdict


def test_without_a_head_or_with_different_ones_nothing_is_answered(tokenizer: Any) -> None:
    alike = similar(tokenizer, TEXTS)
    assert answers(diff(alike, alike)) == []
    assert answers(diff(span(tokenizer, "When?", CONTEXT, "1887", "1887"), entities(tokenizer, TEXTS, {}))) == []


def test_a_random_head_answers_nothing(tokenizer: Any) -> None:
    a = untrained(span(tokenizer, "When?", CONTEXT, "1887", "1887"))
    b = untrained(span(tokenizer, "Why?", CONTEXT, "1889", "1889"))
    found = diff(a, b)
    assert "1887" not in found.verdict and "the logits differ" in found.verdict
    text = shown(DiffPage(found, DiffView()), 120)
    assert "meaningless" in text and text.count("1887") == 2  # in the contexts alone


@pytest.mark.parametrize(
    "head",
    [heads.TOKEN_CLASSIFICATION, heads.QUESTION_ANSWERING, heads.NEXT_SENTENCE, heads.MULTIPLE_CHOICE],
    ids=lambda head: head.task,
)
def test_the_returned_logits_are_the_values_of_the_step_that_computed_them(tokenizer: Any, head: Any) -> None:
    given: dict[str, Any] = {"texts": TEXTS, "pairs": PAIRS}
    if head is heads.MULTIPLE_CHOICE:
        given = {"texts": TEXTS[0], "choices": PAIRS}
    one, other = (traced_with(head, tokenizer, **given, initializer_range=size) for size in (0.02, 0.021))
    exact = traced_with(head, tokenizer, **given)
    found = [step for step in diff(one, other).steps if step.by == "values" and step.label.endswith("logits")]
    assert [step.status for step in found] == ["different"]
    again = [step for step in diff(one, exact).steps if step.by == "values" and step.label.endswith("logits")]
    assert [(step.status, step.max_abs) for step in again] == [("identical", 0)]
