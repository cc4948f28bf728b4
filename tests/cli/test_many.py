"""Many sentences: every one traced exactly once, whole lines only, and a stopped run goes on to the same bytes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bert_inspect import Trace
from bert_inspect.capture import batches

Command = Callable[..., tuple[int, str, str]]
WORDS = ["cats", "love", "pizza", "pineapple", "I", "hates", "He", "!"]


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    file = tmp_path / "sentences.txt"
    texts = [" ".join(WORDS[: 1 + (7 * i) % len(WORDS)]) + f" {i}" for i in range(23)]
    file.write_bytes(b"\xef\xbb\xbf" + "\n\n".join(texts).encode() + b"\r\n")
    return file


def run(command: Command, checkpoint: Path, sentences: Path, *more: Any) -> tuple[int, str, str]:
    return command("run", "--input", sentences, "--model", checkpoint, "--batch-size", "4", *more)


def test_every_sentence_is_traced_once_in_batches_of_like_length(
    command: Command, checkpoint: Path, sentences: Path, tmp_path: Path
) -> None:
    code, out, _ = run(command, checkpoint, sentences, "-o", tmp_path / "t.jsonl", "--stats")
    assert (code, out) == (0, "")
    traces = [Trace.from_json(line) for line in (tmp_path / "t.jsonl").read_bytes().splitlines()]
    assert [len(trace.input.texts) for trace in traces] == [4, 4, 4, 4, 4, 3]
    lines = sentences.read_text("utf-8-sig").splitlines()
    assert sorted(number for trace in traces for number in trace.input.lines) == list(range(1, 46, 2))
    for trace in traces:
        assert trace.input.texts == [lines[number - 1] for number in trace.input.lines]
    lengths = [sum(row) for trace in traces for row in trace.input.attention_mask]
    assert lengths == sorted(lengths)


def test_show_says_that_many_traces_are_many(
    command: Command, checkpoint: Path, sentences: Path, tmp_path: Path
) -> None:
    file = tmp_path / "t.jsonl"
    assert run(command, checkpoint, sentences, "-o", file)[0] == 0
    code, out, err = command("show", file)
    assert (code, out) == (4, "") and "holds many traces, one a line" in err


def test_each_trace_is_what_run_makes_of_its_sentences(command: Command, checkpoint: Path, sentences: Path) -> None:
    code, out, _ = run(command, checkpoint, sentences, "--json")
    first = Trace.from_json(out.splitlines()[0].encode())
    code, alone, _ = command("run", *first.input.texts, "--model", checkpoint, "--json")
    again = Trace.from_json(alone.encode())
    assert code == 0 and first.steps == again.steps and first.output == again.output


@pytest.mark.parametrize("kept", [0, 1, 3, 6])
@pytest.mark.parametrize("torn", [b"", b'{"format":"bert-inspect-trace","vers'], ids=["whole", "torn"])
def test_a_stopped_run_goes_on_to_the_same_bytes(
    command: Command, checkpoint: Path, sentences: Path, tmp_path: Path, kept: int, torn: bytes
) -> None:
    whole, part = tmp_path / "whole.jsonl", tmp_path / "part.jsonl"
    assert run(command, checkpoint, sentences, "-o", whole)[0] == 0
    part.write_bytes(b"".join(whole.read_bytes().splitlines(keepends=True)[:kept]) + torn)
    assert run(command, checkpoint, sentences, "-o", part, "--resume")[0] == 0
    assert part.read_bytes() == whole.read_bytes()


def test_an_interrupt_leaves_whole_lines(
    command: Command, checkpoint: Path, sentences: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = batches.trace_batch, []

    def interrupt(*args: Any, **kwargs: Any) -> Trace:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    file = tmp_path / "t.jsonl"
    monkeypatch.setattr(batches, "trace_batch", interrupt)
    code, _, err = run(command, checkpoint, sentences, "-o", file)
    assert code == 130 and "interrupted" in err
    lines = file.read_bytes().splitlines(keepends=True)
    assert len(lines) == 2 and all(json.loads(line) for line in lines) and lines[-1].endswith(b"\n")
    monkeypatch.undo()


def test_an_earlier_output_is_not_overwritten(
    command: Command, checkpoint: Path, sentences: Path, tmp_path: Path
) -> None:
    file = tmp_path / "t.jsonl"
    file.write_text("mine\n")
    code, _, err = run(command, checkpoint, sentences, "-o", file)
    assert code == 2 and "is there already" in err and file.read_text() == "mine\n"
    code, _, err = run(command, checkpoint, sentences, "-o", file, "--resume")
    assert code == 4 and "line 1 of" in err and file.read_text() == "mine\n"


def test_a_file_that_no_run_wrote_is_neither_gone_on_with_nor_cut(
    command: Command, checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / "s.txt").write_text("x\n")
    for content in (b"one line without an end", b"\x00" * 5000, b'{"format": 1}', b"\n", b"[1]\n"):
        (tmp_path / "mine").write_bytes(content)
        arguments = ["--input", tmp_path / "s.txt", "--resume", "-o", tmp_path / "mine", "--model", checkpoint]
        code, out, err = command("run", *arguments)
        assert (code, out) == (4, "") and "line 1 of" in err and (tmp_path / "mine").read_bytes() == content


def test_a_line_too_long_is_named(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    file = tmp_path / "s.txt"
    file.write_text("short\n" * 3 + "cats " * 100 + "\n")
    code, _, err = command("run", "--input", file, "--model", checkpoint, "--json")
    assert code == 2 and "line 4 has 102 tokens, the limit is 64" in err
    code, out, err = command("run", "--input", file, "--model", checkpoint, "--json", "--truncate")
    assert (
        code == 0
        and "sentences cut to keep to 64 tokens: 1" in err
        and Trace.from_json(out.encode()).input.truncated == [0, 0, 0, 38]
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--input", "{file}"], 2, "writes JSON Lines"),
        (["x", "--input", "{file}", "--json"], 2, "reads its sentences from the file"),
        (["--input", "/no/such", "--json"], 2, "cannot read /no/such"),
        (["--input", "{empty}", "--json"], 2, "there is no sentence in"),
        (["--input", "{latin}", "--json"], 2, "line 2 of"),
        (["--input", "{file}", "--json", "--resume"], 2, "--resume needs the file"),
        (["x", "--resume"], 2, "--resume goes with --input"),
        (["--input", "{file}", "--json", "--layer", "9"], 2, "there is no layer 9"),
    ],
)
def test_wrong_use_is_told(
    command: Command, checkpoint: Path, sentences: Path, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    (tmp_path / "empty").write_text("\n \n")
    (tmp_path / "latin").write_bytes(b"fine\ncaf\xe9\n")
    places = {"file": sentences, "empty": tmp_path / "empty", "latin": tmp_path / "latin"}
    found, out, err = command("run", *[part.format(**places) for part in arguments], "--model", checkpoint)
    assert (found, out) == (code, "") and message in err and "Traceback" not in err
