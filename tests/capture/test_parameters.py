"""The parameters of the steps add up to those of the model, wherever a module keeps its own."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers import ACTIVATION, TEXTS, WorksOn, find, tiny_model, with_activation
from torch import nn
from torch.nn import functional

from bert_inspect.api import trace


def drawn(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(shape))


SHARED = drawn(64)
KEPT: dict[str, Callable[[], WorksOn]] = {
    "a list": lambda: WorksOn(
        lambda module, x: x * module.scales[0] + module.scales[1], scales=nn.ParameterList([drawn(64), drawn(64)])
    ),
    "a dictionary, as of LoRA on an embedding": lambda: WorksOn(
        lambda module, x: x + functional.linear(x @ module.a["default"].T, module.b["default"]),
        a=nn.ParameterDict({"default": drawn(4, 64)}),
        b=nn.ParameterDict({"default": drawn(64, 4)}),
    ),
    "lists in a dictionary": lambda: WorksOn(
        lambda module, x: x * module.by_name["one"][0],
        by_name=nn.ModuleDict({"one": nn.ParameterList([drawn(64)])}),
    ),
    "a Linear whose weight alone is read": lambda: WorksOn(
        lambda module, x: functional.linear(x, module.inner.weight), inner=nn.Linear(64, 64, bias=False)
    ),
    "read through a plain list": lambda: WorksOn(
        lambda module, x: x * module.plain[0], held=nn.ParameterList([SHARED]), plain=[SHARED]
    ),
    "one parameter in two lists": lambda: WorksOn(
        lambda module, x: x * module.one[0] + module.two[0],
        one=nn.ParameterList([SHARED]),
        two=nn.ParameterList([SHARED]),
    ),
    "its own": lambda: WorksOn(lambda module, x: x * module.scale, scale=drawn(64)),
}


@pytest.mark.parametrize("name", KEPT)
def test_the_parameters_of_the_steps_are_those_of_the_model(tokenizer: Any, name: str) -> None:
    model = with_activation(KEPT[name]())
    traced = trace(model, tokenizer, TEXTS)
    expected = sum(tensor.numel() for tensor in model.parameters())
    assert sum(step.parameters for step in traced.steps) == expected == traced.model.parameters
    module = find(traced, path=ACTIVATION, kind="module")
    held = sum(tensor.numel() for tensor in model.get_submodule(ACTIVATION).parameters())
    assert module.parameters == module.total_parameters == held


def test_what_no_step_reads_is_in_no_step(tokenizer: Any) -> None:
    """As of several adapters of which one is in use."""
    adapters = nn.ParameterDict({"default": drawn(64), "other": drawn(64)})
    model = with_activation(WorksOn(lambda module, x: x * module.adapters["default"], adapters=adapters))
    traced = trace(model, tokenizer, TEXTS)
    assert sum(step.parameters for step in traced.steps) == sum(map(torch.numel, model.parameters())) - 64


def test_parameters_read_from_elsewhere_are_counted_where_they_are(tokenizer: Any) -> None:
    model = tiny_model()
    scale = model.bert.encoder.layer[0].scale = nn.ParameterList([drawn(64)])
    work = WorksOn(lambda module, x: x * module.plain[0], plain=[scale[0]])
    model.bert.encoder.layer[1].intermediate.intermediate_act_fn = work
    traced = trace(model, tokenizer, TEXTS)
    assert sum(step.parameters for step in traced.steps) == sum(map(torch.numel, model.parameters()))
    assert find(traced, path="bert.encoder.layer.0").parameters == 64
    assert find(traced, path=ACTIVATION, kind="module").parameters == 0
