"""Models as people change them, which are traced right: each of these is proved, and stays so."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers import ACTIVATION, TEXTS, find, tiny_model, with_activation
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune
from torch.utils.checkpoint import checkpoint

from bert_inspect.api import trace
from bert_inspect.capture.verify.checks import digest, largest_difference

QUERY = "bert.encoder.layer.1.attention.self.query"


class LowRank(nn.Module):
    """A Linear with an adapter beside it, as PEFT's LoRA has it: the second factor is 0 until it is trained."""

    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__()
        self.base_layer = base
        self.lora_A = nn.ModuleDict({"default": nn.Linear(base.in_features, rank, bias=False)})
        self.lora_B = nn.ModuleDict({"default": nn.Linear(rank, base.out_features, bias=False)})
        self.scaling = {"default": 2.0}
        nn.init.zeros_(self.lora_B["default"].weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        added: torch.Tensor = self.lora_B["default"](self.lora_A["default"](x)) * self.scaling["default"]
        result: torch.Tensor = self.base_layer(x) + added
        return result


class Scaled(nn.Module):
    """A Linear whose result is scaled by learned numbers, as IA3 has it."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base_layer = base
        self.ia3_l = nn.ParameterDict({"default": nn.Parameter(torch.randn(base.out_features, 1))})

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.base_layer(x) * self.ia3_l["default"].flatten()
        return result


class Recomputed(nn.Module):
    """Is run by torch's checkpointing."""

    def __init__(self, *, reentrant: bool) -> None:
        super().__init__()
        self.inner, self.reentrant = nn.Linear(64, 64), reentrant

    def forward(self, hidden_states: torch.Tensor) -> Any:
        return checkpoint(lambda x: self.inner(x).tanh(), hidden_states, use_reentrant=self.reentrant)


def with_query(change: Callable[[nn.Linear], nn.Module]) -> Any:
    model = tiny_model()
    attention = model.bert.encoder.layer[1].attention.self
    attention.query = change(attention.query).eval()
    return model


class Symmetric(nn.Module):
    """A parametrization of a weight."""

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight.triu() + weight.triu(1).mT


def pruned(linear: nn.Linear) -> nn.Module:
    prune.l1_unstructured(linear, "weight", amount=0.5)
    return linear


def parametrized(linear: nn.Linear) -> nn.Module:
    parametrize.register_parametrization(linear, "weight", Symmetric())
    return linear


HELD: dict[str, Callable[[], Any]] = {
    "LoRA, not trained": lambda: with_query(lambda linear: LowRank(linear, 4)),
    "IA3": lambda: with_query(Scaled),
    "pruned": lambda: with_query(pruned),
    "parametrized": lambda: with_query(parametrized),
    "spectral norm": lambda: with_query(parametrizations.spectral_norm),
    "weight norm": lambda: with_query(parametrizations.weight_norm),
    "checkpointing": lambda: with_activation(Recomputed(reentrant=False)),
    "reentrant checkpointing": lambda: with_activation(Recomputed(reentrant=True)),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", HELD)
def test_changed_models_are_proved(tokenizer: Any, name: str) -> None:
    model = HELD[name]()
    with torch.inference_mode():
        plain = model(**tokenizer(TEXTS, padding=True, return_tensors="pt")).logits.tolist()
    traced = trace(model, tokenizer, TEXTS, verify=True, stats=True)
    assert traced.proof is not None and traced.proof.passed, traced.proof
    assert traced.output is not None and traced.output.logits == plain
    assert sum(step.parameters for step in traced.steps) == sum(map(torch.numel, model.parameters()))


@pytest.mark.filterwarnings("ignore")
def test_dynamically_quantized_models_are_proved(tokenizer: Any) -> None:
    if torch.backends.quantized.engine == "none":
        pytest.skip("this build of torch does not quantize")
    model = torch.ao.quantization.quantize_dynamic(tiny_model(), {nn.Linear}, dtype=torch.qint8)
    traced = trace(model, tokenizer, TEXTS, verify=True)
    assert traced.proof is not None and traced.proof.passed, traced.proof
    assert find(traced, path=QUERY, kind="op").type == "linear_dynamic"


DTYPES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "bfloat16": lambda x: x.bfloat16().tanh().to(x.dtype),
    "float16": lambda x: x.half().tanh().to(x.dtype),
    "float64": lambda x: x.double().tanh().to(x.dtype),
    "float8": lambda x: x.to(torch.float8_e4m3fn).to(x.dtype),
    "complex": lambda x: torch.fft.fft(torch.fft.fft(x, dim=-1), dim=-2).real,
    "complex, conjugated": lambda x: (torch.fft.fft(x).conj() * 2).imag,
    "complex, as pairs": lambda x: torch.view_as_real(torch.view_as_complex(x.reshape(-1, 32, 2))).reshape(x.shape),
    "int8": lambda x: (x * 100).to(torch.int8).to(x.dtype),
    "uint16": lambda x: (x.abs() * 100).to(torch.uint16).to(x.dtype),
    "bool": lambda x: x * (x > 0),
    "quantized": lambda x: torch.quantize_per_tensor(x, 0.1, 0, torch.qint8).dequantize(),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", DTYPES)
def test_all_dtypes_are_proved(tokenizer: Any, name: str) -> None:
    class Activation(nn.Module):
        def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
            return DTYPES[name](hidden_states)

    traced = trace(with_activation(Activation()), tokenizer, TEXTS, verify=True)
    assert traced.failure is None and traced.proof is not None
    assert traced.proof.passed, traced.proof.fault
    assert any(step.path == ACTIVATION and step.kind == "op" for step in traced.steps)


@pytest.mark.filterwarnings("ignore:Sparse")
def test_sparse_and_complex_numbers_are_compared_as_they_are_stored() -> None:
    eye, ones = torch.eye(3), torch.ones(3, 3)
    for sparse, other in ((eye.to_sparse(), ones.to_sparse()), (eye.to_sparse_csr(), ones.to_sparse_csr())):
        assert digest(sparse) == digest(sparse.clone()) != digest(sparse * 2) and digest(sparse) != digest(eye)
        assert largest_difference(sparse, sparse * 3) == 2 and largest_difference(sparse, other) == float("inf")
    huge = torch.sparse_coo_tensor([[0, 10**9]], [1.0, 2.0], (2 * 10**9,))
    assert largest_difference(huge, huge * 2) == 2  # without being written out
    numbers = torch.tensor([1 + 2j, 3j])
    assert digest(numbers.conj()) == digest(numbers.conj().resolve_conj()) != digest(numbers)
    assert largest_difference(numbers, numbers + 2j) == 2
