"""What is compared with what, against plain torch; and what has no partner is told, never dropped."""

import json
from typing import Any

import pytest
import torch
from helpers import TEXTS, find, tiny_model, values_of, without_values
from msgspec import structs

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.diff import StepDiff, diff
from bert_inspect.traces.record import Step, TensorOut
from bert_inspect.traces.values import Values

LAST = "bert.encoder.layer.1"


@pytest.fixture(scope="module")
def other(tokenizer: Any) -> Trace:
    """The same architecture with other weights."""
    model = tiny_model()
    generator = torch.Generator().manual_seed(3)
    for parameter in model.parameters():
        parameter.data += 0.01 * torch.randn(parameter.shape, generator=generator)
    return trace(model, tokenizer, TEXTS, labels=[1, 0], stats=True, values=True)


def with_values(whole: Trace, place: Step, flat: list[float]) -> Trace:
    """The trace with other numbers in one step."""
    output = structs.replace(place.outputs[0], values=Values(flat, place.outputs[0].shape), stats=None)
    steps = list(whole.steps)
    steps[place.id] = structs.replace(place, outputs=[output])
    return structs.replace(whole, steps=steps)


def compared(steps: list[StepDiff], **wanted: Any) -> StepDiff:
    return next(step for step in steps if all(getattr(step, key) == value for key, value in wanted.items()))


def test_the_numbers_are_those_of_plain_torch(traced: Trace, other: Trace) -> None:
    found = diff(traced, other)
    mask = torch.tensor(traced.input.attention_mask, dtype=torch.bool)
    for path in ("bert.embeddings.word_embeddings", f"{LAST}.attention.self.query", f"{LAST}.output.LayerNorm"):
        a, b = (values_of(find(each, path=path)).double()[mask] for each in (traced, other))
        step = compared(found.steps, path=path)
        difference = (a - b).abs()
        assert step.by == "values" and step.status == "different"
        assert step.max_abs == difference.max().item()
        assert step.max_rel == pytest.approx((difference.max() / torch.maximum(a.abs(), b.abs()).max()).item())
        cosine = torch.nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0)
        assert step.cosine == pytest.approx(cosine.item())
        assert step.at is not None and step.floor is not None and step.times is not None
        row, token, feature = step.at.index
        at = [values_of(find(each, path=path)).double()[row, token, feature].item() for each in (traced, other)]
        assert float(step.times) == pytest.approx(abs(at[0] - at[1]) / float(step.floor))
        token_text = traced.input.tokens[row][token]
        assert step.at.words == f"sentence {row + 1}, token {token} ({token_text}), hidden {feature}"


def test_statistics_are_compared_where_there_is_no_more(traced: Trace, other: Trace) -> None:
    for a, b in ((without_values(traced), other), (traced, without_values(other))):
        found = diff(a, b)
        assert {step.by for step in found.steps} == {"statistics"}
        step = compared(found.steps, path=f"{LAST}.output.LayerNorm")
        stats = [find(each, path=f"{LAST}.output.LayerNorm").outputs[0].stats for each in (traced, other)]
        assert stats[0] is not None and stats[1] is not None
        apart = [abs(getattr(stats[0], name) - getattr(stats[1], name)) for name in ("min", "max", "mean", "std")]
        assert step.cosine is None and step.at is None and step.max_abs is not None
        assert min(apart) <= float(step.max_abs) <= max(apart)


def test_values_alone_give_the_statistics_that_the_other_has(traced: Trace) -> None:
    def without_stats(step: Step) -> Step:
        return structs.replace(step, outputs=[structs.replace(output, stats=None) for output in step.outputs])

    only_values = structs.replace(traced, steps=[without_stats(step) for step in traced.steps])
    found = diff(only_values, without_values(traced))
    assert found.same and {step.by for step in found.steps} == {"statistics"}
    assert {step.status for step in found.steps} == {"identical"}


def test_bare_traces_are_compared_by_their_logits(model: Any, tokenizer: Any) -> None:
    bare = trace(model, tokenizer, TEXTS)
    same = diff(bare, trace(model, tokenizer, TEXTS, attention="sdpa"))
    assert same.same and compared(same.steps, path="classifier").by == "values"
    changed = tiny_model()
    changed.classifier.bias.data += 1
    found = diff(bare, trace(changed, tokenizer, TEXTS))
    assert found.first is not None and found.first.path == "classifier"
    assert "nothing before could be compared" in found.verdict


def test_layers_are_aligned_as_far_as_they_go(tokenizer: Any) -> None:
    short, long = tiny_model(), tiny_model(num_hidden_layers=4)
    long.load_state_dict(short.state_dict(), strict=False)
    a, b = (trace(each, tokenizer, TEXTS, values=True) for each in (short, long))
    found = diff(a, b)
    assert not found.same and {step.layer for step in found.only_b} == {2, 3}
    assert "A has no layer 2 and layer 3" in found.verdict and found.first is not None
    # The encoder returns what another layer made: the first difference after the layers that both have.
    assert found.first.layer is None and found.first.path in ("bert.encoder", "bert.pooler")
    assert all(step.status == "identical" for step in found.steps if step.layer in (0, 1))
    with torch.device("meta"):
        shapes = [trace(tiny_model(num_hidden_layers=count), tokenizer, TEXTS) for count in (2, 4)]
    found = diff(*shapes)
    assert not found.same and found.first is None and found.verdict.startswith("different; A has no layer 2")


def test_other_hidden_sizes_are_other_shapes(traced: Trace, tokenizer: Any) -> None:
    found = diff(traced, trace(tiny_model(hidden_size=48), tokenizer, TEXTS, stats=True))
    assert found.first is not None and found.first.label == "word embeddings"
    assert "shapes differ: hidden 32 against 48" in found.verdict
    assert found.first.shape_a == [2, 9, 32] and found.first.shape_b == [2, 9, 48]
    assert "model.config.hidden_size" in [setting.what for setting in found.settings]


