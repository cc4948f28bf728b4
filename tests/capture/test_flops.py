"""Floating point operations, held against torch's own counter on the same model."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers import ACTIVATION, TEXTS, find, tiny_model, with_activation
from torch import nn
from torch.nn import functional
from torch.nn.utils import rnn
from torch.utils.flop_counter import FlopCounterMode

from bert_inspect.api import trace


class Works(nn.Module):
    """An activation made of one function, with modules that it may use."""

    def __init__(self, work: Callable[[Any, torch.Tensor], Any], **held: nn.Module) -> None:
        super().__init__()
        self.work = work
        for name, module in held.items():
            setattr(self, name, module)

    def forward(self, hidden_states: torch.Tensor) -> Any:
        result = self.work(self, hidden_states)
        return hidden_states + result.mean()


def other(*shape: int) -> torch.Tensor:
    return torch.ones(shape)


aten = torch.ops.aten
# What is made of hidden states (2, 9, 64).
OPS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "einsum": lambda x: torch.einsum("bij,bkj->bik", x, x),
    "einsum, a list": lambda x: torch.einsum("bij,jk,kl->bil", [x, other(64, 5), other(5, 7)]),
    "einsum without a product": lambda x: torch.einsum("bij->bi", x),
    "tensordot": lambda x: torch.tensordot(x, other(9, 64, 5), dims=2),
    "inner": lambda x: torch.inner(x, other(3, 64)),
    "multi_dot": lambda x: torch.linalg.multi_dot([x[0], other(64, 5), other(5, 7)]),
    "linalg.matmul": lambda x: torch.linalg.matmul(x, other(64, 5)),
    "chain_matmul": lambda x: torch.chain_matmul(x[0], other(64, 5), other(5, 7)),
    "matrix_power": lambda x: torch.linalg.matrix_power(x[0, :, :9], 3),
    "bilinear": lambda x: functional.bilinear(x, x, other(3, 64, 64)),
    "addmm": lambda x: torch.addmm(other(9, 5), x[0], other(64, 5)),
    "baddbmm": lambda x: torch.baddbmm(other(2, 9, 9), x, x.mT),
    "addbmm": lambda x: torch.addbmm(other(9, 9), x, x.mT),
    "addmv": lambda x: torch.addmv(other(9), x[0], other(64)),
    "mv": lambda x: torch.mv(x[0], other(64)),
    "matmul of vectors": lambda x: x[0, 0] @ x[0, 0],
    "matmul with a vector": lambda x: x @ other(64),
    "vector and matrix": lambda x: x[0, 0] @ other(64, 5),
    "matmul over heads": lambda x: x.view(2, 9, 4, 16).transpose(1, 2) @ x.view(2, 9, 4, 16).permute(0, 2, 3, 1),
    "matmul by name": lambda x: torch.matmul(input=x, other=other(64, 5)),
    "bmm by name": lambda x: torch.bmm(x, mat2=x.mT),
    "outer": lambda x: torch.outer(x[0, 0], x[0, 1]),
    "dot": lambda x: torch.dot(x[0, 0], x[0, 1]),
    "linear": lambda x: functional.linear(x, other(5, 64), other(5)),
    "linear to a number": lambda x: functional.linear(x, other(64)),
    "linear of one token": lambda x: functional.linear(x[0, 0], other(5, 64)),
    "conv1d": lambda x: functional.conv1d(x.mT, other(8, 64, 3), stride=2, padding=1),
    "conv1d in groups": lambda x: functional.conv1d(x.mT, other(64, 1, 3), padding="same", groups=64),
    "conv1d dilated": lambda x: functional.conv1d(x.mT, other(8, 64, 3), dilation=2),
    "conv2d": lambda x: functional.conv2d(x.unsqueeze(1), other(3, 1, 3, 3)),
    "conv3d": lambda x: functional.conv3d(x.view(2, 1, 9, 8, 8), other(3, 1, 3, 3, 3)),
    "conv_transpose1d": lambda x: functional.conv_transpose1d(x.mT, other(64, 8, 3), stride=2),
    "conv_transpose2d": lambda x: functional.conv_transpose2d(x.unsqueeze(1), other(1, 3, 3, 3), groups=1),
    "aten.mm": lambda x: aten.mm.default(x[0], other(64, 5)),
    "aten.bmm": lambda x: aten.bmm(x, x.mT),
    "aten.linear": lambda x: aten.linear(x, other(5, 64)),
    "aten.addmm": lambda x: aten.addmm.default(other(9, 5), x[0], other(64, 5)),
    "aten.convolution": lambda x: aten.convolution(x.mT, other(8, 64, 3), None, [1], [0], [1], False, [0], 1),
    "aten.einsum": lambda x: aten.einsum("bij,bkj->bik", [x, x]),
    "in place": lambda x: x[0].clone().addmm_(x[0], other(64, 64)),
    "out": lambda x: torch.mm(x[0], other(64, 5), out=torch.empty(9, 5)),
    "nothing": lambda x: (x.tanh().cumsum(1).sort().values, torch.fft.fft(x).real)[1],
}
MODULES: dict[str, Callable[[], nn.Module]] = {
    "Conv1d": lambda: nn.Conv1d(9, 4, 3),
    "a packed GRU": lambda: nn.GRU(64, 8, 2, batch_first=True, bidirectional=True),
    "GRU": lambda: nn.GRU(64, 8, 2, batch_first=True),
    "RNN": lambda: nn.RNN(64, 8, bidirectional=True),
    "GRUCell": lambda: nn.GRUCell(64, 8),
    "what others wrote": lambda: nn.Sequential(
        Works(lambda _, x: x @ other(64, 5) * x.mean().item()), nn.Linear(64, 5)
    ),
    "Sequential": lambda: nn.Sequential(nn.Linear(64, 5), nn.Tanh(), nn.Linear(5, 7)),
    "Bilinear": lambda: nn.Bilinear(64, 64, 3),
}


def use(name: str) -> Callable[[Any, torch.Tensor], Any]:
    def work(module: Any, x: torch.Tensor) -> Any:
        if name == "a packed GRU":
            return module.inner(rnn.pack_padded_sequence(x, torch.tensor([9, 4]), batch_first=True))[0].data
        if name == "GRUCell":
            return module.inner(x[0])
        out = module.inner(x, x) if name == "Bilinear" else module.inner(x)
        return out[0] if isinstance(out, tuple) else out

    return work


def counted(model: Any, tokenizer: Any, texts: Any = TEXTS) -> int:
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        model(**tokenizer(texts, padding=True, return_tensors="pt"))
    return int(counter.get_total_flops())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:torch.chain_matmul")
def test_every_product_is_counted_as_torch_counts_it(tokenizer: Any) -> None:
    for name, work in OPS.items():
        model = with_activation(Works(lambda _, x, work=work: work(x)))  # type: ignore[misc]
        traced = trace(model, tokenizer, TEXTS)
        assert traced.failure is None, (name, traced.failure)
        assert traced.steps[0].total_flops == counted(model, tokenizer), name
        assert sum(step.flops for step in traced.steps) == traced.steps[0].total_flops


@pytest.mark.slow
@pytest.mark.parametrize("verify", [False, True], ids=["", "verified"])
def test_every_module_of_torch_is_counted_as_torch_counts_it(tokenizer: Any, verify: bool) -> None:
    for name, make in MODULES.items():
        model = with_activation(Works(use(name), inner=make()).eval())
        called: list[object] = []
        model.get_submodule(ACTIVATION + ".inner").register_forward_hook(lambda *_, called=called: called.append(1))
        expected = counted(model, tokenizer)
        called.clear()
        traced = trace(model, tokenizer, TEXTS, verify=verify)
        assert traced.steps[0].total_flops == expected, name
        assert verify or len(called) == 1, "a foreign hook runs when the model does"


@pytest.mark.filterwarnings("ignore:TF32")
def test_kernels_that_torch_has_no_formula_for_are_counted_as_what_they_fuse(tokenizer: Any) -> None:
    """torch's counter gives 0 for them, and the same as ours where the kernel is switched off."""
    model = with_activation(Works(use("LSTM"), inner=nn.LSTM(64, 8, bidirectional=True, batch_first=True)).eval())
    mkldnn: Any = torch.backends.mkldnn
    with mkldnn.flags(enabled=False):
        expected = counted(model, tokenizer)
    assert trace(model, tokenizer, TEXTS).steps[0].total_flops == expected > counted(model, tokenizer)

    attending = nn.MultiheadAttention(64, 4, batch_first=True).eval()
    model = with_activation(Works(lambda module, x: module.inner(x, x, x)[0], inner=attending))
    step = find(trace(model, tokenizer, TEXTS), type="MultiheadAttention")
    projections, products = 2 * 2 * 9 * 64 * 64 * 4, 2 * (2 * 2 * 4 * 9 * 9 * 16)
    assert step.flops == projections + products


def test_counting_disturbs_nothing(tokenizer: Any) -> None:
    model = with_activation(Works(lambda _, x: x + torch.rand(3).mean() + torch.rrelu(x, training=True)))
    torch.manual_seed(3)
    with torch.inference_mode():
        plain = model(**tokenizer(TEXTS, padding=True, return_tensors="pt")).logits.tolist()
    after = torch.get_rng_state()
    torch.manual_seed(3)
    traced = trace(model, tokenizer, TEXTS, stats=True)
    assert traced.output is not None and traced.output.logits == plain
    assert torch.equal(torch.get_rng_state(), after)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_fused_attention_costs_what_its_products_do(tokenizer: Any, attention: Any) -> None:
    assert trace(tiny_model(attention=attention), tokenizer, TEXTS).steps[0].total_flops == counted(
        tiny_model(), tokenizer
    )
