"""Many sentences: every one traced exactly once, whole lines only, and a stopped run goes on to the same bytes."""

import json
from collections.abc import Callable
from itertools import chain
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
    assert sorted(len(trace.input.texts) for trace in traces) == [3, 4, 4, 4, 4, 4]
    lines = sentences.read_text("utf-8-sig").splitlines()
    assert sorted(number for trace in traces for number in trace.input.lines) == list(range(1, 46, 2))
    for trace in traces:
        assert trace.input.texts == [lines[number - 1] for number in trace.input.lines]
    # Of like length: sorted by length, the batches follow each other without overlap.
    lengths = sorted(sorted(map(sum, trace.input.attention_mask)) for trace in traces)
    assert [*chain(*lengths)] == sorted(chain(*lengths))
    # In the order of the file, as far as batches of like length can be.
    assert all(trace.input.lines == sorted(trace.input.lines) for trace in traces)
    assert [trace.input.lines[0] for trace in traces] == sorted(trace.input.lines[0] for trace in traces)


def test_it_is_told_when_the_work_is_done_and_when_none_was_left(
    command: Command, checkpoint: Path, sentences: Path, tmp_path: Path
) -> None:
    file = tmp_path / "t.jsonl"
    code, _, err = run(command, checkpoint, sentences, "-o", file)
    assert code == 0 and f"23 sentences traced in 6 batches, written to {file}\n" in err
    held = file.read_bytes()
    code, _, err = run(command, checkpoint, sentences, "-o", file, "--resume")
    assert code == 0 and f"nothing is left to do: 23 sentences of {sentences} traced already, in {file}\n" in err
    assert file.read_bytes() == held
    file.write_bytes(b"".join(held.splitlines(keepends=True)[:5]))
    left = len(Trace.from_json(held.splitlines()[5]).input.lines)
    code, _, err = run(command, checkpoint, sentences, "-o", file, "--resume")
    assert code == 0 and f"{left} sentences traced in 1 batch, written to" in err and file.read_bytes() == held
    assert run(command, checkpoint, sentences, "-o", file, "--resume", "--quiet") == (0, "", "")
    assert "23 sentences traced in 6 batches\n" in run(command, checkpoint, sentences, "--json")[2]


