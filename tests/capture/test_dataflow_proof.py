"""What the proof says of the dataflow from the logits back to the input: what cuts it, and what does not."""

import math
from collections.abc import Callable
from typing import Any

import numpy
import pytest
import torch
from helpers import TEXTS, WorksOn, tiny_config, tiny_model
from torch import nn
from torch.nn import functional
from torch.nn.utils import rnn
from transformers import set_seed
from transformers.models.bert.modeling_bert import BertForSequenceClassification

from bert_inspect.api import trace
from bert_inspect.capture.verify.snapshot import snapshot
from bert_inspect.traces.proof import Fault, Proof

ACTIVATION = "bert.encoder.layer.0.intermediate.intermediate_act_fn"


def with_activation(module: nn.Module) -> BertForSequenceClassification:
    """A model of one layer with a module of another's in place of the activation."""
    model = tiny_model(num_hidden_layers=1)
    model.bert.encoder.layer[0].intermediate.intermediate_act_fn = module
    return model


def proof_of(model: Any, tokenizer: Any, texts: Any = TEXTS) -> Proof:
    traced = trace(model, tokenizer, texts, verify=True)
    assert traced.proof is not None and traced.failure is None, traced.failure
    return traced.proof


def fault_of(model: Any, tokenizer: Any) -> Fault:
    fault = proof_of(model, tokenizer).fault
    assert fault is not None
    return fault


# What cuts the dataflow


def assigned(x: torch.Tensor) -> torch.Tensor:
    doubled = x * 2
    doubled[:, 0] = x.max().item()
    return doubled


def by_storage(x: torch.Tensor) -> torch.Tensor:
    return torch.empty(0).set_(x.clone().untyped_storage(), 0, x.shape)  # type: ignore[call-overload, no-any-return]


DETOURS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "numpy, as_tensor": lambda x: torch.as_tensor(x.numpy() * 2),
    "numpy, tensor": lambda x: torch.tensor(numpy.tanh(x.numpy())),
    "numpy, from_numpy": lambda x: torch.from_numpy(x.numpy() * 2),
    "numpy, asarray": lambda x: torch.asarray(numpy.asarray(x) * 2),
    "bytes": lambda x: torch.frombuffer(bytearray(x.numpy().tobytes()), dtype=torch.float32).view(x.shape),
    "a list": lambda x: torch.tensor(x.tolist()),
    "a list, new_tensor": lambda x: x.new_tensor(x.tolist()),
    "a list, FloatTensor": lambda x: torch.FloatTensor(x.tolist()),
    "a list of numbers": lambda x: torch.tensor([float(entry) for entry in x.flatten()]).view(x.shape),
    "dlpack": lambda x: torch.utils.dlpack.from_dlpack(x * 2),
    "storage": by_storage,
    "a factor": lambda x: x * x.mean().item(),
    "a factor, by name": lambda x: torch.add(x, x, alpha=x.mean().item()),
    "a scalar tensor": lambda x: x + torch.tensor(x.mean().item()),
    "full": lambda x: x + torch.full(x.shape, float(x.max())),
    "a fill": lambda x: x.masked_fill(x < 0, x.min().item()),
    "an index": lambda x: x * x[..., int(x.abs().sum() * 10) % 64].unsqueeze(-1),
    "an assignment": assigned,
    "math": lambda x: x / math.sqrt(x.square().sum().item()),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DETOURS)
def test_a_detour_through_python_is_no_dataflow(tokenizer: Any, name: str) -> None:
    fault = fault_of(with_activation(WorksOn(lambda _, x: DETOURS[name](x))), tokenizer)
    assert fault.path == ACTIVATION and "by something that was not recorded" in fault.message, fault


def test_a_detour_of_the_words_is_found(tokenizer: Any) -> None:
    model = tiny_model(num_hidden_layers=1)
    look_up = model.bert.embeddings.word_embeddings
    by_list = WorksOn(lambda module, ids: module.rows(torch.tensor(ids.tolist())), rows=look_up)
    model.bert.embeddings.word_embeddings = by_list
    fault = fault_of(model, tokenizer)
    assert fault.path == "bert.embeddings.word_embeddings" and "not recorded" in fault.message


class Masked(BertForSequenceClassification):  # type: ignore[misc]
    """Makes something of its mask before it runs."""

    made: Callable[[torch.Tensor], torch.Tensor]

    def forward(self, input_ids: Any = None, attention_mask: Any = None, **rest: Any) -> Any:
        return super().forward(input_ids=input_ids, attention_mask=type(self).made(attention_mask), **rest)


