"""The trace as JSON: it goes out, comes back the same, and damage is told."""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bert_inspect import Trace
from bert_inspect.errors import TraceFileError, UsageError
from bert_inspect.traces.trace_file import schema
from bert_inspect.traces.values import Values, strict


def test_a_trace_comes_back_the_same(traced: Trace, tmp_path: Path) -> None:
    traced.save(tmp_path / "t.json")
    again = Trace.load(tmp_path / "t.json")
    assert again == traced
    assert b"".join(again.json()) == (tmp_path / "t.json").read_bytes()


@pytest.mark.slow
def test_the_schema_is_valid_and_every_export_fits_it(traced: Trace) -> None:
    Draft202012Validator.check_schema(schema())
    Draft202012Validator(schema()).validate(json.loads(b"".join(traced.json())))


KEYS = {
    "environment": "bert_inspect python torch transformers",
    "model": "name class source weights initialised attention dtype device seed parameters config",
    "input": "texts pairs tokens offsets input_ids token_type_ids attention_mask labels truncated",
    "output": "logits probabilities predictions loss",
}
STEP_KEYS = "id parent kind path call type arguments layer label inputs outputs parameters flops known_as source"


def test_a_trace_has_the_keys_of_the_contract(traced: Trace) -> None:
    exported = json.loads(b"".join(traced.json()))
    contract = ["format", "version", "environment", "model", "input", "steps", "not_called", "output"]
    assert [key for key in exported if key in contract] == contract
    for part, keys in KEYS.items():
        assert set(exported[part]) >= set(keys.split())
    assert exported["model"]["class"] == "BertForSequenceClassification"
    assert "_name_or_path" not in exported["model"]["config"]
    assert all(set(step) >= set(STEP_KEYS.split()) for step in exported["steps"])
    linear = next(found for found in exported["steps"] if found["type"] == "Linear")
    assert set(linear["inputs"][0]) >= {"name", "from", "shape", "dtype", "axes"}
    assert set(linear["outputs"][0]) == {"name", "shape", "dtype", "axes", "stats", "values"}
    assert set(linear["outputs"][0]["stats"]) == {"min", "max", "mean", "std", "nan", "inf", "zeros"}
    assert set(linear["source"]) == {"file", "line", "code"}
    assert set(exported["output"]["predictions"][0]) == {"index", "label", "score"}


def test_unknown_keys_are_ignored(traced: Trace) -> None:
    exported = json.loads(b"".join(traced.json()))
    exported["later"] = exported["steps"][0]["later"] = {"a": 1}
    assert Trace.from_json(json.dumps(exported).encode()) == traced


def damaged(traced: Trace, change: Any) -> bytes:
    exported = json.loads(b"".join(traced.json()))
    change(exported)
    return json.dumps(exported).encode()


DAMAGE = {
    "another version": (lambda t: t.update(version=2), "has trace version 2"),
    "another format": (lambda t: t.update(format="x"), "is not a trace"),
    "no steps": (lambda t: t.pop("steps"), "damaged"),
    "a parent that comes later": (lambda t: t["steps"][1].update(parent=5), "parent of step 1"),
    "a second root": (lambda t: t["steps"][1].update(parent=None), "parent of step 1"),
    "an id twice": (lambda t: t["steps"][1].update(id=0), "bears the id 0"),
    "an origin that comes later": (lambda t: t["steps"][1]["inputs"][0].update({"from": 99}), "not before it"),
    "values of another shape": (lambda t: t["steps"][0]["outputs"][1].update(values=[1.0]), "do not have its shape"),
    "ragged values": (lambda t: t["steps"][0]["outputs"][1].update(values=[[1.0], [1.0, 2.0]]), "rectangular"),
    "words for values": (lambda t: t["steps"][0]["outputs"][1].update(values=[["a"]]), "not a number"),
    "rows of different length": (lambda t: t["input"]["input_ids"][0].append(1), "differ in length"),
    "a missing row": (lambda t: t["input"]["truncated"].pop(), "columns of different length"),
    "logits of another batch": (lambda t: t["output"]["logits"].pop(), "row for each sentence"),
    "axes that are too few": (lambda t: t["steps"][1]["outputs"][0].update(axes=["batch"]), "cannot be"),
    "a size below zero": (lambda t: t["steps"][1]["inputs"][0].update(shape=[-1, 9]), "cannot be"),
    "a prediction too many": (lambda t: t["output"]["predictions"].append(t["output"]["predictions"][0]), "row for"),
    "an axis nobody knows": (lambda t: t["steps"][1]["outputs"][0].update(axes=["x"]), "damaged"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_told(traced: Trace, kind: str) -> None:
    change, message = DAMAGE[kind]
    with pytest.raises(TraceFileError, match=message):
        Trace.from_json(damaged(traced, change))


@pytest.mark.parametrize("text", [b"", b"{", b"null", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"format": 3}', b"\x00"])
def test_what_is_no_trace_is_told(text: bytes) -> None:
    with pytest.raises(TraceFileError):
        Trace.from_json(text)


def test_a_truncated_file_is_damaged(traced: Trace) -> None:
    text = b"".join(traced.json())
    for end in (10, len(text) // 2, len(text) - 3):
        with pytest.raises(TraceFileError):
            Trace.from_json(text[:end])


def test_a_failed_save_leaves_nothing(traced: Trace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "t.json"
    file.write_text("before")

    def fail(self: Trace) -> Any:
        yield b"half"
        raise KeyboardInterrupt

    monkeypatch.setattr(Trace, "json", fail)
    with pytest.raises(KeyboardInterrupt):
        traced.save(file)
    assert file.read_text() == "before" and list(tmp_path.iterdir()) == [file]


def test_a_save_goes_through_a_link_and_keeps_the_mode(traced: Trace, tmp_path: Path) -> None:
    file, link = tmp_path / "t.json", tmp_path / "link.json"
    file.write_text("")
    file.chmod(0o640)
    link.symlink_to(file)
    traced.save(link)
    assert link.is_symlink() and file.stat().st_mode & 0o777 == 0o640
    assert Trace.load(file) == traced
    traced.save(os.devnull)


def test_where_nothing_can_be_written_it_is_told(traced: Trace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        traced.save(tmp_path / "no" / "folder" / "t.json")


numbers = st.floats(width=32, allow_nan=True, allow_infinity=True)


@given(st.integers(0, 3), st.integers(1, 4), st.data())
def test_values_go_to_json_and_back(rows: int, columns: int, data: st.DataObject) -> None:
    flat = data.draw(st.lists(numbers, min_size=rows * columns, max_size=rows * columns))
    values = Values(flat, (rows, columns))
    text = values.json()
    assert b"NaN" not in text.replace(b'"NaN"', b"") and b"null" not in text
    assert json.loads(text) == [[strict(flat[r * columns + c]) for c in range(columns)] for r in range(rows)]
    if rows:
        again = Values.from_nested(msgspec.json.decode(text))
        assert again == values
        assert [strict(again.at(rows - 1, c)) for c in range(columns)] == json.loads(text)[-1]


def test_cut_values_cannot_be_exported() -> None:
    cut = Values([1.0, 9.0], (10,), kept=[(0, 9)])
    assert cut.at(9) == 9.0
    with pytest.raises(ValueError, match="cut"):
        cut.json()
    with pytest.raises(KeyError):
        cut.at(5)
