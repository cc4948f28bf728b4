"""Models as people hold them and the contexts in which they run them: the trace is of what runs there, and everything
is afterwards as it was.
"""

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import pytest
import torch
from helpers import ACTIVATION, TEXTS, find, tiny_model, values_of, with_activation
from torch import nn
from torch.nn.utils import parametrizations, prune
from transformers import AttentionInterface
from transformers.models.bert.modeling_bert import BertForSequenceClassification, eager_attention_forward

from bert_inspect.api import trace
from bert_inspect.capture.verify.snapshot import snapshot

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning"),
]

QUERY = "bert.encoder.layer.1.attention.self.query"


def as_it_is() -> Any:
    return tiny_model()


def in_training() -> Any:
    model = tiny_model().train()
    model.bert.pooler.eval()
    return model


def hooked() -> Any:
    model = tiny_model()
    query = model.get_submodule(QUERY)
    query.register_forward_pre_hook(lambda module, args, kwargs: ((args[0] * 2,), kwargs), with_kwargs=True)
    query.register_forward_hook(lambda module, args, kwargs, output: output + 1, with_kwargs=True, always_call=True)
    model.bert.encoder.layer[0].register_forward_hook(lambda module, args, output: output)
    model.bert.pooler.dense.register_full_backward_hook(lambda *_: None)
    return model


def tied() -> Any:
    model = tiny_model()
    model.bert.encoder.layer[1].output = model.bert.encoder.layer[0].output
    model.bert.encoder.layer[1].intermediate.dense.weight = model.bert.encoder.layer[0].intermediate.dense.weight
    return model


def pruned() -> Any:
    model = tiny_model()
    prune.l1_unstructured(model.get_submodule(QUERY), "weight", amount=0.5)
    return model


def parametrized() -> Any:
    model = tiny_model()
    parametrizations.weight_norm(model.get_submodule(QUERY))
    parametrizations.orthogonal(model.bert.pooler.dense)
    return model


def quantized() -> Any:
    return torch.ao.quantization.quantize_dynamic(tiny_model(), {nn.Linear}, torch.qint8)


def attending_by_hand() -> Any:
    def by_hand(*args: Any, **kwargs: Any) -> Any:
        return eager_attention_forward(*args, **kwargs)

    AttentionInterface.register("by_hand", by_hand)
    return tiny_model(attention="by_hand")


def checkpointed() -> Any:
    model = tiny_model()
    model.gradient_checkpointing_enable()
    return model.train()


def compiled_below() -> Any:
    model = tiny_model()
    model.bert.encoder.layer[1].output.compile(backend="eager")
    return model


MODELS: dict[str, Callable[[], Any]] = {
    "as it is": as_it_is,
    "in training": in_training,
    "hooks of others": hooked,
    "tied modules and weights": tied,
    "pruned": pruned,
    "parametrized": parametrized,
    "dynamically quantized": quantized,
    "an attention of one's own": attending_by_hand,
    "checkpointed": checkpointed,
    "a module compiled in place": compiled_below,
}
CONTEXTS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "nothing": nullcontext,
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "enable_grad": torch.enable_grad,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "anomaly mode": torch.autograd.detect_anomaly,
    "profiler": partial(torch.profiler.profile, acc_events=True),
    "another device by default": lambda: torch.device("meta"),
}


def state(model: Any) -> Any:
    held = {} if any("quantized" in type(module).__module__ for module in model.modules()) else snapshot(model)
    kept = [(path, sorted(vars(module)), module.training) for path, module in model.named_modules()]
    gradients = [parameter.grad for parameter in model.parameters()]
    hooks = [(dict(module._forward_hooks), dict(module._forward_pre_hooks)) for module in model.modules()]
    return held, kept, gradients, hooks


def plain(model: Any, batch: Any) -> Any:
    flags = [(module, module.training) for module in model.modules()]
    model.eval()
    with torch.no_grad():
        found = model(**batch).logits
    for module, training in flags:
        module.training = training
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled:UserWarning")
@pytest.mark.parametrize(
    ("name", "context"),
    [*((name, "nothing") for name in MODELS), *(("as it is", context) for context in CONTEXTS)],
)
def test_a_trace_is_of_what_runs_there_and_leaves_all_as_it_was(
    tokenizer: Any, batch: dict[str, torch.Tensor], name: str, context: str
) -> None:
    model = MODELS[name]()
    before = state(model)
    for options in ({}, {"stats": True, "values": True}):
        with CONTEXTS[context]() if context != "another device by default" else nullcontext():
            expected = plain(model, batch)
        with CONTEXTS[context]():
            traced = trace(model, tokenizer, TEXTS, **options)
            assert traced.failure is None and traced.output is not None
        assert traced.output.logits == expected.double().tolist()
    assert state(model) == before
    if name == "parametrized":
        assert find(traced, path=QUERY).type == "ParametrizedLinear"
    elif name == "an attention of one's own":
        assert traced.model.attention == "by_hand" and find(traced, label="attention probabilities", layer=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MODELS.keys() - {"hooks of others", "dynamically quantized"}))
def test_it_is_proved(tokenizer: Any, name: str) -> None:
    proof = trace(MODELS[name](), tokenizer, TEXTS, verify=True).proof
    assert proof is not None and proof.passed, proof.fault


class Steering(nn.Module):
    """Moves its input along the gradient of something, as guided and energy-based models do."""

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            leaf = hidden_states.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(leaf.tanh().sum(), leaf)
        return hidden_states + gradient


class Remembering(nn.Module):
    """Keeps a tensor that it made, for the next call."""

    last: torch.Tensor | None = None

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        self.last = hidden_states.tanh()
        return self.last * 2


@pytest.mark.parametrize("options", [{}, {"stats": True, "values": True}], ids=str)
def test_a_forward_may_take_a_gradient(tokenizer: Any, batch: dict[str, torch.Tensor], options: dict[str, Any]) -> None:
    model = with_activation(Steering())
    traced = trace(model, tokenizer, TEXTS, **options)
    assert traced.failure is None and traced.output is not None
    assert traced.output.logits == plain(model, batch).tolist()
    if options:
        given = values_of(find(traced, path="bert.encoder.layer.1.intermediate.dense"))
        expected = given + (1 - given.tanh() ** 2)
        assert torch.allclose(values_of(find(traced, path=ACTIVATION, kind="module")), expected, atol=1e-6)


def test_what_a_module_keeps_can_be_trained_on(tokenizer: Any) -> None:
    module = Remembering()
    trace(with_activation(module), tokenizer, TEXTS)
    assert module.last is not None
    weight = torch.ones(64, requires_grad=True)
    (module.last * weight).sum().backward()
    assert weight.grad is not None


def test_a_model_is_copied_and_trained_after_a_trace_as_before(tokenizer: Any, batch: dict[str, torch.Tensor]) -> None:
    model = tiny_model().train()
    trace(model, tokenizer, TEXTS)
    twin = copy.deepcopy(model)
    assert isinstance(twin, BertForSequenceClassification) and "forward" not in vars(twin.bert)
    torch.manual_seed(1)
    twin(**batch, labels=torch.tensor([0, 1])).loss.backward()
    assert all(parameter.grad is not None for parameter in twin.bert.encoder.parameters())
