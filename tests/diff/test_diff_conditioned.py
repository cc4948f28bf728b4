"""Right runs of badly conditioned models stay within the tolerance, and a changed weight is found there too."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers import TEXTS, values_of
from msgspec import structs

from bert_inspect import Trace
from bert_inspect.api import load, trace
from bert_inspect.diff import diff
from bert_inspect.traces.values import Values

LONG = "The quick brown fox jumps over the lazy dog."
BATCH = [TEXTS[0], LONG]
PATH = "bert.encoder.layer.1.attention.self.value"


def biased(layer: Any) -> None:
    layer.attention.output.dense.bias.data += 50


def biased_in_one(layer: Any) -> None:
    layer.output.dense.bias.data[7] += 50


def cancelling_residual(layer: Any) -> None:
    layer.attention.output.LayerNorm.bias.data += 20
    layer.output.dense.bias.data -= 20


def cancelling_attention(layer: Any) -> None:
    layer.attention.self.value.bias.data += 30
    layer.attention.output.dense.bias.data -= 30 * layer.attention.output.dense.weight.data.sum(dim=1)


def still(layer: Any) -> None:
    norm, dense = layer.attention.output.LayerNorm, layer.output.dense
    norm.weight.data *= 1e-3
    norm.bias.data = 1 + 1e-3 * norm.bias.data
    dense.weight.data *= 1e-3
    dense.bias.data *= 1e-3


def sharp(layer: Any) -> None:
    layer.attention.self.query.weight.data *= 20


def as_trained(layer: Any) -> None:
    pass


@pytest.fixture(scope="module")
def sentiment() -> tuple[Any, Any]:
    model, tokenizer = load("bert-sentiment")
    # Two layers of the six are enough to see errors grow.
    model.bert.encoder.layer = model.bert.encoder.layer[:2]
    return model, tokenizer


@pytest.fixture(
    scope="module",
    params=[as_trained, biased, biased_in_one, cancelling_residual, cancelling_attention, still, sharp],
    ids=lambda change: change.__name__,
)
def model(request: pytest.FixtureRequest, sentiment: tuple[Any, Any]) -> Any:
    changed = copy.deepcopy(sentiment[0])
    change: Callable[[Any], None] = request.param
    for layer in changed.bert.encoder.layer:
        change(layer)
    return changed


@pytest.mark.slow
def test_right_runs_stay_within_the_tolerance(model: Any, sentiment: tuple[Any, Any]) -> None:
    tokenizer = sentiment[1]
    right = trace(model, tokenizer, BATCH, values=True)
    others = [
        trace(model, tokenizer, BATCH[::-1], values=True, attention="sdpa"),
        trace(model, tokenizer, BATCH[0], values=True),
    ]
    for dtype in (torch.float64, torch.bfloat16, torch.float16):
        others.append(trace(copy.deepcopy(model).to(dtype), tokenizer, BATCH, values=True, attention="sdpa"))
    for other in others:
        found = diff(right, other)
        assert found.same, (other.model.dtype, other.model.attention, found.verdict)
        assert max(float(step.times or 0) for step in found.steps) < 0.9, found.verdict


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dtype", "by"),
    [(torch.float32, 0.1), (torch.float64, 0.1), (torch.float16, 10.0), (torch.bfloat16, 40.0)],
    ids=str,
)
def test_one_changed_weight_is_found_at_its_step(dtype: torch.dtype, by: float, sentiment: tuple[Any, Any]) -> None:
    """``by`` is in standard deviations of the matrix."""
    model, tokenizer = sentiment
    changed = copy.deepcopy(model)
    weight = changed.get_parameter(f"{PATH}.weight").data
    weight[3, 5] += by * weight.std()
    found = diff(
        trace(model, tokenizer, BATCH, values=True),
        trace(changed.to(dtype), tokenizer, BATCH, values=True, attention="sdpa"),
    )
    assert found.first is not None and found.first.path == PATH, found.verdict
    assert found.first.at is not None and found.first.at.index[2] == 3
    # What came to it is within rounding, and what follows from it is not called rounding.
    assert any(step.status == "different" for step in found.steps[found.steps.index(found.first) + 1 :])


def test_a_step_answers_for_what_it_adds(sentiment: tuple[Any, Any]) -> None:
    """A difference that came with the input is within the tolerance; the same difference that did not is not."""
    model, tokenizer = sentiment
    right = trace(model, tokenizer, TEXTS, values=True)
    half = trace(copy.deepcopy(model).to(torch.bfloat16), tokenizer, TEXTS, values=True)
    assert diff(right, half).same
    step = next(step for step in half.steps if step.path == "bert.encoder.layer.1.output.LayerNorm")
    theirs = next(each for each in right.steps if each.path == step.path)
    moved = values_of(theirs) + 3 * (values_of(step).float() - values_of(theirs)).abs().max()
    output = structs.replace(step.outputs[0], values=Values(moved.flatten().tolist(), moved.shape))
    steps = list(half.steps)
    steps[step.id] = structs.replace(step, outputs=[output])
    found = diff(right, Trace(**{**structs.asdict(half), "steps": steps}))
    assert found.first is not None and found.first.path == step.path
