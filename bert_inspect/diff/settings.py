"""What two runs were not given alike: model, configuration, environment, sentences."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import structs

from ..traces.record import Input, Trace
from .difference import Setting

_SAID_ELSEWHERE = frozenset(("dtype", "torch_dtype", "transformers_version", "_attn_implementation"))
"""Keys of the configuration that the trace holds in a place of their own."""


def differing(a: Trace, b: Trace) -> list[Setting]:
    """Return every setting that is not the same in the two traces, under its key in the trace."""
    return [setting for setting in _settings(a, b) if setting.a != setting.b]


def _settings(a: Trace, b: Trace) -> Iterator[Setting]:
    for name in ("name", "class_", "source", "weights", "attention", "dtype", "device", "parameters"):
        yield _setting(f"model.{name.rstrip('_')}", getattr(a.model, name), getattr(b.model, name))
    if all(trace.model.initialised for trace in (a, b)):
        yield _setting("model.seed", a.model.seed, b.model.seed)
    if any(trace.model.initialised for trace in (a, b)):
        yield _setting("model.initialised", len(a.model.initialised), len(b.model.initialised))
    yield _setting("model.edits", a.model.edits, b.model.edits)
    yield from _each("model.config", a.model.config, b.model.config)
    yield from _each("environment", structs.asdict(a.environment), structs.asdict(b.environment))
    yield from _inputs(a.input, b.input)
    yield _setting("selection", a.selection, b.selection)
    yield _setting("failure", a.failure and a.failure.cause, b.failure and b.failure.cause)


def _each(under: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Setting]:
    for key in sorted({*a, *b} - _SAID_ELSEWHERE):
        yield _setting(f"{under}.{key}", a.get(key), b.get(key))


def _inputs(a: Input, b: Input) -> Iterator[Setting]:
    yield _setting("input.texts", a.texts, b.texts)
    yield _setting("input.pairs", a.pairs, b.pairs)
    yield _setting("input.labels", a.labels, b.labels)
    if a.texts == b.texts and a.pairs == b.pairs:
        for name in ("truncated", "input_ids", "token_type_ids", "attention_mask"):
            yield _setting(f"input.{name}", getattr(a, name), getattr(b, name))


def _setting(what: str, a: Any, b: Any) -> Setting:
    return Setting(what=what, a=a, b=b)
