"""Tensors whose numbers cannot be read, dtypes of every kind, and errors of the tracer's own: the forward goes on, and
the trace says what it does not hold.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import ACTIVATION, TEXTS, Works, find, shown, tiny_model, values_of, with_activation
from safetensors import torch as safetensors_torch
from torch import nn

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.capture.tensor_file import save_tensors
from bert_inspect.capture.tracing.tensor_stats import numbers, statistics, unordered, unreadable
from bert_inspect.errors import UsageError
from bert_inspect.render.cells import View
from bert_inspect.render.tree import Tree

pytestmark = [
    pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning"),
    pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning"),
    pytest.mark.filterwarnings("ignore:ComplexHalf support:UserWarning"),
    pytest.mark.filterwarnings("ignore:Sparse:UserWarning"),
]


def sparse(x: torch.Tensor) -> torch.Tensor:
    eye = torch.eye(64).to_sparse()
    return torch.sparse.mm(eye, x.reshape(-1, 64).t()).t().reshape(x.shape)


def nested(x: torch.Tensor, **options: Any) -> torch.Tensor:
    made = torch.nested.nested_tensor([x[0], x[1, :3]], **options) * 2
    return torch.nested.to_padded_tensor(made, 0.0, output_size=x.shape)


def meta(x: torch.Tensor) -> torch.Tensor:
    return x * len(torch.ones(3, device="meta") + 1)


ODD: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "vmap": lambda x: torch.func.vmap(lambda row: row.tanh() * 2)(x),
    "grad": lambda x: torch.func.grad(lambda z: z.tanh().sum())(x),
    "jvp": lambda x: torch.func.jvp(torch.tanh, (x,), (torch.ones_like(x),))[1],
    "in place in vmap": lambda x: torch.func.vmap(lambda row: (row * 2).add_(1))(x),
    "sparse": sparse,
    "sparse, in place": lambda x: x.to_sparse().mul_(2).to_dense(),
    "nested": nested,
    "jagged": lambda x: nested(x, layout=torch.jagged),
    "meta": meta,
    "complex": lambda x: torch.fft.fft(torch.fft.fft(x, dim=-1), dim=-2).real,
    "conjugated": lambda x: torch.fft.fft(x).conj().imag,
    "float8": lambda x: x.to(torch.float8_e4m3fn).to(x.dtype),
    "quantized": lambda x: torch.quantize_per_tensor(x, 0.1, 0, torch.qint8).dequantize(),
}
UNREAD = {
    "vmap": "inside a transform of torch.func",
    "grad": "inside a transform of torch.func",
    "jvp": "inside a transform of torch.func",
    "in place in vmap": "inside a transform of torch.func",
    "sparse": "of layout sparse_coo",
    "sparse, in place": "of layout sparse_coo",
    "nested": "a nested tensor",
    "jagged": "a nested tensor",
    "meta": "on the meta device",
    "complex": "of dtype complex64",
    "conjugated": "of dtype complex64",
}


def plain(model: Any, tokenizer: Any) -> Any:
    with torch.no_grad():
        return model(**tokenizer(TEXTS, padding=True, return_tensors="pt"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_what_cannot_be_read_is_marked_and_the_forward_goes_on(tokenizer: Any, name: str) -> None:
    model = with_activation(Works(ODD[name]))
    logits = plain(model, tokenizer).logits.tolist()
    for options in ({}, {"stats": True}, {"values": True, "stats": True}, {"verify": True, "values": True}):
        traced = trace(model, tokenizer, TEXTS, **options)
        assert traced.failure is None and traced.output is not None and traced.output.logits == logits
        assert Trace.from_json(b"".join(traced.json())).steps == traced.steps
        told = {output.unread for step in traced.steps for output in step.outputs} - {""}
        assert all(output.unread for step in traced.steps for output in step.outputs) is False
        assert len(told) == (name in UNREAD and bool(options)) and all(UNREAD[name] in reason for reason in told)
        for output in (output for step in traced.steps for output in step.outputs):
            assert (output.stats is None) == (not options.get("stats") or bool(output.unread))
            assert (output.values is None) == (not options.get("values") or bool(output.unread))
    # What was not looked at is not proved; what is only not kept is.
    assert traced.proof is not None
    fault = traced.proof.fault
    assert traced.proof.passed == (
        name in ("complex", "conjugated", "float8", "quantized", "sparse", "sparse, in place")
    ), fault
    assert fault is None or fault.path == ACTIVATION


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile:UserWarning")
def test_flex_attention_is_one_step(tokenizer: Any) -> None:
    model = tiny_model(attention="flex_attention")
    with torch.compiler.set_stance("force_eager"):  # compiling takes a minute
        logits = plain(model, tokenizer).logits.tolist()
    traced = trace(model, tokenizer, TEXTS, values=True, stats=True)
    assert traced.failure is None and traced.output is not None and traced.output.logits == logits
    step = find(traced, type="flex_attention", layer=1)
    heads = values_of(step).transpose(1, 2).reshape(2, 9, 32)
    assert torch.equal(heads, values_of(find(traced, path="bert.encoder.layer.1.attention.self", kind="module")))
    # Functions are among its arguments: not with their addresses, which are others in every run.
    assert "score_mod" in step.arguments and "0x" not in step.arguments
    assert b"".join(traced.json()) == b"".join(trace(model, tokenizer, TEXTS, values=True, stats=True).json())


def all_dtypes() -> list[torch.dtype]:
    return sorted({value for value in vars(torch).values() if isinstance(value, torch.dtype)}, key=str)


@pytest.mark.parametrize("dtype", all_dtypes(), ids=str)
def test_numbers_of_every_dtype_are_read_or_it_is_said_why_not(dtype: torch.dtype) -> None:
    given = [0.0, 1.0, 1.0, 3.0, 2.0, 0.0]
    try:
        if "quint" in str(dtype) or "qint" in str(dtype):
            tensor = torch.quantize_per_tensor(torch.tensor(given), 1.0, 0, dtype)
        elif dtype.itemsize == 1 and not torch.empty(1, dtype=dtype).is_floating_point():
            tensor = torch.tensor([int(number) for number in given], dtype=torch.uint8).view(dtype)
        else:
            tensor = torch.tensor(given).to(dtype)
    except (RuntimeError, TypeError):
        tensor = torch.empty(6, dtype=dtype)
    reason = unreadable(tensor) or unordered(tensor)
    named = str(dtype).removeprefix("torch.")
    without = dtype.is_complex or named.startswith(("bits", "float4"))
    without |= (
        named.lstrip("u").startswith("int") and named[-1] in "1234567" and "16" not in named and "64" not in named
    )
    without &= named not in ("int32", "uint32")
    assert bool(reason) == without and (not reason or f"dtype {named}" in reason)
    if reason:
        return
    expected = (tensor.dequantize() if tensor.is_quantized else tensor).double()
    stats = statistics(tensor)
    assert (stats.min, stats.max, stats.zeros) == (expected.min(), expected.max(), int((expected == 0).sum()))
    assert stats.mean == pytest.approx(expected.mean().item()) and stats.std == pytest.approx(expected.std().item())
    values = numbers(tensor.reshape(2, 3))
    assert [float(number) for number in values.flat] == expected.tolist() and values.json().startswith(b"[[")


def test_a_type_of_anothers_that_cannot_be_read_is_marked(tokenizer: Any) -> None:
    class Opaque(torch.Tensor):
        @classmethod
        def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func in (torch.ops.aten.detach.default, torch.ops.aten.alias.default):
                return args[0]
            raise NotImplementedError(f"no {func}")

    make: Any = torch.Tensor._make_wrapper_subclass  # type: ignore[attr-defined]
    held = make(Opaque, (3,), dtype=torch.float32)

    def work(x: torch.Tensor) -> torch.Tensor:
        return x.tanh() if held.detach() is not None else x

    traced = trace(with_activation(Works(work)), tokenizer, TEXTS, stats=True, values=True)
    assert traced.failure is None
    step = find(traced, path=ACTIVATION, type="detach")
    assert "Opaque" in step.outputs[0].unread and step.outputs[0].values is None


def test_the_reason_is_shown_where_the_numbers_would_be(tokenizer: Any) -> None:
    traced = trace(with_activation(Works(ODD["complex"])), tokenizer, TEXTS, stats=True, layer=1)
    tree = Tree(traced, View(stats=True))
    assert "no numbers: it is of dtype complex64, and a trace holds real numbers only\n" in shown(tree, 200)
    assert "no numbers: it is of dtype complex64, and a trace holds real nu…\n" in shown(tree, 80)


def test_a_tensor_file_says_which_dtype_it_cannot_hold(tmp_path: Path) -> None:
    complex64 = torch.complex64 in safetensors_torch._SIZE  # not in the oldest release
    one = {"a": torch.ones(2, dtype=torch.complex64 if complex64 else torch.bfloat16)}
    save_tensors(tmp_path / "t.safetensors", one)
    with pytest.raises(UsageError, match=r"no tensors of torch\.complex128"):
        save_tensors(tmp_path / "u.safetensors", {"a": torch.ones(2), "b": torch.ones(2, dtype=torch.complex128)})
    assert [file.name for file in tmp_path.iterdir()] == ["t.safetensors"]


# What the tracer's own code raises


PLACES = [
    "bert_inspect.capture.tracing.tensor_registry.TensorRegistry.look",
    "bert_inspect.capture.tracing.tensor_registry.TensorRegistry.look_at",
    "bert_inspect.capture.tracing.tensor_registry.TensorRegistry.look_into",
    "bert_inspect.capture.tracing.activations.statistics",
    "bert_inspect.capture.tracing.recorder.Recorder.ran",
    "bert_inspect.capture.tracing.function_mode.writes",
    "bert_inspect.capture.tracing.function_mode.same_place",
]
LIVE = ("statistics", "Recorder.ran")  # what is called while the model runs only where something is kept


@pytest.mark.parametrize(
    ("place", "stats"),
    [(place, stats) for place in PLACES for stats in (False, True) if stats or not place.endswith(LIVE)],
)
def test_an_error_of_ours_is_never_told_as_the_models(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch, place: str, stats: bool
) -> None:
    ended: list[Any] = []

    def catches(x: torch.Tensor) -> torch.Tensor:
        try:
            return sequence(x).relu()
        except Exception:
            return x.new_zeros(x.shape)

    sequence = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.MultiheadAttention(64, 2))[:2]
    module = Works(catches)
    module.sequence = sequence
    model = with_activation(module)
    expected = plain(model, tokenizer).logits
    model.register_forward_hook(lambda module, args, output: ended.append(output.logits))
    before = [(path, sorted(vars(module))) for path, module in model.named_modules()]

    def fails(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(place, fails)
    with pytest.raises(ZeroDivisionError, match="ours"):
        trace(model, tokenizer, TEXTS, stats=stats)
    assert torch.equal(ended[0], expected)  # the model has run to its end as if nobody had looked
    assert [(path, sorted(vars(module))) for path, module in model.named_modules()] == before
    assert not torch.overrides._get_current_function_mode_stack()


def test_values_beyond_the_limit_are_refused_though_the_model_catches_everything(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def catches(x: torch.Tensor) -> torch.Tensor:
        try:
            return x.tanh() * x.relu()
        except Exception:
            return x

    monkeypatch.setattr("bert_inspect.api.VALUES_LIMIT", 100)
    with pytest.raises(UsageError, match="more than 100 numbers"):
        trace(with_activation(Works(catches)), tokenizer, TEXTS, values=True, module=ACTIVATION)


def test_a_repr_that_raises_is_no_failure(tokenizer: Any) -> None:
    class Unspeakable:
        def __repr__(self) -> str:
            raise ValueError("no")

    class Taking(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kept = {key: value for key, value in (kwargs or {}).items() if not isinstance(value, Unspeakable)}
            return super().__torch_function__(func, types, args, kept)

    def work(x: torch.Tensor) -> torch.Tensor:
        taken: Any = torch.nn.functional.relu(x.as_subclass(Taking), inplace=Unspeakable())  # type: ignore[arg-type]
        return taken.as_subclass(torch.Tensor)

    traced = trace(with_activation(Works(work)), tokenizer, TEXTS)
    assert traced.failure is None
