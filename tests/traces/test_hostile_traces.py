"""A trace file that is damaged, or changed by hand, is shown or refused in one line; it never makes us stumble."""

import gzip
import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile import as_json, changed, places, shown, stand, torn
from hypothesis import HealthCheck, given, settings

from bert_inspect import Trace
from bert_inspect.errors import TraceFileError
from bert_inspect.traces.validate import MOST_NESTED

SAVED = (Path(__file__).parents[1] / "render" / "golden" / "trace.json").read_bytes()
ORIGINAL = json.loads(SAVED)
PLACES = places(ORIGINAL)
Command = Callable[..., tuple[int, str, str]]
few = settings(suppress_health_check=list(HealthCheck))


@pytest.mark.slow
@settings(few, max_examples=25)
@given(changed(ORIGINAL, PLACES))
def test_a_changed_trace_is_shown_or_refused(trace: Any) -> None:
    stand(as_json(trace))


@pytest.mark.slow
@settings(few, max_examples=25)
@given(torn(SAVED))
def test_a_torn_file_is_shown_or_refused(text: bytes) -> None:
    stand(text)


def test_a_file_cut_short_anywhere_is_refused() -> None:
    for end in [*range(0, 3000, 7), *range(3000, len(SAVED), 997), *range(len(SAVED) - 300, len(SAVED) - 1)]:
        with pytest.raises(TraceFileError):
            Trace.from_json(SAVED[:end])


def edited(change: Callable[[dict[str, Any]], object]) -> bytes:
    trace = json.loads(SAVED)
    change(trace)
    return json.dumps(trace).encode()


def nest(trace: dict[str, Any], depth: int) -> None:
    """Let each step be called by the one before it."""
    steps, inner = trace["steps"], trace["steps"][1]
    steps[1:] = [{**inner, "inputs": [], "id": number, "parent": number - 1} for number in range(1, depth)]


def lengthen(trace: dict[str, Any]) -> None:
    """Let a sentence have a hundred thousand tokens, all of one word."""
    for name in ("tokens", "offsets", "words", "special", "input_ids", "token_type_ids", "attention_mask"):
        trace["input"][name][0] = [trace["input"][name][0][1]] * 100_000


