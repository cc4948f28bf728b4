"""Explanations of edited runs: they add up to what the edited model returns, and what was taken away has no share."""

from typing import Any

import pytest
import torch
from families.tiny import as_loaded, batch, tiny
from helpers import TEXTS

from bert_inspect.analysis.explain.explain import explain
from bert_inspect.api import explain as explain_in_python
from bert_inspect.api import trace
from bert_inspect.capture.forward import run_forward
from bert_inspect.errors import UsageError
from bert_inspect.families import FAMILIES, Family
from bert_inspect.families.heads import SEQUENCE_CLASSIFICATION
from bert_inspect.traces.edits import parse_edits

SPECS = ["layer.0", "layer.1.head.2", "layer.1.head.3=-1.5", "layer.1.neuron.5"]


@pytest.mark.slow
@pytest.mark.parametrize(("by", "attention"), [("token", -1), ("component", 0)])
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
def test_an_edited_run_is_explained_and_adds_up(family: Family, by: Any, attention: int) -> None:
    model = tiny(family, SEQUENCE_CLASSIFICATION, attention=family.attentions[attention])
    loaded, given = as_loaded(model), batch(family)
    edits = parse_edits(SPECS)
    found = explain(loaded, given, by=by, edits=edits)
    output = run_forward(loaded, given, edits=edits).trace.output
    assert output is not None and found.adds_up and found.model.edits == SPECS
    for answer in found.answers:
        assert answer.total is not None
        if answer.components is not None:  # the layer that was taken away has a row of its own
            assert [*map(len, answer.components.heads)] == [loaded.sizes["heads"]] * loaded.layers
            assert not any(answer.components.heads[0]) and not answer.components.feed_forward[0]
        logit = float(output.logits[answer.sentence][answer.target.of.index])
        assert float(answer.total.sum) == pytest.approx(logit, abs=1e-5)
        assert all(cut.total.adds_up for cut in answer.cuts)


def test_what_was_taken_away_has_no_share(trained: Any, tokenizer: Any) -> None:
    specs = ["layer.1.head.2", "layer.0.intermediate"]
    found = explain_in_python(trained, tokenizer, TEXTS, by="component", edits=specs, neurons=3)
    whole = explain_in_python(trained, tokenizer, TEXTS, by="component", neurons=3)

    for one, other in zip(found.answers, whole.answers, strict=True):
        assert one.components.heads[1][2] == 0.0 != other.components.heads[1][2] and all(one.components.heads[1][:2])
        assert all(neuron.share == 0.0 for neuron in one.components.neurons[0])
        assert all(neuron.share for neuron in other.components.neurons[0])
    logits = trace(trained, tokenizer, TEXTS, edits=specs).output.logits  # type: ignore[union-attr]
    for one in found.answers:
        assert float(one.total.value) == pytest.approx(float(logits[one.sentence][one.target.of.index]), abs=1e-5)


def test_tokens_may_be_edited_in_every_way_of_explaining(trained: Any, tokenizer: Any) -> None:
    for by in ("token", "component", "layer"):
        found = explain_in_python(trained, tokenizer, TEXTS[1], by=by, edits=["token:pizza"])  # type: ignore[arg-type]
        assert found.input.tokens[0].count("[MASK]") == 1 and found.model.edits == ["token:pizza"]
    dropped = explain_in_python(trained, tokenizer, TEXTS[1], edits=["token:pizza=drop"], check=True)
    written = explain_in_python(trained, tokenizer, "He hates pineapple.", check=True)
    assert [answer.total for answer in dropped.answers] == [answer.total for answer in written.answers]


@pytest.mark.parametrize(
    ("specs", "options", "says"),
    [
        (["layer.1.head.2=mean"], {}, "is not a sum over this sentence alone"),
        (["layer.1.head.2=resample:No."], {}, "is not a sum over this sentence alone"),
        (["layer.1=0.5"], {}, "is not a sum over this sentence alone"),
        (["layer.1.head.2"], {"by": "layer"}, "is not told with layer.1.head.2 taken away"),
        (["layer.1.head.2"], {"check": True}, "masking words runs the model without edits"),
        (["layer.5"], {}, "there is no layer 5"),
    ],
)
def test_what_cannot_be_explained_is_refused(
    trained: Any, tokenizer: Any, specs: list[str], options: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        explain_in_python(trained, tokenizer, TEXTS, edits=specs, **options)


def test_the_model_is_as_it_was(trained: Any, tokenizer: Any) -> None:
    before = [(sorted(vars(module)), module.training) for module in trained.modules()]
    needs = [parameter.requires_grad for parameter in trained.parameters()]
    explain_in_python(trained, tokenizer, TEXTS, edits=["layer.0", "layer.1.head.2"])
    assert [(sorted(vars(module)), module.training) for module in trained.modules()] == before
    assert [parameter.requires_grad for parameter in trained.parameters()] == needs
    assert not torch.overrides._get_current_function_mode_stack()  # type: ignore[attr-defined]
