"""The proof of a trace: it holds for honest models, and names the step where something does not hold."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers import ACTIVATION, TEXTS, Works, find, tiny_model, with_activation
from torch import nn
from torch.nn import functional

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.capture.verify.snapshot import snapshot
from bert_inspect.traces.proof import Check, Proof


def proved(traced: Trace) -> Proof:
    assert traced.proof is not None
    return traced.proof


def checks(traced: Trace) -> dict[str, Check]:
    return {check.name: check for check in proved(traced).checks}


@pytest.mark.slow
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:1]], ids=["padding", "no padding"])
def test_an_honest_trace_is_proved_to_the_bit(tokenizer: Any, attention: Any, texts: list[str]) -> None:
    model = tiny_model()
    traced = trace(model, tokenizer, texts, labels=[1] * len(texts), attention=attention, verify=True, stats=True)
    assert proved(traced).passed and proved(traced).fault is None
    found = checks(traced)
    assert all(check.failed == 0 and check.exact == check.checked for check in found.values())
    leaves = [
        step for step in traced.steps if step.kind == "module" and not list(model.get_submodule(step.path).children())
    ]
    calls = [step for step in leaves if type(model.get_submodule(step.path)).__module__.startswith("torch.nn")]
    assert found["modules"].checked == len(calls)
    assert found["ops"].checked >= sum(step.kind == "op" and step.label != "attention mask" for step in traced.steps)
    assert found["hidden states"].checked == model.config.num_hidden_layers + 1
    assert found.get("attentions", Check(name="attentions", checked=0, exact=0, failed=0)).checked == (
        model.config.num_hidden_layers if attention == "eager" else 0
    )
    assert found["calls"].checked == len(list(model.modules()))
    assert found["statistics"].checked >= sum(
        len(step.outputs) for step in traced.steps if step.label != "attention mask"
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_precisions_are_proved(tokenizer: Any, dtype: torch.dtype) -> None:
    assert proved(trace(tiny_model().to(dtype), tokenizer, TEXTS, verify=True, stats=True, values=True)).passed


def test_a_filter_takes_nothing_from_the_proof(tokenizer: Any) -> None:
    whole = trace(tiny_model(), tokenizer, TEXTS, verify=True)
    part = trace(tiny_model(), tokenizer, TEXTS, verify=True, layer=1, stats=True)
    for name in ("ops", "modules", "hidden states", "attentions", "calls", "surroundings"):
        assert checks(part)[name].checked == checks(whole)[name].checked
    assert proved(part).passed and checks(part)["statistics"].checked < checks(whole)["ops"].checked


def test_a_proof_survives_the_file(tokenizer: Any) -> None:
    traced = trace(tiny_model(), tokenizer, TEXTS, verify=True)
    text = b"".join(traced.json())
    assert Trace.from_json(text).proof == traced.proof
    again = trace(tiny_model(), tokenizer, TEXTS, verify=True)
    assert b"".join(again.json()) == text


def in_place(x: torch.Tensor) -> torch.Tensor:
    doubled = x * 2
    first = doubled[:, 0]
    doubled.view(-1).add_(1)
    doubled[:, 1] = 0
    functional.relu_(first)
    return functional.dropout(doubled + first.unsqueeze(1), 0.1, False, True)


def drawn(x: torch.Tensor) -> torch.Tensor:
    return x + torch.rand_like(x)


def mask_helper(x: torch.Tensor) -> torch.Tensor:
    """Code as of transformers' helpers that build masks, which is told by its file; it works in place."""
    code = "def build(x):\n    mask = (x > 0) * 1.0\n    mask.mul_(-1)\n    mask[:, 0] = 0\n    return mask"
    made: dict[str, Any] = {}
    exec(compile(code, "masking_utils.py", "exec"), made)  # as if it stood there
    return x + made["build"](x)


HONEST = {
    "in place in a mask's helper": lambda: Works(mask_helper),
    "in place": lambda: Works(in_place),
    "an in-place module": lambda: nn.ReLU(inplace=True),
    "a container of torch.nn": lambda: nn.Sequential(nn.Linear(64, 64), nn.Tanh()),
    "drawn numbers": lambda: Works(drawn),
    "keywords only": lambda: Works(lambda x: functional.gelu(input=x, approximate="tanh")),
    "chunks": lambda: Works(lambda x: torch.cat([piece.relu() for piece in x.chunk(2, dim=1)], dim=1)),
    "indices": lambda: Works(lambda x: x[:, torch.arange(x.shape[1])]),
    "NaN": lambda: Works(lambda x: torch.where(x > 0, x, float("nan"))),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HONEST)
def test_models_on_which_naive_hooking_lies_are_proved(tokenizer: Any, name: str) -> None:
    model = with_activation(HONEST[name]())
    traced = trace(model, tokenizer, TEXTS, verify=True, stats=True, values=True)
    assert proved(traced).passed, proved(traced).fault
    # Every tensor that was not given from outside says where it came from.
    unexplained = [
        (step.path, tensor.name)
        for step in traced.steps[1:]
        for tensor in step.inputs
        if tensor.from_ is None and tensor.parameter is None
    ]
    names = {"input_ids", "token_type_ids", "attention_mask", "input", "input[1]", "tensors[0]"}
    assert {tensor for _, tensor in unexplained} <= names
    assert not any(path == ACTIVATION for path, _ in unexplained)