def test_show_takes_one_of_many_traces(command: Command, checkpoint: Path, sentences: Path, tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    assert run(command, checkpoint, sentences, "-o", file)[0] == 0
    code, out, err = command("show", file)
    assert (code, out) == (4, "") and "holds 6 traces, one a line" in err and "hint: --line 1 takes the first" in err
    for number, line in enumerate(file.read_bytes().splitlines(keepends=True), start=1):
        (tmp_path / "one.json").write_bytes(line)
        expected = command("show", tmp_path / "one.json", "--depth", "3")
        assert command("show", file, "--line", str(number), "--depth", "3") == expected and expected[0] == 0
    code, out, err = command("show", file, "--line", "7")
    assert (code, out) == (4, "") and "has 6 lines, there is no line 7" in err
    assert command("show", file, "--line", "0")[0] == 2
    assert command("run", "x", "--model", checkpoint, "-o", tmp_path / "plain.json", "--quiet")[0] == 0
    code, out, err = command("show", tmp_path / "plain.json", "--line", "1")
    assert (code, out) == (4, "") and "holds one trace, over many lines" in err and "leave --line out" in err


def test_each_trace_is_what_run_makes_of_its_sentences(command: Command, checkpoint: Path, sentences: Path) -> None:
    code, out, _ = run(command, checkpoint, sentences, "--json")
    first = Trace.from_json(out.splitlines()[0].encode())
    code, alone, _ = command("run", *first.input.texts, "--model", checkpoint, "--json")
    again = Trace.from_json(alone.encode())
    assert code == 0 and first.steps == again.steps and first.output == again.output


@pytest.mark.slow
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


def test_words_that_are_not_in_the_vocabulary_are_told(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    file = tmp_path / "s.txt"
    file.write_text("\u2603 is not in it\nthis is\n[UNK] is its own name\n\u2603 once more\n")
    _, out, err = command("run", "--input", file, "--model", checkpoint, "--json")
    assert "the model sees [UNK]: 2 (\u2603)" in err
    assert sum(tokens.count("[UNK]") for tokens in json.loads(out)["input"]["tokens"]) == 3
    file.write_text("".join(f"{chr(0x10330 + place)}\n" for place in range(9)))
    assert "[UNK]: 9 (" in (err := command("run", "--input", file, "--model", checkpoint, "--json")[2])
    assert err.rstrip().endswith(f"{chr(0x10330 + 7)} ...)")
    assert "[UNK]" not in command("run", "--input", file, "--model", checkpoint, "--json", "--quiet")[2]


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--input", "{file}", "--engine", "ray", "--json"], "--engine ray writes its parts"),
        (
            ["--input", "{file}", "--engine", "ray", "-o", "/dev/null"],
            "--engine ray writes its parts",
        ),
        (["--input", "{file}", "--address", "auto", "--json"], "--address is that of a Ray cluster"),
        (["x", "--engine", "ray"], "--engine goes with --input"),
        (["x", "--threads", "2"], "--threads goes with --input"),
    ],
)
def test_wrong_use_of_an_engine_is_told(command: Command, sentences: Path, arguments: list[str], message: str) -> None:
    code, out, err = command("run", *[part.format(file=sentences) for part in arguments])
    assert (code, out) == (2, "") and err.startswith(f"error: {message}"), err


@pytest.mark.parametrize("absent", ["ray", "pyarrow"])
def test_without_the_extra_it_is_told_how_to_install_it(
    command: Command, sentences: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    monkeypatch.setattr("bert_inspect.workers.installed.find_spec", lambda name: None if name == absent else name)
    code, out, err = command("run", "--input", sentences, "-o", tmp_path / "t.jsonl", "--engine", "ray")
    assert (code, out) == (2, "") and err == (
        "error: the engine ray needs the package ray[data], which is not installed\n"
        'hint: pip install "bert-inspect[ray]"\n'
    )
    assert [*tmp_path.iterdir()] == [sentences]


def test_parts_of_an_engine_are_not_passed_over(
    command: Command, checkpoint: Path, sentences: Path, tmp_path: Path
) -> None:
    file, folder = tmp_path / "t.jsonl", tmp_path / "t.jsonl.shards"
    folder.mkdir()
    code, _, err = run(command, checkpoint, sentences, "-o", file)
    assert code == 2 and err.startswith(f"error: {folder} is there already\nhint: --resume continues it")
    code, _, err = run(command, checkpoint, sentences, "-o", file, "--resume")
    assert code == 2 and err.startswith(f"error: {folder} is there: a run with --engine ray began it\n")
    assert not file.exists()


def test_the_folder_of_parts_goes_where_nothing_is_left_to_do(
    command: Command, checkpoint: Path, sentences: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, folder = tmp_path / "t.jsonl", tmp_path / "t.jsonl.shards"
    assert run(command, checkpoint, sentences, "-o", file)[0] == 0
    folder.mkdir()
    (folder / "window-000000.jsonl").write_text("joined already")
    monkeypatch.setattr("bert_inspect.workers.installed.check_ray", lambda: None)  # as if it were there
    code, _, err = run(command, checkpoint, sentences, "-o", file, "--resume", "--engine", "ray")
    assert code == 0 and "nothing is left to do" in err and not folder.exists()


def test_threads_are_those_that_are_asked_for(
    command: Command, checkpoint: Path, sentences: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr("torch.set_num_threads", asked.append)
    assert run(command, checkpoint, sentences, "--json", "--threads", "3")[0] == 0 and 3 in asked
