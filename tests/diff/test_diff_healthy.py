"""Two right runs are never called different: whatever they differ in, it stays within the rounding tolerance."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from helpers import TEXTS, tiny_model

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.diff import Diff, diff

LONG = "The quick brown fox jumps over the lazy dog while seven wizards mix a very strange potion in the old tower."
BATCH = [*TEXTS, LONG]
KEPT = [{"values": True}, {"stats": True}]


@pytest.fixture(scope="module")
def deep() -> Any:
    """Weights ten times as large as those that everybody starts with: scores and residuals of a trained model."""
    return tiny_model(num_hidden_layers=3, initializer_range=0.2)


@pytest.fixture(scope="module", params=KEPT, ids=["values", "statistics"])
def kept(request: pytest.FixtureRequest) -> dict[str, bool]:
    return dict(request.param)


@pytest.fixture(scope="module")
def batch_trace(deep: Any, tokenizer: Any, kept: dict[str, bool]) -> Trace:
    return trace(deep, tokenizer, BATCH, labels=[0, 1, 1], **kept)


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def most(found: Diff) -> float:
    return max(float(step.times) for step in found.steps if step.times is not None)


def healthy(found: Diff) -> None:
    assert found.same and found.first is None and not found.also, found.verdict
    assert found.verdict.startswith("the same")
    assert most(found) < 0.7


def test_the_same_model_twice(deep: Any, tokenizer: Any, kept: dict[str, bool], batch_trace: Trace) -> None:
    found = diff(batch_trace, trace(deep, tokenizer, BATCH, labels=[0, 1, 1], **kept))
    healthy(found)
    assert found.settings == [] and found.notes == [] and not found.only_a and not found.only_b
    assert {step.status for step in found.steps} == {"identical"}
    assert len(found.steps) == len(batch_trace.steps)


def test_eager_against_sdpa(deep: Any, tokenizer: Any, kept: dict[str, bool], batch_trace: Trace) -> None:
    fused = trace(deep, tokenizer, BATCH, labels=[0, 1, 1], attention="sdpa", **kept)
    for found in (diff(batch_trace, fused), diff(fused, batch_trace)):
        healthy(found)
        assert [(setting.what, {setting.a, setting.b}) for setting in found.settings] == [
            ("model.attention", {"eager", "sdpa"})
        ]
        assert all(step.status != "unknown" for step in found.steps)
    found = diff(batch_trace, fused)
    assert found.verdict.endswith("; bitwise identical up to layer 0, context")
    assert {step.label for step in found.only_a} == {
        "key transposed",
        "attention scores",
        "scaled attention scores",
        "masked attention scores",
        "attention probabilities",
        "attention dropout",
    }
    context = next(step for step in found.steps if step.label == "context")
    assert context.label_b == "fused attention" and context.status == "noise"
    # Every step of either stands somewhere, once.
    assert sorted([step.a for step in found.steps] + [step.id for step in found.only_a]) == list(
        range(len(batch_trace.steps))
    )
    assert sorted([step.b for step in found.steps] + [step.id for step in found.only_b]) == list(
        range(len(fused.steps))
    )


@pytest.mark.slow
@pytest.mark.parametrize("row", range(3))
def test_padded_against_alone(row: int, deep: Any, tokenizer: Any) -> None:
    padded = trace(deep, tokenizer, BATCH, values=True)
    alone = trace(deep, tokenizer, BATCH[row], values=True)
    for found in (diff(padded, alone), diff(alone, padded), diff(padded, _sdpa(deep, tokenizer, BATCH[row]))):
        healthy(found)
        assert all(step.status != "unknown" for step in found.steps)
        assert "2 sentences of" in " ".join(found.notes)
    assert {step.label for step in diff(padded, alone).only_a} == {"masked attention scores"}


def _sdpa(model: Any, tokenizer: Any, texts: Any) -> Trace:
    return trace(model, tokenizer, texts, values=True, attention="sdpa")


def test_other_orders_and_other_subsets_are_aligned_by_sentence(deep: Any, tokenizer: Any) -> None:
    whole = trace(deep, tokenizer, BATCH, values=True)
    turned = diff(whole, trace(deep, tokenizer, BATCH[::-1], values=True))
    healthy(turned)
    assert all(step.status != "unknown" for step in turned.steps)
    some = diff(whole, trace(deep, tokenizer, [BATCH[1], "Something else.", BATCH[0]], values=True))
    healthy(some)
    assert some.notes == ["sentence 3 of A has no partner", "sentence 2 of B has no partner"]


def test_statistics_of_another_order_are_compared(deep: Any, tokenizer: Any) -> None:
    found = diff(trace(deep, tokenizer, BATCH, stats=True), trace(deep, tokenizer, BATCH[::-1], stats=True))
    healthy(found)
    assert all(step.by == "statistics" for step in found.steps)


def test_statistics_of_another_padding_are_not_held_against_each_other(deep: Any, tokenizer: Any) -> None:
    found = diff(trace(deep, tokenizer, BATCH, stats=True), trace(deep, tokenizer, TEXTS[0], stats=True))
    assert found.same and {step.status for step in found.steps} == {"unknown"}
    assert found.verdict == "the same shapes; no numbers of the two can be compared"


@pytest.mark.usefixtures("two_threads")
def test_another_number_of_threads(deep: Any, tokenizer: Any, kept: dict[str, bool], batch_trace: Trace) -> None:
    healthy(diff(batch_trace, trace(deep, tokenizer, BATCH, labels=[0, 1, 1], **kept)))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64], ids=str)
def test_another_precision(
    dtype: torch.dtype, deep: Any, tokenizer: Any, kept: dict[str, bool], batch_trace: Trace
) -> None:
    other = copy.deepcopy(deep).to(dtype)
    rounded = trace(other, tokenizer, BATCH, labels=[0, 1, 1], **kept)
    for found in (diff(batch_trace, rounded), diff(rounded, batch_trace)):
        healthy(found)
        assert [setting.what for setting in found.settings] == ["model.dtype"]
    twice = diff(rounded, trace(other, tokenizer, BATCH, labels=[0, 1, 1], **kept))
    healthy(twice)
    assert {step.status for step in twice.steps} == {"identical"}
    fused = diff(rounded, trace(other, tokenizer, BATCH, labels=[0, 1, 1], attention="sdpa", **kept))
    healthy(fused)


FILTERS: list[tuple[dict[str, Any], torch.dtype]] = [
    ({"layer": "1-2"}, torch.bfloat16),
    ({"module": "**.layer.1.attention.self"}, torch.float32),
    ({"module": "**.layer.2.output.LayerNorm"}, torch.float32),
    ({"module": "bert.pooler.**"}, torch.bfloat16),
    ({"level": "module"}, torch.float32),
]


@pytest.mark.parametrize(("chosen", "dtype"), FILTERS, ids=str)
def test_what_was_filtered_out_at_capture_is_granted_its_roundings(
    chosen: dict[str, Any], dtype: torch.dtype, deep: Any, tokenizer: Any
) -> None:
    model = copy.deepcopy(deep).to(dtype)
    a = trace(model, tokenizer, BATCH, values=True, **chosen)
    healthy(diff(a, trace(model, tokenizer, BATCH, values=True, attention="sdpa", **chosen)))
    healthy(diff(a, trace(model, tokenizer, BATCH[0], values=True, **chosen)))


def test_a_feed_forward_in_chunks_is_the_same(tokenizer: Any) -> None:
    whole, chunked = tiny_model(), tiny_model(chunk_size_feed_forward=3)
    in_chunks = trace(chunked, tokenizer, TEXTS, values=True)
    assert max(step.call for step in in_chunks.steps) == 2
    found = diff(trace(whole, tokenizer, TEXTS, values=True), in_chunks)
    healthy(found)
    assert [setting.what for setting in found.settings] == ["model.config.chunk_size_feed_forward"]
    assert "bert.encoder.layer.0.intermediate.dense" in {step.path for step in found.only_a}
