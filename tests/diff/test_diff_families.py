"""Two architectures held against each other: steps belong together by what they are, and the cause is named."""

from typing import Any

import pytest
import torch
from families.tiny import tiny
from helpers import PAIRS, TEXTS, find, values_of

from bert_inspect import Trace
from bert_inspect.analysis.causes.cause import with_cause
from bert_inspect.api import trace
from bert_inspect.diff import Comparison, Diff, Side
from bert_inspect.families import BERT, ELECTRA, FAMILIES, ROBERTA, Family
from bert_inspect.families.heads import MASKED_LM, NO_HEAD, SEQUENCE_CLASSIFICATION, Head

VOCABULARY = 28996
ROWS = 40


def body_of(model: Any, family: Family) -> Any:
    return getattr(model, family.body, model)


def holding(bert: Any, head: Head, *, shifted: bool, padding: int = 1, family: Family = ROBERTA) -> Any:
    """A RoBERTa with the weights of a BERT's body; its position table begins at the row in which RoBERTa's positions
    do, or is taken over as it is.
    """
    first = padding + 1 if family is ROBERTA else 0
    rows = ROWS + first
    size = {"embedding_size": 32} if family is ELECTRA else {}
    model = tiny(
        family,
        head,
        vocab_size=VOCABULARY,
        pad_token_id=padding,
        max_position_embeddings=rows,
        layer_norm_eps=1e-12,
        **size,
    )
    state = body_of(bert, BERT).state_dict()
    table = state.pop("embeddings.position_embeddings.weight")
    body = body_of(model, family)
    wanted = body.state_dict()
    body.load_state_dict({name: tensor for name, tensor in state.items() if name in wanted}, strict=False)
    with torch.no_grad():
        body.embeddings.position_embeddings.weight[first if shifted else 0 :][:ROWS] = table
    return model


@pytest.fixture(scope="module")
def bert() -> Any:
    return tiny(BERT, SEQUENCE_CLASSIFICATION, vocab_size=VOCABULARY)


def compared(a: Trace, b: Trace, model: Any, other: Any) -> Diff:
    comparison = Comparison(Side(a), Side(b))
    return with_cause(comparison, comparison.diff(names=("A", "B")), model, other)


def traced(model: Any, tokenizer: Any, side: str = "right", pairs: list[str] | None = None) -> Trace:
    before, tokenizer.padding_side = tokenizer.padding_side, side
    try:
        return trace(model, tokenizer, TEXTS, pairs=pairs, values=True)
    finally:
        tokenizer.padding_side = before


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("turned", [False, True], ids=["BERT first", "RoBERTa first"])
def test_a_roberta_with_a_berts_weights_differs_in_its_positions(
    bert: Any, tokenizer: Any, padding: int, turned: bool
) -> None:
    model = holding(bert, SEQUENCE_CLASSIFICATION, shifted=False, padding=padding)
    sides = [(bert, "from 0"), (model, f"from {padding + 1} (as RoBERTa counts them)")]
    (one, mine), (other, theirs) = reversed(sides) if turned else sides
    a, b = traced(one, tokenizer), traced(other, tokenizer)
    found = compared(a, b, one, other)
    assert found.first is not None and found.first.label == "position embeddings"
    wanted = (values_of(find(a, label="position embeddings")) - values_of(find(b, label="position embeddings"))).abs()
    real = torch.tensor(a.input.attention_mask, dtype=torch.bool)
    assert found.first.max_abs == pytest.approx(wanted.expand(2, -1, -1)[real].max().item())
    assert found.cause is not None and found.cause.suspect == "positions"
    assert found.cause.says.startswith(f"positions {mine} against {theirs}") and found.cause.gap_left == 0
    before = {step.label: step.status for step in found.steps if step.path.endswith("embeddings")}
    assert before["word embeddings"] == before["token type embeddings"] == "identical"


