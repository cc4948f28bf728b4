"""Functions that torch.jit has compiled, beside a model's classes: seen as one op each, and left as they were."""

from threading import Thread
from typing import Any

import pytest
import torch
from helpers import TEXTS, find, tiny_model
from transformers.models.bert import modeling_bert

from bert_inspect.api import trace


@torch.jit.script
def doubled(hidden: torch.Tensor, times: int) -> torch.Tensor:
    return hidden * times


class Doubles(modeling_bert.BertIntermediate):
    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return super().forward(doubled(hidden_states, 2))


@pytest.fixture
def model() -> Any:
    model = tiny_model()
    for layer in model.bert.encoder.layer:
        layer.intermediate.__class__ = Doubles
    return model


def test_a_compiled_function_is_one_op_that_is_proved(model: Any, tokenizer: Any) -> None:
    compiled = doubled
    found = trace(model, tokenizer, TEXTS, verify=True)
    step = find(found, type="doubled", layer=1)
    assert step.arguments == "2" and step.source is not None and "doubled(hidden_states, 2)" in step.source.code
    assert found.steps[step.inputs[0].from_ or 0].layer == 1
    assert found.proof is not None and found.proof.passed, found.proof
    assert doubled is compiled and isinstance(doubled, torch.jit.ScriptFunction)


def test_two_threads_see_their_own_and_leave_it_as_it_was(model: Any, tokenizer: Any) -> None:
    compiled, seen = doubled, []

    def work() -> None:
        seen.append(sum(step.type == "doubled" for step in trace(model, tokenizer, TEXTS).steps))

    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [2, 2, 2] and doubled is compiled


def test_what_fails_inside_leaves_it_as_it_was(model: Any, tokenizer: Any) -> None:
    compiled = doubled
    model.bert.encoder.layer[1].output = torch.nn.Bilinear(1, 1, 1)
    assert trace(model, tokenizer, TEXTS).failure is not None
    assert doubled is compiled
