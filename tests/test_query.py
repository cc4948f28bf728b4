"""A trace answers by name: tensors as numpy, steps, a table of all steps."""

import sys
import types
from typing import Any

import numpy as np
import pytest
import torch
from helpers import TEXTS, without_values

from bert_inspect import BertInspectError, Trace
from bert_inspect.errors import UsageError


def test_a_tensor_by_its_label_and_layer_is_the_model_s(traced: Trace, model: Any, tokenizer: Any) -> None:
    with torch.no_grad():
        found = model(**tokenizer(TEXTS, padding=True, return_tensors="pt"), output_attentions=True)
    for layer, expected in enumerate(found.attentions):
        tensor = traced["attention probabilities", layer]
        assert tensor.shape == tuple(expected.shape) == tensor.numpy().shape
        assert tensor.axes == ("batch", "heads", "query tokens", "key tokens")
        assert np.allclose(tensor.numpy(), expected.numpy())
    assert np.allclose(traced["logits"].numpy(), found.logits.numpy())
    assert repr(traced["context", 1]) == "<context, layer 1: batch 2 x heads 4 x tokens 9 x head_dim 8>"


def test_a_path_and_what_transformers_calls_it_name_a_tensor_too(traced: Trace) -> None:
    by_path = traced["bert.pooler:tanh activation"]
    assert by_path.step is traced["tanh activation"].step
    assert traced["hidden_states[1]"].step.layer == 0 and traced["bert.embeddings"].shape == (2, 9, 32)


@pytest.mark.parametrize(
    ("key", "said", "hint"),
    [
        ("context", "context is in layers 0 to 1", 'result["context", 0]'),
        (("layer norm", 0), "'layer norm' may be several steps", "output.LayerNorm"),
        (("context", 7), "there is no layer 7", "layers are counted from 0"),
        ("contxt", "no step is called 'contxt'", "did you mean context?"),
        ("probabilities", "probabilities are no step's", "`output`.probabilities"),
    ],
)
def test_a_key_that_names_no_tensor_or_several_says_how_to_name_one(
    traced: Trace, key: Any, said: str, hint: str
) -> None:
    with pytest.raises(UsageError) as refused:
        traced[key]
    assert said in refused.value.message and hint in str(refused.value.hint)


def test_a_trace_is_no_list(traced: Trace) -> None:
    with pytest.raises(TypeError, match="named by its label"):
        list(traced)  # type: ignore[call-overload]


def test_without_values_it_says_how_to_keep_them(traced: Trace) -> None:
    bare = Trace.of(without_values(traced))
    assert bare["context", 0].shape == (2, 4, 9, 8)
    with pytest.raises(UsageError, match="were not kept") as refused:
        bare["context", 0].numpy()
    assert "`values=True`" in str(refused.value.hint)


def test_steps_are_found_by_what_they_are(traced: Trace) -> None:
    assert [step.layer for step in traced.find(label="context")] == [0, 1]
    assert {step.type for step in traced.find(type="Linear", layer=1)} == {"Linear"}
    assert len(traced.find(type="Linear", layer=1)) == 6
    assert all(step.part == "pooler" for step in traced.find(part="pooler")) and traced.find(part="pooler")
    assert traced.find(label="nothing") == [] and traced.find() == traced.steps


def test_the_steps_as_a_table(traced: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(BertInspectError, match="needs pandas") as refused:
        traced.to_frame()
    assert refused.value.hint == "pip install pandas"

    class Frame(list[dict[str, Any]]):
        """Stands for pandas' own, which the tests do without."""

        def __init__(self, rows: list[dict[str, Any]], index: Any) -> None:
            super().__init__(rows)
            self.index = index

        def astype(self, types: dict[str, str]) -> "Frame":
            return self

    pandas = types.SimpleNamespace(DataFrame=Frame, RangeIndex=lambda count, name: (count, name))
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    rows = traced.to_frame()
    assert rows.index == (len(traced.steps), "step")
    assert [row["label"] for row in rows] == [step.label for step in traced.steps]
    assert rows[0]["shapes"] == [tuple(output.shape) for output in traced.steps[0].outputs]
    assert sum(row["parameters"] for row in rows) == traced.model.parameters
