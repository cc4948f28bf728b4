"""Two runs over other sentences: tokens aligned by word, sizes of differences against plain torch, both predictions."""

from typing import Any

import pytest
import torch
from helpers import PAIRS, TEXTS, find, shown, tiny_model, values_of
from msgspec import structs

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.diff import Diff, diff
from bert_inspect.diff.align import align_rows
from bert_inspect.render.comparison.page import DiffPage, DiffView, answer

A, B = "I love cats!", "I really love pineapples!"


@pytest.fixture(scope="module")
def runs(tokenizer: Any) -> tuple[Trace, Trace]:
    model = tiny_model()
    return trace(model, tokenizer, A, values=True), trace(model, tokenizer, B, values=True)


def trained(traced: Trace, labels: tuple[str, ...] = ("negative", "positive")) -> Trace:
    assert traced.output is not None
    predictions = [structs.replace(one, label=labels[one.index]) for one in traced.output.predictions]
    output = structs.replace(traced.output, predictions=predictions)
    return structs.replace(traced, model=structs.replace(traced.model, weights="pretrained"), output=output)


def test_tokens_belong_together_by_their_words(runs: tuple[Trace, Trace]) -> None:
    a, b = (one.input for one in runs)
    (pair,) = align_rows(a, b).pairs
    told = [(a.tokens[0][i], b.tokens[0][j]) for i, j in zip(pair.tokens_a, pair.tokens_b, strict=True)]
    first_piece = next(token for token in b.tokens[0] if token.startswith("pine"))
    assert told == [
        ("[CLS]", "[CLS]"),
        ("I", "I"),
        ("love", "love"),
        ("cats", first_piece),
        ("!", "!"),
        ("[SEP]", "[SEP]"),
    ]
    assert b.tokens[0].index("really") not in pair.tokens_b


@pytest.mark.parametrize(
    ("one", "other", "differences"),
    [
        ("I love cats!", "I love!", "'cats' only in A"),
        ("cats love cats", "cats", "'love cats' only in A"),
        ("not good at all", "good", "'not' only in A; 'at all' only in A"),
        ("a b c d e f", "u v", "'a b c d e f' in A, 'u v' in B"),
    ],
)
def test_what_differs_is_told_in_words(tokenizer: Any, one: str, other: str, differences: str) -> None:
    model = tiny_model()
    found = diff(trace(model, tokenizer, one), trace(model, tokenizer, other))
    assert found.notes[0].startswith(f"{differences}; tokens aligned by word: ")
    turned = diff(trace(model, tokenizer, other), trace(model, tokenizer, one))
    swapped = differences.replace("in A", "in _").replace("in B", "in A").replace("in _", "in B")
    if "," not in differences:
        assert turned.notes[0].startswith(f"{swapped}; ")


def test_both_parts_of_a_pair_are_aligned(tokenizer: Any) -> None:
    model = tiny_model()
    a = trace(model, tokenizer, TEXTS[0], pairs=PAIRS[0], values=True)
    b = trace(model, tokenizer, TEXTS[0], pairs=PAIRS[1], values=True)
    found = diff(a, b)
    assert found.other_texts and "'So do I' in A, 'No' in B" in found.notes[0]
    text = shown(answer(found), 120)
    assert f"{TEXTS[0]} with {PAIRS[0]}" in text and f"{TEXTS[0]} with {PAIRS[1]}" in text


def test_sizes_are_those_of_plain_torch(runs: tuple[Trace, Trace]) -> None:
    a, b = runs
    found = diff(a, b)
    (pair,) = align_rows(a.input, b.input).pairs
    for path in ("bert.embeddings", "bert.encoder.layer.0", "bert.encoder.layer.1.intermediate"):
        x = values_of(find(a, path=path)).double()[0, pair.tokens_a]
        y = values_of(find(b, path=path)).double()[0, pair.tokens_b]
        step = next(step for step in found.steps if step.path == path and step.kind == "module")
        assert step.max_abs == pytest.approx((x - y).abs().max().item())
        assert step.max_rel == pytest.approx(((x - y).abs().max() / torch.maximum(x.abs(), y.abs()).max()).item())
        cosine = torch.nn.functional.cosine_similarity(x.flatten(), y.flatten(), dim=0).item()
        assert step.cosine == pytest.approx(cosine)
        assert (step.status, step.times, step.floor) == ("different", None, None)
    assert a.output is not None and b.output is not None
    logits = (torch.tensor(a.output.logits) - torch.tensor(b.output.logits)).abs().max().item()
    assert found.answers[0].logits == pytest.approx(logits, rel=1e-5)
    assert found.cause is None and found.also == [] and not found.same


def test_the_verdict_tells_of_logits_and_predictions(runs: tuple[Trace, Trace]) -> None:
    a, b = map(trained, runs)
    found = diff(a, b)
    assert found.answers[0].a.label == found.answers[0].b.label
    size = float(found.answers[0].logits or 0)
    stays = f"the sentences differ; the prediction stays {found.answers[0].a.label}; the logits differ by up to "
    assert found.verdict == f"{stays}{size:.4g}"
    turned = structs.replace(found.answers[0].b, label="other")
    assert turned.label == "other"
    found = diff(a, trained(runs[1], ("other", "other")))
    assert f"the prediction changes from {found.answers[0].a.label} to other; " in found.verdict
    assert "prediction" not in diff(*runs).verdict and "the logits differ by up to " in diff(*runs).verdict


@pytest.mark.slow
@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_the_page_shows_both_answers_first_and_no_tolerance(runs: tuple[Trace, Trace], width: int) -> None:
    for view in (DiffView(), DiffView(all=True)):
        text = shown(DiffPage(diff(*map(trained, runs)), view), width)
        assert not any(word in text for word in ("tolerance", "x tol", "noise", "divergence", "explained"))
        if width >= 80:
            lines = text.splitlines()
            place = next(at for at, line in enumerate(lines) if line.startswith("A  "))
            assert place <= 4 and A in lines[place] and B in lines[place + 1] and " %" in lines[place]
    random = shown(DiffPage(diff(*runs), DiffView()), 120)
    assert "class 0" in random or "class 1" in random
    assert "these predictions are meaningless" in random and "LABEL_" not in random


def test_a_tolerance_that_was_given_counts(runs: tuple[Trace, Trace]) -> None:
    found = diff(*runs, atol=1e-3)
    assert found.other_texts and {step.status for step in found.steps} > {"different"}
    assert any(step.times is not None for step in found.steps)
    assert "x tolerance" in shown(DiffPage(found, DiffView()), 120)


def test_sentences_of_the_same_tokens_are_the_same(tokenizer: Any) -> None:
    model = tiny_model()
    found = diff(trace(model, tokenizer, "I love cats !", values=True), trace(model, tokenizer, A, values=True))
    assert found.other_texts and found.same and found.verdict.startswith("the same: ")


def test_a_batch_tells_of_each_sentence(tokenizer: Any) -> None:
    model = tiny_model()
    found: Diff = diff(
        trained(trace(model, tokenizer, [A, "Yes."], values=True)),
        trained(trace(model, tokenizer, [B, "No."], values=True)),
    )
    assert [note.split(":")[0] for note in found.notes] == ["sentence 1", "sentence 2"]
    assert "the prediction changes for 0 of 2" in found.verdict and "(sentence " in found.verdict
    assert len(found.answers) == 2