@pytest.mark.parametrize("side", ["right", "left"])
def test_positions_are_told_with_padding_on_either_side(bert: Any, tokenizer: Any, side: str) -> None:
    model = holding(bert, SEQUENCE_CLASSIFICATION, shifted=False, padding=0)
    found = compared(traced(bert, tokenizer, side), traced(model, tokenizer, side), bert, model)
    assert found.cause is not None and found.cause.suspect == "positions", found.cause
    assert "from 0 against from 1 (as RoBERTa counts them)" in found.cause.says


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_a_table_that_begins_where_robertas_positions_do_makes_the_same_model(
    bert: Any, tokenizer: Any, attention: str
) -> None:
    model = holding(bert, SEQUENCE_CLASSIFICATION, shifted=True)
    a = traced(bert, tokenizer)
    b = trace(model, tokenizer, TEXTS, values=True, attention=attention)
    found = Comparison(Side(a), Side(b)).diff(names=("A", "B"))
    compared_in_layers = [step for step in found.steps if step.layer is not None]
    assert {step.status for step in compared_in_layers} <= {"identical", "noise"}
    own = {step.label for step in a.steps if step.layer == 1}
    assert {step.label for step in compared_in_layers if step.layer == 1} >= own - {
        *("attention scores", "scaled attention scores", "masked attention scores", "attention probabilities"),
        *("attention dropout", "key transposed"),
    }
    last = find(a, label="encoder"), find(b, label="encoder")
    real = torch.tensor(a.input.attention_mask, dtype=torch.bool)
    assert torch.allclose(values_of(last[0])[real], values_of(last[1])[real], atol=1e-5)
    # What classifies is no part of the body: each has its own.
    assert found.first is not None and found.first.part == "head"
    assert "B has no pooler" in found.verdict and "A has no classification head" in found.verdict


def test_pairs_that_one_of_the_two_does_not_tell_apart(bert: Any, tokenizer: Any) -> None:
    model = holding(bert, SEQUENCE_CLASSIFICATION, shifted=True)
    found = compared(traced(bert, tokenizer, pairs=PAIRS), traced(model, tokenizer, pairs=PAIRS), bert, model)
    assert found.first is not None and found.first.label == "token type embeddings"
    assert found.cause is not None and "missing (all 0)" in found.cause.says


def test_an_electra_with_a_berts_weights_is_that_bert(bert: Any, tokenizer: Any) -> None:
    model = holding(bert, NO_HEAD, shifted=False, padding=0, family=ELECTRA)
    found = Comparison(Side(traced(bert, tokenizer)), Side(traced(model, tokenizer))).diff(names=("A", "B"))
    steps = [step for step in found.steps if step.layer is not None or step.part == "embeddings"]
    assert steps and {step.status for step in steps} == {"identical"}
    assert find(traced(model, tokenizer), label="position ids").path == "embeddings"  # a body alone has no prefix


def test_a_changed_weight_is_named_under_its_name_in_a(bert: Any, tokenizer: Any) -> None:
    model = holding(bert, MASKED_LM, shifted=True)
    model.roberta.encoder.layer[1].attention.self.query.weight.data[3, 5] += 1
    found = compared(traced(bert, tokenizer), traced(model, tokenizer), bert, model)
    assert found.first is not None and found.first.label == "query projection"
    path = "bert.encoder.layer.1.attention.self.query.weight"
    assert found.cause is not None and f"the weights differ: {path} in 1 of 1,024 entries" in found.cause.note


@pytest.mark.slow
@pytest.mark.parametrize("heads", [1, 4])
def test_heads_that_are_folded_into_the_batch_are_compared_sentence_by_sentence(tokenizer: Any, heads: int) -> None:
    """DeBERTa's: in another order, and alone, a sentence has the numbers that it had, and only one is changed."""
    family, size = FAMILIES["deberta-v2"], {"vocab_size": VOCABULARY, "num_attention_heads": heads}
    model = tiny(family, NO_HEAD, **size)
    several = trace(model, tokenizer, TEXTS, values=True)
    for other in (TEXTS[::-1], TEXTS[1:], TEXTS[:1]):
        found = compared(several, trace(model, tokenizer, other, values=True), model, model)
        judged = {step.status for step in found.steps if step.label not in ("constant", "scale")}
        assert found.same and judged <= {"identical", "noise"}, found.first
    changed = tiny(family, NO_HEAD, **size)
    with torch.no_grad():
        changed.encoder.layer[0].attention.self.key_proj.bias[-1] += 0.5
    found = compared(several, trace(changed, tokenizer, TEXTS[1:], values=True), model, changed)
    folded = next(step for step in found.steps if step.label == "key heads folded into the batch")
    assert folded.status == "different" and folded.at is not None
    assert folded.at.words.startswith(f"sentence 2, head {heads - 1}, token ")