def test_one_module_under_two_names_and_chunked_feed_forward_are_proved(tokenizer: Any) -> None:
    model = tiny_model()
    model.bert.encoder.layer[1] = model.bert.encoder.layer[0]
    assert proved(trace(model, tokenizer, TEXTS, verify=True)).passed
    chunked = tiny_model(chunk_size_feed_forward=1)
    assert proved(trace(chunked, tokenizer, ["cats"], verify=True)).passed


def test_a_constant_that_a_module_holds_is_no_mystery(tokenizer: Any) -> None:
    module = Works(lambda x: x * module.factor)
    module.factor = torch.tensor(2.0)  # neither parameter nor buffer
    assert proved(trace(with_activation(module), tokenizer, TEXTS, verify=True)).passed


def test_modules_inside_a_container_of_torch_are_not_said_never_to_be_called(tokenizer: Any) -> None:
    model = with_activation(nn.Sequential(nn.Linear(64, 64), nn.Tanh()))
    traced = trace(model, tokenizer, TEXTS)
    assert not any(path.startswith(ACTIVATION) for path in traced.not_called)


# What must not pass


def patched_linear() -> Any:
    model = tiny_model()
    query = model.bert.encoder.layer[1].attention.self.query
    query.forward = lambda x: functional.linear(x, query.weight, query.bias) + 1e-3
    return model


def hooked_linear() -> Any:
    model = tiny_model()
    model.bert.encoder.layer[1].attention.self.query.register_forward_hook(lambda module, args, output: output * 1.001)
    return model


def numpy_model() -> Any:
    return with_activation(Works(lambda x: torch.from_numpy(x.numpy() * 2)))


def changed_model() -> Any:
    def behind_the_back(x: torch.Tensor) -> torch.Tensor:
        doubled = x * 2
        doubled.numpy()[0, 0, 0] = 7.0
        return doubled + 1

    return with_activation(Works(behind_the_back))


class Counting(nn.Module):
    """Gives another answer every time."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return hidden_states * self.calls


class Learning(nn.Module):
    """Changes its own weights in every forward."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(64))

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        out = hidden_states * self.weight
        self.weight.data.numpy()[:] += 1
        return out


QUERY = "bert.encoder.layer.1.attention.self.query"
DISHONEST: dict[str, tuple[Callable[[], Any], str, str | None, str]] = {
    "a Linear that is none": (patched_linear, "modules", QUERY, "run again"),
    "a hook that changes an output": (hooked_linear, "modules", QUERY, "run again"),
    "work that torch does not see": (
        numpy_model,
        "origins",
        ACTIVATION,
        "made by something",
    ),
    "a change that torch does not see": (
        changed_model,
        "origins",
        ACTIVATION,
        "was changed",
    ),
    "another answer every time": (lambda: with_activation(Counting()), "logits", None, "nondeterministic"),
    "weights that change": (lambda: with_activation(Learning()), "logits", None, "nondeterministic"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DISHONEST)
def test_what_does_not_hold_is_found_in_its_step(tokenizer: Any, name: str) -> None:
    make, check, path, message = DISHONEST[name]
    traced = trace(make(), tokenizer, TEXTS, verify=True)
    fault = proved(traced).fault
    assert fault is not None and not proved(traced).passed
    assert (fault.check, fault.path) == (check, path) and message in fault.message, fault
    if path is not None:
        assert fault.step is not None and traced.steps[fault.step].path == path
        assert traced.steps[fault.step].label == fault.label


def test_a_forward_that_raises_is_proved_until_then(tokenizer: Any) -> None:
    def fails(x: torch.Tensor) -> torch.Tensor:
        return x.transpose(1, 2) @ x.new_zeros(3, 3)

    traced = trace(with_activation(Works(fails)), tokenizer, TEXTS, verify=True)
    failure = traced.failure
    assert failure is not None and failure.step is not None and failure.last_good is not None
    assert traced.steps[failure.step].type == "matmul" and traced.steps[failure.step].failed
    broken = next(tensor for tensor in traced.steps[failure.step].inputs if tensor.name == failure.tensor)
    assert broken.shape == [3, 3] and broken.from_ is not None and traced.steps[broken.from_].type == "new_zeros"
    assert traced.steps[failure.last_good].type == "new_zeros"
    assert proved(traced).passed and checks(traced)["ops"].failed == 0 and checks(traced)["modules"].checked > 10


def test_verifying_leaves_no_trace_of_its_own(tokenizer: Any) -> None:
    model = tiny_model().train()
    model.config.output_hidden_states = True  # transformers then puts hooks of its own on the modules
    before, generator = snapshot(model), torch.get_rng_state()
    threads = torch.get_num_threads()
    assert proved(trace(model, tokenizer, TEXTS, verify=True)).passed
    assert snapshot(model) == before and torch.equal(torch.get_rng_state(), generator)
    assert torch.get_num_threads() == threads and model.training


def test_the_recorded_dataflow_computes_the_logits(tokenizer: Any) -> None:
    """Apart from the proof: the digests of what flows along `from` are the same at both ends."""
    model = tiny_model()
    traced = trace(model, tokenizer, TEXTS, verify=True, values=True)
    digests = [
        [hashlib.sha256(output.values.json()).hexdigest() for output in step.outputs if output.values is not None]
        for step in traced.steps
    ]
    logits = find(traced, path="classifier")
    assert digests[logits.id] == digests[0][-1:]
