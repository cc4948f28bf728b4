"""Which calls are seen, whoever makes them, and that noting them later or at once makes no difference."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers import ACTIVATION, TEXTS, find, with_activation
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from bert_inspect import Trace
from bert_inspect.api import trace


def inside(traced: Trace, path: str = ACTIVATION) -> list[tuple[str, str, str]]:
    """The steps in a module: kind, path, type."""
    parent = find(traced, path=path, kind="module").id
    return [(step.kind, step.path, step.type) for step in traced.steps if step.parent == parent]


class Holding(nn.Module):
    """Does something with a module that it holds."""

    def __init__(self, held: nn.Module, work: Callable[[Any, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.held = held
        self.work = work

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return self.work(self.held, hidden_states)


class Refusing(nn.Module):
    """Raises after it has done something."""

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        raise ValueError(f"not {hidden_states.relu().shape}")


def caught(held: nn.Module, x: torch.Tensor) -> torch.Tensor:
    try:
        return held(x)
    except (ValueError, RuntimeError):
        return x.tanh()


def by_keyword(held: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return held(input=x)


def as_a_function(held: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return held.forward(x)


def hooked() -> nn.Module:
    module = nn.Linear(64, 64)
    module.register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    module.register_forward_hook(lambda module, args, output: output + 1)
    return module


def replaced() -> nn.Module:
    """A Linear with another forward, which multiplies twice."""
    module = nn.Linear(64, 64)
    module.forward = lambda x: functional.linear(functional.linear(x, module.weight), module.weight)
    return module


ODD: dict[str, Callable[[], nn.Module]] = {
    "keyword": lambda: Holding(nn.Linear(64, 64), by_keyword),
    "as a function": lambda: Holding(nn.Linear(64, 64), as_a_function),
    "a module that raises, caught": lambda: Holding(Refusing(), caught),
    "a module of torch.nn that raises, caught": lambda: Holding(nn.Linear(3, 3), caught),
    "deep below one that raises, caught": lambda: Holding(
        Holding(Refusing(), lambda held, x: held(x)),
        caught,
    ),
    "hooks of others": lambda: Holding(hooked(), lambda held, x: held(x)),
    "another forward": lambda: Holding(replaced(), lambda held, x: held(x)),
    "twice": lambda: Holding(nn.Linear(64, 64), lambda held, x: held(held(x))),
    "in place": lambda: Holding(nn.ReLU(inplace=True), lambda held, x: held(x)),
    "a container": lambda: nn.Sequential(nn.Linear(64, 64), nn.Sequential(nn.Tanh(), nn.Linear(64, 64))),
    "attention of torch": lambda: Holding(
        nn.MultiheadAttention(64, 2, batch_first=True), lambda held, x: held(x, x, x)[0]
    ),
    "an index": lambda: Holding(nn.Tanh(), lambda held, x: held(x)[:, torch.arange(x.shape[1])]),
    "nested results": lambda: Holding(nn.Tanh(), lambda held, x: torch.cat(x.chunk(2, dim=1), dim=1)),
}


def without_extras(traced: Trace) -> list[Any]:
    return [
        (
            step.id,
            step.parent,
            step.path,
            step.call,
            step.type,
            step.arguments,
            step.label,
            step.no_op,
            step.flops,
            step.failed,
            step.source,
            [(i.name, i.from_, i.shape, i.dtype) for i in step.inputs],
            [(o.name, o.shape, o.dtype) for o in step.outputs],
        )
        for step in traced.steps
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_noted_afterwards_or_at_once_is_the_same(tokenizer: Any, name: str) -> None:
    model = with_activation(ODD[name]())
    later = trace(model, tokenizer, TEXTS)
    at_once = trace(model, tokenizer, TEXTS, stats=True)
    assert without_extras(later) == without_extras(at_once)
    assert later.not_called == at_once.not_called
    assert all(output.stats is None for step in later.steps for output in step.outputs)
    assert any(output.stats is not None for step in at_once.steps for output in step.outputs)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ODD.keys() - {"hooks of others", "another forward"}))
def test_every_kind_of_call_is_proved(tokenizer: Any, name: str) -> None:
    proof = trace(with_activation(ODD[name]()), tokenizer, TEXTS, verify=True, stats=True).proof
    assert proof is not None and proof.passed, proof.fault


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ODD.keys() - {"attention of torch"}))
def test_flops_are_those_that_torch_counts(tokenizer: Any, name: str) -> None:
    model = with_activation(ODD[name]())
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(**tokenizer(TEXTS, padding=True, return_tensors="pt"))
    assert sum(step.flops for step in trace(model, tokenizer, TEXTS).steps) == counter.get_total_flops()


def test_a_forward_that_is_called_as_a_function_is_no_call_of_the_module(tokenizer: Any) -> None:
    traced = trace(with_activation(ODD["as a function"]()), tokenizer, TEXTS)
    assert inside(traced) == [("op", ACTIVATION, "linear")]
    assert f"{ACTIVATION}.held" in traced.not_called


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("a module that raises, caught", "Refusing"),
        ("a module of torch.nn that raises, caught", "Linear"),
        ("deep below one that raises, caught", "Holding"),
    ],
)
def test_what_follows_a_caught_error_stands_where_it_ran(tokenizer: Any, name: str, type_: str) -> None:
    traced = trace(with_activation(ODD[name]()), tokenizer, TEXTS)
    assert inside(traced) == [("module", f"{ACTIVATION}.held", type_), ("op", ACTIVATION, "tanh")]
    assert traced.failure is None and traced.output is not None
    used = find(traced, path="bert.encoder.layer.1.output.dense").inputs[0].from_
    assert used is not None and traced.steps[used].type == "tanh"
    assert find(traced, path="classifier").parent == 0


def test_hooks_of_others_are_seen_through(tokenizer: Any) -> None:
    model = with_activation(ODD["hooks of others"]())
    traced = trace(model, tokenizer, TEXTS)
    held = find(traced, path=f"{ACTIVATION}.held")
    origin = held.inputs[0].from_
    assert origin is not None and traced.steps[origin].type == "mul"
    handle = nn.modules.module.register_module_forward_hook(lambda module, args, output: None)
    try:
        assert without_extras(trace(model, tokenizer, TEXTS)) == without_extras(traced)
    finally:
        handle.remove()


def test_forwards_are_the_same_before_and_after_and_say_their_signature_meanwhile(tokenizer: Any) -> None:
    signatures: list[str] = []

    def asks(held: Any, x: torch.Tensor) -> torch.Tensor:
        signatures.append(str(inspect.signature(held.forward)))
        return held(x)

    module = Holding(nn.Tanh(), asks)
    model = with_activation(module)
    own = model.bert.pooler.dense.forward = model.bert.pooler.dense.forward  # as an attribute of the module itself
    plain = str(inspect.signature(nn.Tanh().forward))
    before = {path: set(vars(held)) for path, held in model.named_modules()}
    trace(model, tokenizer, TEXTS)
    trace(model, tokenizer, TEXTS, verify=True)
    assert set(signatures) == {plain}
    assert before == {path: set(vars(held)) for path, held in model.named_modules()}
    assert vars(model.bert.pooler.dense)["forward"] is own


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_a_scripted_module_is_a_step_without_steps_in_it(tokenizer: Any) -> None:
    model = with_activation(torch.jit.script(nn.Sequential(nn.Linear(64, 64), nn.ReLU())))
    traced = trace(model, tokenizer, TEXTS)
    with torch.inference_mode():
        plain = model(**tokenizer(TEXTS, padding=True, return_tensors="pt")).logits
    assert traced.output is not None and traced.output.logits == plain.tolist()
    step = find(traced, path=ACTIVATION)
    assert inside(traced) == [] and step.outputs[0].shape == [2, 9, 64]
    assert find(traced, path="bert.encoder.layer.1.output.dense").inputs[0].from_ == step.id
    # What it does inside is not seen, so it is not proved.
    proof = trace(model, tokenizer, TEXTS, verify=True).proof
    assert proof is not None and proof.fault is not None and proof.fault.path == ACTIVATION
