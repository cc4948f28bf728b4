"""Traces as JSON Lines: which sentences are done, whole lines only, one run at a time, and never a change to somebody
else's file.
"""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers import TEXTS, fresh
from msgspec import structs

from bert_inspect import BertInspectError, Trace, trace
from bert_inspect.errors import TraceFileError, UsageError
from bert_inspect.traces.line_store import open_lines


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
    with open_lines(file, resume=resume) as lines:
        for one in traces:
            lines.add(one)
    return file.read_bytes()


def done(file: Path) -> set[int]:
    with open_lines(file, resume=True) as lines:
        return set(lines.finished.sentences)


def test_what_was_written_is_done_and_is_gone_on_with(small: Trace, file: Path) -> None:
    first, second = numbered(small, 1, 4), numbered(small, 2, 3)
    before = written(file, first)
    assert done(file) == {1, 4}
    after = written(file, second, resume=True)
    assert after.startswith(before) and done(file) == {1, 2, 3, 4}
    assert [Trace.from_json(line).input.lines for line in after.splitlines()] == [[1, 4], [2, 3]]


@pytest.mark.parametrize("kept", [1, 20, 5000, -1])
def test_a_torn_last_line_is_cut_off(small: Trace, file: Path, kept: int) -> None:
    whole = written(file, numbered(small, 1, 2))
    file.write_bytes(whole + whole[:kept])
    assert done(file) == {1, 2} and file.read_bytes() == whole


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_a_line_that_is_not_taken_whole_is_taken_back(
    small: Trace, file: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def half(raw: Any, data: bytes) -> None:
        raw.write(data[:100])
        raise error

    expected = UsageError if isinstance(error, OSError) else KeyboardInterrupt
    with open_lines(file) as lines:
        lines.add(numbered(small, 1, 2))
        whole = file.read_bytes()
        monkeypatch.setattr("bert_inspect.files.write_all", half)
        with pytest.raises(expected, match="No space left" if expected is UsageError else None):
            lines.add(numbered(small, 3, 4))
    assert file.read_bytes() == whole


def test_a_run_that_writes_nothing_leaves_no_file(small: Trace, file: Path) -> None:
    with pytest.raises(ZeroDivisionError), open_lines(file):
        raise ZeroDivisionError
    assert not file.exists()
    file.touch()
    with open_lines(file):
        pass
    assert file.exists()  # it is not ours


def test_an_earlier_file_is_not_overwritten(small: Trace, file: Path) -> None:
    before = written(file, numbered(small, 1, 2))
    with pytest.raises(UsageError, match="is there already") as raised, open_lines(file):
        pass
    assert "`resume=True`" in (raised.value.hint or "") and file.read_bytes() == before


@pytest.mark.parametrize("content", [b"mine\n", b"one line without an end", b'{"format": 1}', b"\n", b"\x00" * 5000])
def test_a_file_of_something_else_is_left_as_it_is(small: Trace, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(TraceFileError, match="line 1 of"):
        done(file)
    assert file.read_bytes() == content
    file.write_bytes(b"")
    file.write_bytes(written(file, numbered(small, 1, 2)) + content)
    with pytest.raises(TraceFileError, match="line 2 of"):
        done(file)


def test_a_trace_of_sentences_without_numbers_is_something_else(small: Trace, file: Path) -> None:
    before = written(file, small)
    with pytest.raises(TraceFileError, match="not a trace of numbered sentences"):
        done(file)
    assert file.read_bytes() == before


def test_lines_of_two_runs_or_twice_the_same_are_gone_on_with_by_none(small: Trace, file: Path) -> None:
    other = structs.replace(numbered(small, 3, 4), model=structs.replace(small.model, name="another"))
    before = written(file, numbered(small, 1, 2), other)
    with pytest.raises(TraceFileError, match=r"lines 1 and 2 of .* are of two runs"):
        done(file)
    assert file.read_bytes() == before
    file.unlink()
    before = written(file, numbered(small, 1, 2), numbered(small, 2, 3))
    with pytest.raises(TraceFileError, match="holds sentence 2 a second time"):
        done(file)
    assert file.read_bytes() == before


def test_one_run_at_a_time(small: Trace, file: Path) -> None:
    with open_lines(file) as lines:
        assert lines.locked
        for resume in (False, True):
            with pytest.raises(UsageError, match="another run is writing to"), open_lines(file, resume=resume):
                pass
        lines.add(numbered(small, 1, 2))
        with pytest.raises(UsageError, match="another run is writing to"), open_lines(file, resume=True):
            pass
    assert done(file) == {1, 2}


def test_a_lock_ends_with_the_process_that_is_killed(small: Trace, file: Path) -> None:
    written(file, numbered(small, 1, 2))
    code = "import sys; from bert_inspect.traces.line_store import open_lines\n"
    code += f"with open_lines({str(file)!r}, resume=True): print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"held\n"
        with pytest.raises(UsageError, match="another run is writing to"):
            done(file)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert done(file) == {1, 2}


def test_without_locks_what_another_run_wrote_is_left_to_it(
    small: Trace, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", none)
    with open_lines(file) as lines:
        assert not lines.locked
        lines.add(numbered(small, 1, 2))
        with open_lines(file, resume=True) as other:
            other.add(numbered(small, 3, 4))
        with pytest.raises(UsageError, match="another run is writing to"):
            lines.add(numbered(small, 5, 6))
    assert done(file) == {1, 2, 3, 4}


def test_a_file_that_was_removed_meanwhile_is_not_written_to(
    small: Trace, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    lock = fcntl.flock

    def late(descriptor: int, how: int) -> None:
        file.unlink()
        lock(descriptor, how)

    monkeypatch.setattr("fcntl.flock", late)
    with pytest.raises(UsageError, match="another run is writing to"), open_lines(file):
        pass


def test_what_cannot_be_written_is_an_error_and_a_device_takes_it(small: Trace, tmp_path: Path) -> None:
    for path in (tmp_path / "no" / "t", tmp_path, "a\0b"):
        with pytest.raises(BertInspectError, match="cannot write"), open_lines(path):
            pass
    with open_lines("/dev/null") as lines:
        assert lines.locked
        lines.add(numbered(small, 1, 2))
    for path in (Path("/dev/null"), tmp_path / "fifo"):
        if path.name == "fifo":
            os.mkfifo(path)
        with pytest.raises(UsageError, match="is not a plain file"), open_lines(path, resume=True):
            pass


def test_a_pipe_takes_whole_lines(small: Trace, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with subprocess.Popen(["cat", str(tmp_path / "fifo")], stdout=subprocess.PIPE) as reader:
        with open_lines(tmp_path / "fifo") as lines:
            lines.add(numbered(small, 1, 2))
        assert reader.stdout is not None and Trace.from_json(reader.stdout.read()).input.lines == [1, 2]


def test_the_store_needs_neither_torch_nor_a_terminal() -> None:
    code = "import sys, bert_inspect.traces.line_store; print(sorted(sys.modules))"
    assert not {"'torch'", "'rich'", "'typer'", "'bert_inspect.terminal'"} & set(fresh(code)[1:-2].split(", "))
