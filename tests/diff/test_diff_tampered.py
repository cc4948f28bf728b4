"""A model that is broken on purpose parts from the right one exactly at the step that was broken."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from helpers import PAIRS, TEXTS, without_values
from tampering import TAMPERINGS

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.diff import diff

Tampered = Callable[[str], tuple[Any, Trace]]


@pytest.mark.slow
@pytest.mark.parametrize("name", TAMPERINGS)
def test_the_first_divergence_is_the_broken_step(name: str, trained: Any, right: Trace, tampered: Tampered) -> None:
    _, wrong = tampered(name)
    for by, found in (
        ("values", diff(right, wrong)),
        ("statistics", diff(without_values(right), without_values(wrong))),
    ):
        first = found.first
        assert not found.same and first is not None, name
        assert (first.path, first.label) == (TAMPERINGS[name].path, TAMPERINGS[name].label), (by, found.verdict)
        assert found.verdict.startswith("first divergence: ")
        earlier = found.steps[: found.steps.index(first)]
        assert all(step.status == "identical" for step in earlier)
        assert first.by in (by, "shapes")


# What fused attention does in one step cannot be told apart by statistics, nor a difference below float noise.
SEEN_BESIDE_SDPA = [
    "eps everywhere",
    "gelu_new",
    "transposed weight",
    "swapped projections",
    "no bias",
    "shifted position ids",
    "missing segment ids",
    "mask ignored by the model",
    "one weight",
    "one weight of a norm",
    "one word",
    "last token pooled",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", SEEN_BESIDE_SDPA)
def test_it_is_found_beside_another_implementation_of_attention(
    name: str, trained: Any, right: Trace, tokenizer: Any
) -> None:
    broken = copy.deepcopy(trained)
    TAMPERINGS[name].apply(broken)
    found = diff(right, trace(broken, tokenizer, TEXTS, pairs=PAIRS, values=True, attention="sdpa"))
    assert found.first is not None
    assert (found.first.path, found.first.label) == (TAMPERINGS[name].path, TAMPERINGS[name].label), found.verdict


def test_it_is_found_beside_another_padding(trained: Any, right: Trace, tokenizer: Any) -> None:
    broken = copy.deepcopy(trained)
    TAMPERINGS["one weight"].apply(broken)
    found = diff(right, trace(broken, tokenizer, TEXTS[1], pairs=PAIRS[1], values=True))
    assert found.first is not None and found.first.label == "query projection"
    assert found.first.at is not None and found.first.at.words.startswith("sentence 2, token ")
    assert found.first.at.index[2] == 3 and found.first.at.words.endswith("hidden 3")


def test_independent_divergences_are_named_and_what_follows_is_not(trained: Any, right: Trace, tokenizer: Any) -> None:
    broken = copy.deepcopy(trained)
    for name in ("shifted position ids", "swapped segment ids", "one weight of a norm"):
        TAMPERINGS[name].apply(broken)
    found = diff(right, trace(broken, tokenizer, TEXTS, pairs=PAIRS, values=True))
    assert found.first is not None and found.first.label == "position ids"
    # The norm's inputs differ already: nothing tells its own difference apart.
    assert [step.label for step in found.also] == ["token type embeddings"]