SHOWN = {
    "unknown keys": lambda t: t.update(later={"a": [1]}, steps=[{**step, "new": 1} for step in t["steps"]]),
    "nested as deep as may be": lambda t: nest(t, MOST_NESTED),
    "a hundred thousand tokens": lengthen,
    "a hundred thousand modules": lambda t: t.update(not_called=["bert." + "x." * (i % 9) for i in range(100_000)]),
    "huge numbers": lambda t: (
        t["model"].update(parameters=10**400, seed=-(10**30)),
        t["steps"][1].update(layer=10**30),
    ),
    "an endless layer": lambda t: t["steps"][1].update(path="bert.layer." + "9" * 5000, label="\u202e" * 1000),
    "a path of many parts": lambda t: t["steps"][1].update(path="a." * 50_000),
    "a config of nothing": lambda t: t["model"].update(config={}),
    "a config that is deep": lambda t: t["model"].update(
        config={"num_hidden_layers": json.loads("[" * 400 + "]" * 400)}
    ),
    "no steps": lambda t: t.update(steps=[]),
    "no sentences": lambda t: (
        t.update(output=None),
        t["input"].update({k: [] for k in t["input"]}, pairs=None, labels=None),
    ),
}
REFUSED = {
    "nested deeper": (lambda t: nest(t, MOST_NESTED + 1), "lies in 100 calls or more"),
    "a count below zero": (lambda t: t["steps"][1].update(flops=-1), "step 1 has a count that cannot be"),
    "a count beyond all": (lambda t: t["steps"][0].update(total_flops=10**400), "step 0 has a count that cannot be"),
    "a size beyond all": (lambda t: t["steps"][1]["inputs"][0].update(shape=[2**70, 1, 1]), "shape that cannot be"),
    "too few decoded": (lambda t: t["input"].update(decoded=["x"]), "columns of different length"),
    "too many lines": (lambda t: t["input"].update(lines=[1, 2, 3, 4]), "columns of different length"),
    "a float for an id": (lambda t: t["steps"][1].update(id=1.0), "Expected `int`, got `float`"),
    "a string for a shape": (lambda t: t["steps"][1]["inputs"][0].update(shape=["NaN"]), "Expected `int`, got `str`"),
    "a word for a number": (lambda t: t["output"].update(loss="nan"), "Invalid"),
    "a parent of itself": (lambda t: t["steps"][2].update(parent=2), "parent of step 2 does not come before it"),
    "a negative origin": (lambda t: t["steps"][2]["inputs"][0].update({"from": -1}), "not before it"),
    "steps in another order": (lambda t: t["steps"].reverse(), "bears the id"),
    "deep values": (lambda t: t["steps"][0]["outputs"][0].update(values=json.loads("[" * 500 + "]" * 500)), "shape"),
    "steps of another kind": (lambda t: t["steps"][1].update(kind="x" * 10_000), "Invalid enum value"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", SHOWN)
def test_what_is_only_odd_is_shown(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bert_inspect.render.tokens.ROWS", 100)
    shown(Trace.from_json(edited(SHOWN[kind])))


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_is_refused(kind: str) -> None:
    change, message = REFUSED[kind]
    with pytest.raises(TraceFileError, match=message):
        Trace.from_json(edited(change))


TEXTS = {
    "a bracket too many": b"[" * 100_000,
    "braces": b'{"a":' * 100_000,
    "deep in a config": SAVED.replace(b'"config":{', b'"config":{"x":' + b"[" * 100_000 + b"]" * 100_000 + b",", 1),
    "deep in an unknown key": SAVED.replace(b'"version":1', b'"version":1,"x":' + b"[" * 100_000 + b"]" * 100_000, 1),
    "a bare NaN": SAVED.replace(b'"loss":', b'"loss":NaN,"x":', 1),
    "a number beyond all": SAVED.replace(b'"loss":', b'"loss":1e999,"x":', 1),
    "a lone surrogate": SAVED.replace(b'"label":"', b'"label":"\\ud800', 1),
    "not UTF-8": SAVED.replace(b'"label":"', b'"label":"\xff', 1),
    "two traces": SAVED + SAVED,
    "UTF-16": SAVED.decode().encode("utf-16"),
    "a BOM": b"\xef\xbb\xbf" + SAVED,
    "empty": b"",
    "blank": b" \n" * 1000,
    "gzip": gzip.compress(SAVED),
    "binary": bytes(range(256)) * 100,
}


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("arguments", [["show"], ["show", "--json"], ["tokens", "--trace"]], ids=" ".join)
def test_a_file_that_is_no_trace_is_one_clear_error(
    command: Command, tmp_path: Path, kind: str, arguments: list[str]
) -> None:
    (tmp_path / "t.json").write_bytes(TEXTS[kind])
    code, out, err = command(*arguments, tmp_path / "t.json")
    assert (code, out) == (4, "") and err.startswith(f"error: {tmp_path / 't.json'} ") and len(err.splitlines()) == 2


def test_of_keys_that_stand_twice_the_last_counts() -> None:
    doubled = SAVED.replace(b'"version":1', b'"version":7,"version":1', 1)
    assert Trace.from_json(doubled) == Trace.from_json(SAVED)


@pytest.mark.parametrize("kind", ["folder", "fifo", "/dev/zero", "/dev/null", "loop", "two gigabytes", "1.4 gigabytes"])
def test_what_is_no_plain_file_is_neither_read_nor_waited_for(command: Command, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "t.json"
    if kind == "folder":
        file.mkdir()
    elif kind == "fifo":
        os.mkfifo(file)
    elif kind == "loop":
        file.symlink_to(file)
    elif kind.endswith("gigabytes"):
        file.touch()
        os.truncate(file, 2_000_000_000 if kind.startswith("two") else 1_400_000_000)
    else:
        file = Path(kind)
    tracemalloc.start()
    try:
        code, out, err = command("show", file)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (code, out) == (4, "") and str(file) in err and most < 20_000_000
    assert ("is 2,000,000,000 bytes long, a trace is at most 1,500,000,000" in err) == (kind == "two gigabytes")


def test_what_would_take_all_memory_is_refused(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "t.json"
    monkeypatch.setattr("bert_inspect.traces.limits.MOST_ITEMS", 50_000)
    for items in (b"1," * 60_000 + b"1", b"[[]]," * 30_000 + b"1", b'{"a":{}},' * 30_000 + b"1"):
        file.write_bytes(SAVED.replace(b'"config":{', b'"config":{"x":[' + items + b"],", 1))
        code, out, err = command("show", file)
        assert (code, out) == (4, "") and "holds more than 50,000 items, which no trace does" in err
