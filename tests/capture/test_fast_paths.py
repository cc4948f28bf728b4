"""torch.nn does other work where it finds hooks or modes: a trace must not make it find any."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers import ACTIVATION, TEXTS, find, tiny_model, values_of, with_activation
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.module import register_module_forward_hook
from torch.utils.flop_counter import FlopCounterMode

from bert_inspect.api import trace


class Using(nn.Module):
    """Has a module of torch.nn look at what an activation receives, with the last tokens hidden from it."""

    def __init__(self, held: nn.Module, work: Callable[[Any, torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.held = held
        self.work = work
        self.seen: list[torch.Tensor] = []

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        hidden = torch.zeros(hidden_states.shape[:2], dtype=torch.bool)
        hidden[0, 5:] = True
        out = self.work(self.held, hidden_states, hidden)
        self.seen.append(out.clone())
        return out


def layer() -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(64, 4, 32, batch_first=True).eval()


FAST: dict[str, Callable[[], nn.Module]] = {
    "attention": lambda: Using(
        nn.MultiheadAttention(64, 4, batch_first=True),
        lambda held, x, hidden: held(x, x, x, key_padding_mask=hidden)[0],
    ),
    "attention without weights": lambda: Using(
        nn.MultiheadAttention(64, 4, batch_first=True), lambda held, x, hidden: held(x, x, x, need_weights=False)[0]
    ),
    "a layer": lambda: Using(layer(), lambda held, x, hidden: held(x, src_key_padding_mask=hidden)),
    "an encoder": lambda: Using(
        nn.TransformerEncoder(layer(), 2), lambda held, x, hidden: held(x, src_key_padding_mask=hidden)
    ),
    "an encoder in a container": lambda: Using(
        nn.Sequential(nn.TransformerEncoder(layer(), 2), nn.Tanh()), lambda held, x, hidden: held(x)
    ),
}


@pytest.fixture(params=[False, True], ids=["", "global hooks"])
def hooks(request: pytest.FixtureRequest) -> Any:
    handle = register_module_forward_hook(lambda *_: None) if request.param else None
    yield
    if handle is not None:
        handle.remove()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")
@pytest.mark.parametrize("name", FAST)
@pytest.mark.usefixtures("hooks")
def test_what_is_traced_is_what_runs_without_us(tokenizer: Any, name: str) -> None:
    torch.manual_seed(3)
    model = with_activation(FAST[name]()).eval()
    activation = model.get_submodule(ACTIVATION)
    with torch.no_grad():
        logits = model(**tokenizer(TEXTS, padding=True, return_tensors="pt")).logits
    for options in ({}, {"values": True, "stats": True}, {"values": True, "verify": True}):
        activation.seen[1:] = []
        traced = trace(model, tokenizer, TEXTS, **options)
        assert traced.output is not None and traced.output.logits == logits.tolist()
        assert torch.equal(activation.seen[-1], activation.seen[0])  # padding too
        step = find(traced, path=f"{ACTIVATION}.held")
        assert not [other for other in traced.steps if other.parent == step.id]
        if options:
            assert torch.equal(values_of(step), activation.seen[0])
        assert traced.proof is None or traced.proof.passed, traced.proof.fault


@pytest.mark.parametrize("name", sorted(FAST.keys() - {"an encoder"}))
def test_flops_of_a_fast_path_are_those_of_the_slow_one(tokenizer: Any, name: str) -> None:
    model = with_activation(FAST[name]()).eval()
    traced = trace(model, tokenizer, TEXTS)
    fast = torch.backends.mha.get_fastpath_enabled()
    try:
        torch.backends.mha.set_fastpath_enabled(False)
        # Fused attention counts as if its products were written out, as which it runs here.
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            model(**tokenizer(TEXTS, padding=True, return_tensors="pt"))
        slow = trace(model, tokenizer, TEXTS)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    expected = counter.get_total_flops()
    assert [sum(step.flops for step in each.steps) for each in (traced, slow)] == [expected, expected]


def test_other_functions_modes_see_all_that_they_would(tokenizer: Any) -> None:
    class Watching(torch.overrides.TorchFunctionMode):
        def __init__(self) -> None:
            self.seen: list[str] = []

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.seen.append(func.__name__)
            return func(*args, **(kwargs or {}))

    model = tiny_model()
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad(), Watching() as plain:
        model(**batch)
    with Watching() as beside:
        trace(model, tokenizer, TEXTS)
    wanted = ("linear", "layer_norm", "embedding", "matmul", "tanh")
    assert [beside.seen.count(name) for name in wanted] == [plain.seen.count(name) for name in wanted]
    assert all(name in plain.seen for name in wanted)
