"""One forward serves several traces: what is kept is decided for each of them, step by step."""

from typing import Any

from helpers import TEXTS, tiny_model
from msgspec import structs

from bert_inspect.capture.encode import Sentences, encode
from bert_inspect.capture.forward import run_for_traces, run_forward
from bert_inspect.capture.keep import Ends, Keep, TraceSpec
from bert_inspect.loading.loaded import Loaded
from bert_inspect.traces.record import Trace
from bert_inspect.traces.selection import Selection


def plain(trace: Trace) -> list[Any]:
    """A trace to be compared, its values as numbers: those that were cut have no JSON."""
    steps = [
        [
            (structs.replace(out, values=None), out.values and (out.values.kept, list(out.values.flat)))
            for out in step.outputs
        ]
        for step in trace.steps
    ]
    return [structs.replace(trace, steps=[structs.replace(step, outputs=[]) for step in trace.steps]), steps]


def test_each_trace_is_what_a_run_of_its_own_gives(tokenizer: Any) -> None:
    model = tiny_model()
    calls = 0

    def count(*_: Any) -> None:
        nonlocal calls
        calls += 1

    model.bert.pooler.register_forward_hook(count)
    loaded = Loaded(model=model, name="tiny", source="python", weights="random", initialised=(), seed=0)
    batch = encode(tokenizer, Sentences(texts=TEXTS), limit=None, truncate=False)
    specs = [
        TraceSpec(),
        TraceSpec(keep=Keep(stats=True, values=Ends(entries=2, sentences=1))),
        TraceSpec(selection=Selection.parse(layer="1"), keep=Keep(values="full")),
        TraceSpec(selection=Selection.parse(module=["**.attention.self"], level="module"), keep=Keep(stats=True)),
        TraceSpec(selection=Selection.parse(layer="0"), keep=Keep(tensors=True)),
    ]
    together = run_for_traces(loaded, batch, specs)
    assert calls == 1
    for spec, found in zip(specs, together, strict=True):
        alone = run_forward(loaded, batch, selection=spec.selection, keep=spec.keep)
        assert plain(found.trace) == plain(alone.trace) and found.tensors.keys() == alone.tensors.keys()
    whole, cut = together[2].trace, together[1].trace
    assert any(out.values is not None and out.values.kept is None for step in whole.steps for out in step.outputs)
    assert all(out.values is None or out.values.kept for step in cut.steps for out in step.outputs)
    assert all(out.stats is None and out.values is None for step in together[0].trace.steps for out in step.outputs)
