"""Traces as JSON Lines: which sentences are done, whole lines only, and never a change to somebody else's file."""

from pathlib import Path
from typing import Any

import pytest
from helpers import TEXTS, fresh
from msgspec import structs

from bert_inspect import BertInspectError, Trace, trace
from bert_inspect.errors import TraceFileError, UsageError
from bert_inspect.traces.line_store import LineStore


def numbered(traced: Trace, *lines: int) -> Trace:
    """The trace as it would be of those lines of a file."""
    return structs.replace(traced, input=structs.replace(traced.input, lines=list(lines)))


@pytest.fixture(scope="module")
def small(model: Any, tokenizer: Any) -> Trace:
    return trace(model, tokenizer, TEXTS, level="module")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "t.jsonl"


def written(file: Path, *traces: Trace, resume: bool = False) -> bytes:
    with LineStore(path=file, resume=resume).appending() as append:
        for one in traces:
            append(one)
    return file.read_bytes()


def test_what_was_written_is_done_and_is_gone_on_with(small: Trace, file: Path) -> None:
    first, second = numbered(small, 1, 4), numbered(small, 2, 3)
    assert LineStore(path=file).done() == set()
    before = written(file, first)
    assert LineStore(path=file, resume=True).done() == {1, 4}
    after = written(file, second, resume=True)
    assert after.startswith(before) and LineStore(path=file, resume=True).done() == {1, 2, 3, 4}
    assert [Trace.from_json(line).input.lines for line in after.splitlines()] == [[1, 4], [2, 3]]


@pytest.mark.parametrize("kept", [1, 20, 5000, -1])
def test_a_torn_last_line_is_cut_off(small: Trace, file: Path, kept: int) -> None:
    whole = written(file, numbered(small, 1, 2))
    file.write_bytes(whole + whole[:kept])
    assert LineStore(path=file, resume=True).done() == {1, 2} and file.read_bytes() == whole


def test_a_block_that_fails_leaves_whole_lines(small: Trace, file: Path) -> None:
    with pytest.raises(KeyboardInterrupt), LineStore(path=file).appending() as append:
        append(numbered(small, 1, 2))
        with file.open("ab") as other:
            other.write(b'{"format"')
        raise KeyboardInterrupt
    assert file.read_bytes().endswith(b"\n") and LineStore(path=file, resume=True).done() == {1, 2}


def test_an_earlier_file_is_not_overwritten(small: Trace, file: Path) -> None:
    before = written(file, numbered(small, 1, 2))
    with pytest.raises(UsageError, match="is there already") as raised:
        LineStore(path=file).done()
    assert "`resume=True`" in (raised.value.hint or "") and file.read_bytes() == before


@pytest.mark.parametrize("content", [b"mine\n", b"one line without an end", b'{"format": 1}', b"\n", b"\x00" * 5000])
def test_a_file_of_something_else_is_left_as_it_is(small: Trace, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(TraceFileError, match="line 1 of"):
        LineStore(path=file, resume=True).done()
    assert file.read_bytes() == content
    file.write_bytes(b"")
    file.write_bytes(written(file, numbered(small, 1, 2)) + content)
    with pytest.raises(TraceFileError, match="line 2 of"):
        LineStore(path=file, resume=True).done()


def test_a_trace_of_sentences_without_numbers_is_something_else(small: Trace, file: Path) -> None:
    before = written(file, small)
    with pytest.raises(TraceFileError, match="not a trace of numbered sentences"):
        LineStore(path=file, resume=True).done()
    assert file.read_bytes() == before


def test_what_cannot_be_written_is_an_error_and_a_device_takes_it(small: Trace, tmp_path: Path) -> None:
    with pytest.raises(BertInspectError, match="cannot write"), LineStore(path=tmp_path / "no" / "t").appending():
        pass
    with LineStore(path="/dev/null").appending() as append:
        append(numbered(small, 1, 2))
    assert LineStore(path="/dev/null", resume=True).done() == set()


def test_the_store_needs_neither_torch_nor_a_terminal() -> None:
    code = "import sys, bert_inspect.traces.line_store; print(sorted(sys.modules))"
    assert not {"'torch'", "'rich'", "'typer'", "'bert_inspect.terminal'"} & set(fresh(code)[1:-2].split(", "))
