"""Threads beside a trace, traces inside of traces, and interrupts: what is recorded is one thread's, what is put on a
model is taken off again.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import torch
from helpers import ACTIVATION, TEXTS, find, tiny_model, with_activation
from torch import nn

from bert_inspect import Trace
from bert_inspect.api import trace


@pytest.fixture(autouse=True)
def eager_switching() -> Iterator[None]:
    """Threads take turns after every few instructions: what would happen now and then happens at once."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


class Calling(nn.Module):
    """Calls something in its forward, the first time it runs, and works like tanh."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__()
        self.call = call
        self.called = False

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        if not self.called:
            self.called = True
            self.call()
        return hidden_states.tanh()


def in_a_thread(work: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def steps_of(traced: Trace) -> list[Any]:
    return [
        (step.path, step.type, step.parent, step.call, [(tensor.name, tensor.from_) for tensor in step.inputs])
        for step in traced.steps
    ]


def attributes(model: nn.Module) -> list[Any]:
    return [(path, sorted(vars(module)), module.training) for path, module in model.named_modules()]


def plain(model: Any, tokenizer: Any, texts: list[str]) -> Any:
    with torch.no_grad():
        return model(**tokenizer(texts, padding=True, return_tensors="pt")).logits.tolist()


@pytest.mark.parametrize("options", [{}, {"stats": True, "values": True}, {"verify": True}], ids=str)
def test_a_call_in_another_thread_is_neither_recorded_nor_disturbed(tokenizer: Any, options: dict[str, Any]) -> None:
    found: list[Any] = []
    other = ["something else entirely here"]

    def beside() -> None:
        found.append(in_a_thread(lambda: plain(model, tokenizer, other)))

    model = with_activation(Calling(lambda: None))
    model.bert.encoder.layer[0].output.dense.register_forward_hook(lambda *_: None)
    right, expected = trace(model, tokenizer, TEXTS, **options), plain(model, tokenizer, other)
    activation = model.get_submodule(ACTIVATION)
    activation.call, activation.called = beside, False
    traced = trace(model, tokenizer, TEXTS, **options)
    assert found and all(each == expected for each in found)  # each run of a proof calls it once
    assert steps_of(traced) == steps_of(right) and traced.not_called == right.not_called
    assert traced.output == right.output and (traced.proof is None or traced.proof.passed)


def test_modules_that_a_forward_runs_in_threads_of_its_own_run_as_ever(tokenizer: Any) -> None:
    class Spread(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = nn.ModuleList([nn.Sequential(nn.Linear(64, 64), nn.Tanh()) for _ in range(3)])

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with ThreadPoolExecutor(3) as pool:
                return torch.stack(list(pool.map(lambda part: part(x), self.parts))).sum(0)

    model = with_activation(Spread())
    traced = trace(model, tokenizer, TEXTS, stats=True)
    assert traced.output is not None and traced.output.logits == plain(model, tokenizer, TEXTS)
    assert [step.type for step in traced.steps if step.path == ACTIVATION] == ["Spread", "stack", "sum"]
    # What was not recorded is not proved.
    proof = trace(model, tokenizer, TEXTS, verify=True).proof
    assert proof is not None and proof.fault is not None and proof.fault.path == ACTIVATION


def test_threads_that_trace_one_model_take_turns(tokenizer: Any) -> None:
    model = tiny_model()
    before, right = attributes(model), trace(model, tokenizer, TEXTS, attention="sdpa", values=True)
    running: list[int] = []
    overlapping: list[object] = []

    def alone(module: nn.Module, *_: Any) -> None:
        if running:
            overlapping.append(running[:])
        running.append(threading.get_ident())

    model.register_forward_pre_hook(alone)
    model.register_forward_hook(lambda *_: running.clear())
    with ThreadPoolExecutor(3) as pool:
        # Some change the model's attention for their trace: that too is the model's own again.
        made = [
            pool.submit(trace, model, tokenizer, TEXTS, attention=("sdpa", "eager")[number % 2], values=True)
            for number in range(8)
        ]
        traces = [each.result() for each in made]
    assert not overlapping and model.config._attn_implementation == "eager"
    assert attributes(model) == before
    fused = [b"".join(traced.json()) for traced in traces if traced.model.attention == "sdpa"]
    assert fused == [b"".join(right.json())] * 4
    assert len({b"".join(traced.json()) for traced in traces}) == 2


def test_a_model_that_is_traced_in_its_own_forward_is_refused_in_one_line(tokenizer: Any) -> None:
    model = with_activation(Calling(lambda: trace(model, tokenizer, TEXTS)))
    before = attributes(model)
    failure = trace(model, tokenizer, TEXTS).failure
    assert failure is not None and failure.exception == "UsageError" and failure.path == ACTIVATION
    assert "being traced already" in failure.message and "\n" not in failure.message
    assert attributes(model) == before
    assert trace(model, tokenizer, TEXTS).failure is None


def test_a_model_that_shares_modules_with_one_that_is_being_traced_is_refused(tokenizer: Any) -> None:
    other = tiny_model()
    model = with_activation(Calling(lambda: trace(other, tokenizer, TEXTS)))
    other.bert.encoder.layer[1].attention = model.bert.encoder.layer[0].attention
    before = [attributes(model), attributes(other)]
    failure = trace(model, tokenizer, TEXTS).failure
    assert failure is not None and "being traced already" in failure.message
    assert [attributes(model), attributes(other)] == before


@pytest.mark.parametrize("options", [{}, {"values": True, "stats": True}], ids=str)
def test_another_model_is_traced_in_a_forward_that_is_being_traced(tokenizer: Any, options: dict[str, Any]) -> None:
    other, made = tiny_model(), []
    right = trace(other, tokenizer, TEXTS[0], **options)
    model = with_activation(Calling(lambda: made.append(trace(other, tokenizer, TEXTS[0], **options))))
    outer = trace(model, tokenizer, TEXTS)
    assert outer.failure is None and [b"".join(each.json()) for each in made] == [b"".join(right.json())]
    # The other model's modules are none of this one's: the ops in them ran in the forward that called them.
    assert {step.kind for step in outer.steps if step.parent == find(outer, path=ACTIVATION).id} == {"op"}
    assert not torch.overrides._get_current_function_mode_stack()


def test_two_threads_that_would_wait_for_each_other_are_told(tokenizer: Any) -> None:
    both = threading.Barrier(2)
    models: list[Any] = []

    def tracing_the_other(number: int) -> Callable[[], None]:
        def call() -> None:
            both.wait()
            trace(models[1 - number], tokenizer, TEXTS)

        return call

    models += [with_activation(Calling(tracing_the_other(number))) for number in range(2)]
    before = [attributes(model) for model in models]
    with ThreadPoolExecutor(2) as pool:
        failures = [each.failure for each in pool.map(lambda model: trace(model, tokenizer, TEXTS), models)]
    told = [failure for failure in failures if failure is not None]
    assert len(told) == 1 and told[0].exception == "UsageError" and "wait for each other" in told[0].message
    assert [attributes(model) for model in models] == before


@pytest.mark.slow
@pytest.mark.parametrize("event", ["call", "c_return"])
def test_an_interrupt_at_any_moment_leaves_nothing_on_the_model(tokenizer: Any, event: str) -> None:
    """Python delivers an interrupt where a function begins and after one of C has returned."""
    model = with_activation(nn.Tanh())
    model.bert.pooler.register_forward_hook(lambda *_: None)
    before = attributes(model)
    ours = ("hooks.py", "tracer.py", "function_mode.py", "undisturbed.py", "module_calls.py")
    seen: dict[Any, int] = {}
    moment, count = 0, 0

    def profile(frame: Any, what: str, _: Any) -> None:
        nonlocal count
        code = frame.f_code
        if what != event or not code.co_filename.endswith(ours) or "bert_inspect" not in code.co_filename:
            return
        seen[code, frame.f_lasti] = seen.get((code, frame.f_lasti), 0) + 1
        if seen[code, frame.f_lasti] <= 2:  # each place in the code, the first and the second time
            count += 1
            if count == moment:
                sys.setprofile(None)
                raise KeyboardInterrupt

    def run() -> None:
        nonlocal count
        seen.clear()
        count = 0
        sys.setprofile(profile)
        try:
            trace(model, tokenizer, "x", level="module")
        finally:
            sys.setprofile(None)

    run()  # what is looked up once is looked up now
    interrupted = True
    while interrupted:
        moment += 1
        with suppress(KeyboardInterrupt):
            run()
            interrupted = False
        assert attributes(model) == before, moment
        assert not torch.overrides._get_current_function_mode_stack(), moment
    assert moment > 30
    assert in_a_thread(lambda: trace(model, tokenizer, "x")).failure is None  # nobody has it still for himself