def test_axes_may_stand_in_another_order(traced: Trace) -> None:
    context = find(traced, label="context", layer=0)
    turned = values_of(context).permute(0, 2, 3, 1).contiguous()
    output = structs.replace(
        context.outputs[0],
        shape=list(turned.shape),
        axes=["batch", "tokens", "head_dim", "heads"],
        values=Values(turned.flatten().tolist(), turned.shape),
    )
    steps = list(traced.steps)
    steps[context.id] = structs.replace(context, outputs=[output])
    found = diff(traced, structs.replace(traced, steps=steps))
    assert found.same and compared(found.steps, a=context.id).status == "identical"


@pytest.mark.parametrize("name", ["nan", "inf", "-inf"])
def test_what_is_not_finite_agrees_with_its_like_alone(traced: Trace, name: str) -> None:
    place = find(traced, path=f"{LAST}.attention.self.query")
    flat = values_of(place).flatten().tolist()
    broken = with_values(traced, place, [float(name), *flat[1:]])
    twice = diff(broken, broken)
    assert twice.same and compared(twice.steps, a=place.id).status == "identical"
    found = diff(traced, broken)
    assert found.first is not None and found.first.a == place.id and found.first.max_abs == "Infinity"
    assert "A has 0 entries that are not finite, B has 1" in found.verdict
    assert found.first.at is not None and found.first.at.index == [0, 0, 0]
    json.loads(found.json(), parse_constant=lambda bare: pytest.fail(bare))


def test_nan_shows_in_the_statistics_too(tokenizer: Any, traced: Trace) -> None:
    model = tiny_model()
    model.bert.encoder.layer[0].output.dense.bias.data[0] = float("nan")
    found = diff(without_values(traced), trace(model, tokenizer, TEXTS, labels=[1, 0], stats=True))
    assert found.first is not None and found.first.path == "bert.encoder.layer.0.output.dense"
    assert "A has 0 nan of 576, B has 18" in found.verdict


def test_a_tolerance_takes_the_place_of_the_floor(traced: Trace, other: Trace) -> None:
    assert diff(traced, other, atol=100.0).same
    found = diff(traced, other, rtol=1e-6)
    assert not found.same and found.tolerance == {"atol": 0.0, "rtol": 1e-6} and "the tolerance" in found.verdict
    path = "bert.embeddings.word_embeddings"
    words = compared(found.steps, path=path)
    mask = torch.tensor(traced.input.attention_mask, dtype=torch.bool)
    a, b = (values_of(find(each, path=path)).double()[mask] for each in (traced, other))
    expected = ((a - b).abs() / (1e-6 * torch.maximum(a.abs(), b.abs()))).max().item()
    assert words.times is not None and float(words.times) == pytest.approx(expected)


def test_everything_that_was_not_alike_is_told(model: Any, tokenizer: Any, traced: Trace) -> None:
    changed = structs.replace(
        traced,
        environment=structs.replace(traced.environment, torch="9.9"),
        model=structs.replace(traced.model, config={**traced.model.config, "layer_norm_eps": 1e-5}),
    )
    found = diff(traced, changed)
    assert found.same and [(each.what, each.a, each.b) for each in found.settings] == [
        ("model.config.layer_norm_eps", 1e-12, 1e-5),
        ("environment.torch", traced.environment.torch, "9.9"),
    ]
    asked = trace(model, tokenizer, ["I love dogs!", TEXTS[1]], stats=True, values=True)
    found = diff(trace(model, tokenizer, TEXTS, stats=True, values=True), asked)
    assert [each.what for each in found.settings] == ["input.texts"]
    assert found.notes == ["sentence 1 of A has no partner", "sentence 1 of B has no partner"] and found.same
    found = diff(trace(model, tokenizer, TEXTS[0], values=True), trace(model, tokenizer, "I love dogs!", values=True))
    assert found.other_texts and found.notes == [
        "'cats' in A, 'dogs' in B; tokens aligned by word: 6 of 6 in A with 6 of 6 in B"
    ]
    assert found.first is not None and found.first.label == "word embeddings"


def test_the_verdict_as_json_is_strict_and_complete(traced: Trace, other: Trace) -> None:
    found = diff(traced, other, names=("a.json", "b.json"))
    read = json.loads(found.json(), parse_constant=lambda bare: pytest.fail(bare))
    assert read["format"] == "bert-inspect-diff" and read["version"] == 1 and read["same"] is False
    assert (read["a"], read["b"]) == ("a.json", "b.json") and read["cause"] is None
    assert read["first"] == read["steps"][read["steps"].index(read["first"])]
    assert set(read["first"]) >= {"path", "label", "status", "max_abs", "max_rel", "cosine", "floor", "times", "source"}
    assert len(read["steps"]) == len(traced.steps)


def test_a_mask_is_what_may_be_seen_however_it_is_written(traced: Trace) -> None:
    mask = find(traced, label="attention mask")
    seen = values_of(mask) > -1
    as_truth = TensorOut(
        name="output",
        shape=list(seen.shape),
        dtype="bool",
        axes=mask.outputs[0].axes,
        values=Values(seen.flatten().tolist(), seen.shape),
    )
    steps = list(traced.steps)
    steps[mask.id] = structs.replace(mask, outputs=[as_truth])
    assert diff(traced, structs.replace(traced, steps=steps)).same
    steps[mask.id] = structs.replace(mask, outputs=[])
    found = diff(traced, structs.replace(traced, steps=steps))
    assert found.first is not None and found.first.label == "attention mask"
    assert "A hides 27 entries, B has no mask" in found.verdict