@pytest.mark.parametrize("texts", [TEXTS, TEXTS[0]], ids=["padding", "one sentence"])
def test_a_detour_of_the_mask_is_found(tokenizer: Any, texts: Any) -> None:
    set_seed(7)
    model = Masked(tiny_config(num_hidden_layers=1)).eval()
    Masked.made = lambda mask: torch.tensor(mask.tolist())
    fault = proof_of(model, tokenizer, texts).fault
    assert fault is not None and fault.path == "" and "not recorded" in fault.message
    Masked.made = lambda mask: mask * 1
    assert proof_of(model, tokenizer, texts).passed


WAITING: dict[str, Callable[[Any, torch.Tensor], torch.Tensor]] = {}


def waits(function: Callable[[Any, torch.Tensor], torch.Tensor]) -> Callable[[Any, torch.Tensor], torch.Tensor]:
    WAITING[function.__name__] = function
    return function


@waits
def on_the_module(module: Any, x: torch.Tensor) -> Any:
    last, module.last = module.last, x * 2
    return x if last is None or last.shape != x.shape else last


@waits
def in_a_list(module: Any, x: torch.Tensor) -> Any:
    module.all.append(x * 2)
    return module.all[max(len(module.all) - 2, 0)] + 0


@waits
def in_a_dictionary(module: Any, x: torch.Tensor) -> Any:
    last = module.by_name.get("last", x)
    module.by_name["last"] = x * 2
    return last * 1


SOMEWHERE: list[torch.Tensor] = []


@waits
def somewhere_else(_: Any, x: torch.Tensor) -> torch.Tensor:
    last = SOMEWHERE.pop() if SOMEWHERE else x
    SOMEWHERE.append(x * 2)
    return last * 1


@pytest.mark.slow
@pytest.mark.parametrize("name", WAITING)
def test_a_tensor_from_an_earlier_call_is_no_dataflow(tokenizer: Any, name: str) -> None:
    model = with_activation(WorksOn(WAITING[name], last=None, all=[], by_name={}))
    SOMEWHERE.clear()
    trace(model, tokenizer, TEXTS)
    fault = fault_of(model, tokenizer)
    assert "not recorded" in fault.message or "nondeterministic" in fault.message, fault


# What does not cut it


HALF = torch.tensor(0.5)
TABLE = numpy.linspace(0, 1, 64, dtype=numpy.float32)


def kept_table(module: Any, x: torch.Tensor) -> Any:
    if module.table is None or module.length < x.shape[1]:
        module.length = x.shape[1]
        module.table = torch.arange(x.shape[1]).unsqueeze(1) * 0.1
    return x + module.table[: x.shape[1]]


def kept_tables(module: Any, x: torch.Tensor) -> Any:
    if x.shape[1] not in module.tables:
        module.tables[x.shape[1]] = torch.arange(x.shape[1]).unsqueeze(1) * 0.1
    return x + module.tables[x.shape[1]]


