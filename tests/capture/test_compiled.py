"""Compiled modules and functions: the trace is of the code that was compiled; the compiler never meets the tracer."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers import TEXTS, find, tiny_model, with_activation
from torch import nn
from torch._dynamo import eval_frame
from torch._dynamo.utils import counters

from bert_inspect.api import trace

pytestmark = pytest.mark.filterwarnings("ignore")


class Compiling(nn.Module):
    """Runs a function that was compiled."""

    def __init__(self) -> None:
        super().__init__()
        self.function = torch.compile(lambda x: x.tanh() * 2, backend="eager")

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.function(hidden_states)
        return result


def whole(model: Any) -> None:
    model.compile(backend="eager")


def in_place(model: Any) -> None:
    model.bert.encoder.layer[0].compile(backend="eager")
    model.bert.pooler.dense.compile(backend="eager")


def hooked(model: Any) -> None:
    in_place(model)
    model.bert.encoder.layer[0].register_forward_hook(lambda *_: None)


def wrapped(model: Any) -> None:
    model.bert.encoder.layer[0] = torch.compile(model.bert.encoder.layer[0], backend="eager")


def function(model: Any) -> None:
    model.bert.encoder.layer[1].intermediate.intermediate_act_fn = Compiling()


def same(path: str) -> str:
    return path.replace("._orig_mod", "")


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [whole, in_place, hooked, wrapped, function])
def test_a_compiled_model_is_seen_through(tokenizer: Any, compiled: Callable[[Any], None]) -> None:
    model = with_activation(Compiling()) if compiled is function else tiny_model()
    uncompiled = model
    if compiled is function:
        model.bert.encoder.layer[1].intermediate.intermediate_act_fn.function = lambda x: x.tanh() * 2
    expected = trace(uncompiled, tokenizer, TEXTS)
    compiled(model)
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        plain = model(**batch).logits
    kept = [(path, sorted(vars(module))) for path, module in model.named_modules()]
    before, stance = dict(counters["frames"]), eval_frame._stance
    for options in ({}, {"stats": True}, {"verify": True}):
        traced = trace(model, tokenizer, TEXTS, **options)
        assert traced.failure is None and traced.output is not None and traced.output.logits == plain.tolist()
        steps = [step for step in traced.steps if step.type != "OptimizedModule"]
        assert [(same(step.path), step.type, step.call, step.known_as) for step in steps] == [
            (step.path, step.type, step.call, step.known_as) for step in expected.steps
        ]
        assert {same(path) for path in traced.not_called} == set(expected.not_called)
        assert traced.proof is None or traced.proof.passed, traced.proof.fault
    assert "hidden_states[1]" in find(traced, path="bert.encoder.layer.0", kind="module").known_as
    assert dict(counters["frames"]) == before  # nothing more was compiled
    assert eval_frame._stance is stance
    assert kept == [(path, sorted(vars(module))) for path, module in model.named_modules()]
    with torch.no_grad():
        assert torch.equal(model(**batch).logits, plain)
    assert dict(counters["frames"]) == before
