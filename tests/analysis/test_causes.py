"""The cause of a divergence is named where it is one of the usual suspects, and none is named where it is not."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers import PAIRS, TEXTS, tiny_model, without_values
from tampering import TAMPERINGS

from bert_inspect import Trace
from bert_inspect.analysis.causes.cause import find_cause, with_cause
from bert_inspect.analysis.causes.hypotheses import HYPOTHESES
from bert_inspect.api import trace
from bert_inspect.diff import Cause, Comparison, Side

Tampered = Callable[[str], tuple[Any, Trace]]


def cause_of(a: Trace, b: Trace, model: Any, other: Any = None) -> Cause:
    comparison = Comparison(Side(a), Side(b))
    first = comparison.diff(names=("A", "B")).first
    assert first is not None
    return find_cause(comparison, first, model, other)


def test_there_are_nine() -> None:
    assert len(HYPOTHESES) == 9


@pytest.mark.slow
@pytest.mark.parametrize("name", TAMPERINGS)
def test_the_cause_is_named_or_none_is(name: str, trained: Any, right: Trace, tampered: Tampered) -> None:
    broken, wrong = tampered(name)
    # Both ways: which of the two runs is the broken one makes no difference.
    for a, b, model, other in ((right, wrong, trained, broken), (wrong, right, broken, trained)):
        cause = cause_of(a, b, model, other)
        suspect = TAMPERINGS[name].suspect
        if suspect is None:
            assert cause.suspect == "" and cause.says == ""
            assert cause.note.startswith("not explained by any of the nine tried"), cause
            continue
        assert cause.suspect == suspect, cause
        assert cause.gap_left is not None and "gap" in cause.says
        assert cause.gap is None or float(cause.gap_left) < float(cause.gap)
        if a is right:
            assert TAMPERINGS[name].says in cause.says


def test_the_weights_are_named_that_differ(trained: Any, right: Trace, tampered: Tampered) -> None:
    broken, wrong = tampered("one weight")
    cause = cause_of(right, wrong, trained, broken)
    path = "bert.encoder.layer.1.attention.self.query.weight"
    assert f"the weights differ: {path} in 1 of 1,024 entries ([3, 5]: " in cause.note
    assert cause.gap_left == 0 and "to 0)" in cause.note
    # Without B's model there is nothing to tell it by.
    assert cause_of(right, wrong, trained).note == "not explained by any of the nine tried"


DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16]


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other"), [(a, b) for a in DTYPES for b in DTYPES], ids=str)
def test_a_changed_weight_is_named_in_whatever_types_the_two_run(
    one: torch.dtype, other: torch.dtype, trained: Any, tokenizer: Any
) -> None:
    path = "bert.encoder.layer.1.attention.self.query.weight"
    model, changed = copy.deepcopy(trained), copy.deepcopy(trained)
    changed.get_parameter(path).data[3, 5] += 1
    model, changed = model.to(one), changed.to(other)
    a, b = (trace(each, tokenizer, TEXTS, pairs=PAIRS, values=True) for each in (model, changed))
    cause = cause_of(a, b, model, changed)
    assert f"the weights differ: {path} in 1 of 1,024 entries ([3, 5]: " in cause.note, cause
    assert cause.gap is not None and cause.gap_left is not None and float(cause.gap_left) < float(cause.gap) / 5


def test_a_model_that_did_not_make_a_explains_nothing(trained: Any, right: Trace, tampered: Tampered) -> None:
    _, wrong = tampered("transposed weight")
    stranger = tiny_model(initializer_range=0.1)
    assert cause_of(right, wrong, stranger).says == ""


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64], ids=str)
def test_causes_are_found_in_other_precisions(dtype: torch.dtype, trained: Any, tokenizer: Any) -> None:
    model = copy.deepcopy(trained).to(dtype)
    broken = copy.deepcopy(model)
    TAMPERINGS["transposed weight"].apply(broken)
    a, b = (trace(each, tokenizer, TEXTS, values=True) for each in (model, broken))
    assert cause_of(a, b, model, broken).suspect == "projection weights"


@pytest.mark.parametrize("name", ["mask ignored by a layer", "scores scaled otherwise", "softmax over the queries"])
def test_causes_are_found_behind_fused_attention(name: str, trained: Any, tokenizer: Any) -> None:
    fused = trace(trained, tokenizer, TEXTS, values=True, attention="sdpa")
    broken = copy.deepcopy(trained)
    TAMPERINGS[name].apply(broken)
    cause = cause_of(fused, trace(broken, tokenizer, TEXTS, values=True), trained, broken)
    assert cause.suspect == TAMPERINGS[name].suspect and TAMPERINGS[name].says in cause.says


def test_causes_are_found_beside_another_padding(trained: Any, right: Trace, tokenizer: Any) -> None:
    broken = copy.deepcopy(trained)
    TAMPERINGS["gelu_new"].apply(broken)
    alone = trace(broken, tokenizer, TEXTS[1], pairs=PAIRS[1], values=True)
    assert cause_of(right, alone, trained, broken).suspect == "activation"


def test_other_heads_are_told(trained: Any, right: Trace, tokenizer: Any) -> None:
    halved = tiny_model(initializer_range=0.2, num_attention_heads=2)
    halved.load_state_dict(trained.state_dict())
    cause = cause_of(right, trace(halved, tokenizer, TEXTS, pairs=PAIRS, values=True), trained, halved)
    assert cause.says.startswith("heads split as (heads, head_dim) against 2 of 16")


def test_other_tokens_are_no_riddle(trained: Any, tokenizer: Any) -> None:
    a, b = (trace(trained, tokenizer, text, values=True) for text in ("I love cats!", "I love dogs!"))
    assert cause_of(a, b, trained, trained).note == "the two runs were given different tokens"


def test_without_values_it_is_said_what_is_missing(trained: Any, tokenizer: Any) -> None:
    broken = copy.deepcopy(trained)
    TAMPERINGS["eps everywhere"].apply(broken)
    a, b = (trace(each, tokenizer, TEXTS, stats=True) for each in (trained, broken))
    assert "needs the values of both runs" in cause_of(a, b, trained, broken).note
    comparison = Comparison(Side(a), Side(without_values(a)))
    found = comparison.diff(names=("A", "B"))
    assert with_cause(comparison, found, trained) is found