def sizes(_: Any, x: torch.Tensor) -> torch.Tensor:
    batch, tokens, hidden = x.shape
    y = x.view(batch * tokens, 4, -1).transpose(0, 1).reshape(4, batch, tokens, hidden // 4)
    return torch.cat(list(y), dim=-1)[:, :tokens] / math.sqrt(hidden)


def goes_two_ways(_: Any, x: torch.Tensor) -> torch.Tensor:
    return x.relu() if x.isnan().any() or bool(x[0, 0, 0] > 1e9) else x.tanh()


CONSTANT: dict[str, Callable[[Any, torch.Tensor], torch.Tensor]] = {
    "arange": lambda _, x: x + torch.arange(x.shape[1]).unsqueeze(1),
    "a scalar": lambda _, x: x * torch.tensor(0.5),
    "a fill": lambda _, x: x.masked_fill(x < 0, torch.finfo(x.dtype).min).clamp(-1),
    "a root of a size": lambda _, x: x / math.sqrt(x.size(-1)),
    "sizes": sizes,
    "on the module": lambda module, x: x * module.factor,
    "in a closure": lambda _, x: x * HALF,
    "in numpy": lambda _, x: x * torch.as_tensor(TABLE),
    "kept": kept_table,
    "kept by length": kept_tables,
    "a question": goes_two_ways,
    "multiplied by zero": lambda _, x: x + x * 0.0,
    "hidden by a mask": lambda _, x: torch.where(torch.zeros_like(x, dtype=torch.bool), x.exp(), x),
    "a shape alone": lambda _, x: x + torch.zeros_like(x) + x.new_ones(64).expand_as(x),
    "NaN": lambda _, x: (x * float("nan")).nan_to_num(1.0) + x,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CONSTANT)
def test_constants_and_sizes_are_proved(tokenizer: Any, name: str) -> None:
    model = with_activation(WorksOn(CONSTANT[name], factor=torch.tensor(2.0), table=None, length=0, tables={}))
    for _ in range(1 + name.startswith("kept")):  # what is kept is there the second time
        proof = proof_of(model, tokenizer)
        assert proof.passed, proof.fault


GENERATOR = torch.Generator().manual_seed(1)


def emptied(_: Any, x: torch.Tensor) -> torch.Tensor:
    copied, filled, summed, assigned = (torch.empty_like(x) for _ in range(4))
    copied.copy_(x)
    filled.fill_(2.0)
    torch.add(copied, filled, out=summed)
    assigned[:, :1] = summed[:, :1]
    assigned[:, 1:] = 3.0
    return assigned + x.new_empty(x.shape).normal_() + torch.empty(3).uniform_().sum()


def in_place_by_name(_: Any, x: torch.Tensor) -> torch.Tensor:
    y: torch.Tensor = torch.ops.aten.mul.Tensor(x, 2.0)
    first = y[:, 0]
    torch.ops.aten.add_(y, 1.0)
    torch.ops.aten.relu_.default(y)
    torch.ops.aten.add.out(y, y, out=y)
    torch._foreach_mul_([y], 0.5)
    return y + first.unsqueeze(1)


def batch_statistics(module: Any, x: torch.Tensor) -> Any:
    rows = x.reshape(-1, 64)
    return functional.batch_norm(rows, module.mean, module.var, training=True).view(x.shape) + module.mean


def counted(module: Any, x: torch.Tensor) -> Any:
    module.position += 1
    return x + module.position * 0.01


def counted_anew(module: Any, x: torch.Tensor) -> Any:
    module.position = module.position + 1
    return x + module.position * 0.01


def packed(kind: Any) -> Callable[[Any, torch.Tensor], torch.Tensor]:
    def work(module: Any, x: torch.Tensor) -> Any:
        lengths = torch.arange(x.shape[1], x.shape[1] - x.shape[0], -1)
        sequence = rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        out, _ = module.inner(sequence)
        return rnn.pad_packed_sequence(out, batch_first=True, total_length=x.shape[1])[0]

    return work


class WithBuffers(WorksOn):
    """Has the buffers that a normalization or a counter would have."""

    def __init__(self, work: Callable[[Any, torch.Tensor], torch.Tensor], **held: Any) -> None:
        super().__init__(work, **held)
        self.register_buffer("mean", torch.zeros(64))
        self.register_buffer("var", torch.ones(64))
        self.register_buffer("position", torch.zeros(()))


class TrainsItsNorm(nn.Module):
    """Normalizes by the batch whatever mode it is in."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(64)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        self.norm.train()
        out: torch.Tensor = self.norm(hidden_states.transpose(1, 2)).transpose(1, 2)
        return out


HEALTHY: dict[str, Callable[[], nn.Module]] = {
    "a generator": lambda: WorksOn(
        lambda module, x: x + torch.rand(x.shape, generator=module.generator).normal_(generator=module.generator),
        generator=torch.Generator().manual_seed(1),
    ),
    "a generator elsewhere": lambda: WorksOn(lambda _, x: x + torch.bernoulli(x.sigmoid(), generator=GENERATOR)),
    "memory as it was found": lambda: WorksOn(emptied),
    "torch.ops": lambda: WorksOn(in_place_by_name),
    "statistics of the batch": lambda: WithBuffers(batch_statistics),
    "a norm in train mode": TrainsItsNorm,
    "a counter": lambda: WithBuffers(counted),
    "a counter that is replaced": lambda: WithBuffers(counted_anew),
    "a packed GRU": lambda: WorksOn(packed(nn.GRU), inner=nn.GRU(64, 64, batch_first=True)),
    "a packed LSTM": lambda: WorksOn(packed(nn.LSTM), inner=nn.LSTM(64, 32, bidirectional=True, batch_first=True)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_models_are_proved(tokenizer: Any, name: str) -> None:
    set_seed(3)
    proof = proof_of(with_activation(HEALTHY[name]().eval()), tokenizer)
    assert proof.passed, proof.fault


def test_a_verified_run_moves_buffers_as_one_run_does(tokenizer: Any) -> None:
    plain, verified = (with_activation(WithBuffers(counted)) for _ in range(2))
    with torch.inference_mode():
        plain(**tokenizer(TEXTS, padding=True, return_tensors="pt"))
    assert proof_of(verified, tokenizer).passed
    keys = {key for key in snapshot(plain) if key.startswith("the buffer")}
    assert {key: snapshot(plain)[key][1:] for key in keys} == {key: snapshot(verified)[key][1:] for key in keys}


def test_the_check_can_fail(tokenizer: Any) -> None:
    """A step that hears nothing of what it receives is found: run again it would give the same for ever."""

    @torch.library.custom_op("bert_inspect_tests::deaf", mutates_args=())
    def deaf(x: torch.Tensor) -> torch.Tensor:
        return torch.ones_like(x)

    fault = fault_of(with_activation(WorksOn(lambda _, x: deaf(x))), tokenizer)
    assert fault.check == "perturbations" and fault.path == ACTIVATION and "stays the same" in fault.message
