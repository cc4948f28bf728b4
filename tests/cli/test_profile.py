"""`profile`: however a corpus is shared out, and wherever a run stops, the same bytes come out in the end."""

import gzip
import itertools
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bert_inspect.__main__ import run as run_command
from bert_inspect.cli.profile_arguments import written_out
from bert_inspect.files import held
from bert_inspect.profiles.profile_file import load_profile

Command = Callable[..., tuple[int, str, str]]
KILLED = Path(__file__).parents[1] / "killed_profile.py"
SENTENCES = [f"{'cats love pizza ' * (1 + number % 4)}{number}" for number in range(70)]
"""Five blocks of 16, with batches of one sentence; the last is shorter."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "a.txt").write_text("\n\n".join(SENTENCES[:30]))
    (folder / "b.txt.gz").write_bytes(gzip.compress("\n".join(SENTENCES[30:]).encode()))
    return folder


@pytest.fixture
def profile(command: Command, corpus: Path, checkpoint: Path) -> Callable[..., tuple[int, str, str]]:
    """Profile the corpus with the tiny model."""

    def run(*arguments: object, files: object = corpus) -> tuple[int, str, str]:
        given = ["--model", checkpoint, "--batch-size", "1", "--layer", "1", "--level", "module"]
        return command("profile", "--input", files, *given, *arguments)

    return run


@pytest.fixture(scope="module")
def whole(corpus: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one run writes; nothing changes it."""
    file = tmp_path_factory.mktemp("whole") / "p.json"
    given = ["--model", checkpoint, "--batch-size", "1", "--layer", "1", "--level", "module", "--quiet"]
    assert run_command(["profile", "--input", str(corpus), *map(str, given), "-o", str(file)]) == 0
    assert [found.name for found in file.parent.iterdir()] == ["p.json"]
    return file


def test_a_profile_tells_how_many_sentences_it_is_of_and_where_it_lies(
    profile: Command, corpus: Path, tmp_path: Path
) -> None:
    code, out, err = profile("-o", tmp_path / "p.json", files=corpus / "a.txt")
    assert code == 0 and "30 sentences" in out and f"written to {tmp_path / 'p.json'}" in err, err


@pytest.mark.slow
def test_shards_merged_in_any_order_are_what_one_run_writes(
    profile: Command, command: Command, whole: Path, tmp_path: Path
) -> None:
    for count in (2, 7):  # more than there are blocks
        shards = [tmp_path / f"{number}-{count}.json" for number in range(1, count + 1)]
        for number, file in enumerate(shards, start=1):
            assert profile("--shard", f"{number}/{count}", "-o", file)[0] == 0
        for order in itertools.islice(itertools.permutations(shards), 0, None, 1 if count == 2 else 1700):
            code, out, err = command("profile", "merge", *order, "-o", tmp_path / "merged.json")
            assert code == 0 and "missing" not in err and "70 sentences" in out
            assert (tmp_path / "merged.json").read_bytes() == whole.read_bytes()
        code, out, err = command("profile", "merge", shards[1], "--json")
        assert code == 0 and "of the blocks 0 to 4 these are missing: 0, 2" in err
        assert out.encode() == shards[1].read_bytes()
        code, _, err = command("profile", "merge", *shards, shards[0])
        assert code == 2 and "block 0 of 5 is in both profiles, and would count twice" in err


@pytest.mark.slow
def test_what_was_not_made_by_one_run_is_not_merged(
    profile: Command, command: Command, corpus: Path, whole: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text((corpus / "a.txt").read_text().replace("cats", "dogs", 1))
    (tmp_path / "b.txt.gz").write_bytes((corpus / "b.txt.gz").read_bytes())
    one, other = tmp_path / "1.json", tmp_path / "2.json"
    profile("--shard", "1/2", "-o", one)
    for said, arguments, files in (
        ("the text of the files differs", [], tmp_path),
        ("the model's weights differ", ["--weights", "random"], corpus),
        ("the number of examples differs (0 and 5)", ["--examples"], corpus),
    ):
        assert profile("--shard", "2/2", "-o", other, *arguments, files=files)[0] == 0
        code, _, err = command("profile", "merge", one, other)
        assert code == 2 and f"{other} cannot be added to {one}: these are profiles of two runs: {said}" in err, err
        other.unlink()
    damaged = tmp_path / "damaged.json"
    damaged.write_bytes(whole.read_bytes().replace(b'"sentences":70', b'"sentences":71'))
    code, _, err = command("profile", "merge", one, damaged)
    assert code == 4 and "its checksum is another one" in err


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can grow beyond a few bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.slow
def test_a_run_goes_on_where_it_stopped(
    profile: Command, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bert_inspect.analysis.profiling.profiler import Profiler

    file, unfinished = tmp_path / "p.json", tmp_path / "p.json.unfinished"
    add_each = Profiler.add_each

    def some(blocks: Any) -> Iterator[Any]:
        for number, lines in blocks:
            if number == 3:
                raise MemoryError("no more")
            yield number, lines

    with monkeypatch.context() as patch:
        patch.setattr(
            Profiler, "add_each", lambda self, total, blocks, added: add_each(self, total, some(blocks), added)
        )
        assert profile("-o", file)[0] == 1
    assert load_profile(unfinished).input.done == [(0, 2)] and not file.exists()
    before = unfinished.read_bytes()
    code, _, err = profile("-o", file)
    assert code == 2 and f"{unfinished} is there already" in err and "--resume continues it" in err
    for said, arguments in (
        ("batch size differs (1 and 2)", ["--batch-size", "2"]),
        ("it is of another shard", ["--shard", "2/2"]),
        ("the filters differ (layer 1, level module and layer 0, level module)", ["--layer", "0"]),
    ):
        code, _, err = profile("-o", file, "--resume", *arguments)
        assert code == 2 and f"{unfinished} cannot be continued: " in err, err
        assert said in err or "the number of lines per block differs" in err
    with full_disk():
        code, _, err = profile("-o", file, "--resume")
    assert code == 2 and f"cannot write {file}: File too large" in err
    assert {found.name for found in tmp_path.iterdir()} == {unfinished.name}
    assert unfinished.read_bytes() == before
    assert profile("-o", file, "--resume")[0] == 0
    assert file.read_bytes() == whole.read_bytes() and not unfinished.exists()
    code, _, err = profile("-o", file, "--resume")
    assert code == 0 and f"nothing is left to do: {file} is whole" in err and file.read_bytes() == whole.read_bytes()
    code, _, err = profile("-o", file)
    assert code == 2 and f"{file} is there already" in err


@pytest.mark.slow
def test_a_corpus_that_has_changed_is_not_gone_on_with(profile: Command, corpus: Path, tmp_path: Path) -> None:
    source, file = tmp_path / "s.txt", tmp_path / "p.json"
    source.write_text("\n".join(SENTENCES[:20]))
    assert profile("-o", file, files=source)[0] == 0
    for after, said in (
        ([*SENTENCES[:19], "another one"], "sentences 17 to 32 read otherwise than those that were profiled"),
        (SENTENCES[:16], "sentences 17 to 32 read otherwise"),
        ([*SENTENCES[:20], "one more"], "sentences 17 to 32 read otherwise"),
    ):
        source.write_text("\n".join(after))
        code, _, err = profile("-o", file, "--resume", files=source)
        assert code == 2 and f"{file} cannot be continued: {said}" in err, err


def test_what_is_done_is_kept_where_a_file_changes_meanwhile(
    profile: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bert_inspect.analysis.profiling.profiler import Profiler

    source, file = tmp_path / "s.txt", tmp_path / "p.json"
    source.write_text("\n".join(SENTENCES[:40]))
    add_each = Profiler.add_each

    def changing(blocks: Any) -> Iterator[Any]:
        for block in blocks:
            yield block
            source.write_text("\n".join([*SENTENCES[:20], *["a"] * 20]))

    monkeypatch.setattr(
        Profiler, "add_each", lambda self, total, blocks, added: add_each(self, total, changing(blocks), added)
    )
    # What was read ahead of a change is as it was: a file of so few bytes is held in the stream's buffer.
    monkeypatch.setattr("bert_inspect.corpus.opened._stream", lambda path: open(path, "rb", buffering=0))  # noqa: PTH123, SIM115
    code, _, err = profile("-o", file, files=source)
    assert code == 2 and "read otherwise than a while ago" in err, err
    assert load_profile(tmp_path / "p.json.unfinished").input.done == [(0, 0)]


def test_one_output_is_written_by_one_run(profile: Command, tmp_path: Path) -> None:
    with held(tmp_path / "p.json"):
        code, _, err = profile("-o", tmp_path / "p.json")
    assert code == 2 and f"another run is writing to {tmp_path / 'p.json'}" in err
    assert [*tmp_path.iterdir()] == []


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes(
    corpus: Path, checkpoint: Path, whole: Path, tmp_path: Path
) -> None:
    file = tmp_path / "killed.json"
    given = ["profile", "--input", str(corpus), "--model", str(checkpoint), "--batch-size", "1", "--layer", "1"]
    given += ["--level", "module", "--resume", "--quiet", "-o", str(file)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    killing = [sys.executable, str(KILLED), *given]
    done = subprocess.run(killing, capture_output=True, text=True, env=environment, check=True)
    ends = json.loads(done.stdout.splitlines()[-1])
    assert len(ends) >= 4 and set(ends[:-1]) == {-signal.SIGKILL} and ends[-1] == 0, done.stderr
    assert file.read_bytes() == whole.read_bytes()
    assert {left.name for left in tmp_path.iterdir() if not left.name.endswith(".part")} == {"killed.json"}


def test_labels_and_pairs_come_from_json_lines(profile: Command, tmp_path: Path) -> None:
    source = tmp_path / "s.jsonl"
    rows = [{"text": text, "pair": "So do I.", "label": number % 2} for number, text in enumerate(SENTENCES[:20])]
    source.write_text("\n".join(map(json.dumps, rows)))
    code, out, err = profile("--json", files=source)
    answers = json.loads(out)["answers"]
    assert code == 0 and answers["labelled"] == 20 and [sum(row) for row in answers["by_label"]] == [10, 10], err
    source.write_text(json.dumps({"text": "a", "label": "happy"}))
    code, _, err = profile("--json", files=source)
    assert code == 2 and err.splitlines()[-2].startswith("error: line 1 of s.jsonl") and "'happy'" in err


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("--input a b -o x", "--input a --input b -o x"),
        ("--input=a b --input c", "--input=a --input b --input c"),
        ("--json --input a --", "--json --input a --"),
        ("--input a - b", "--input a --input - --input b"),
        ("--examples --input a", "--examples 5 --input a"),
        ("--examples 3 --input a", "--examples 3 --input a"),
        ("--input a --examples", "--input a --examples 5"),
        ("merge a b -o c", "merge a b -o c"),
        ("--input", "--input"),
    ],
)
def test_an_option_may_take_several_values_or_none(given: str, found: str) -> None:
    assert written_out(given.split()) == found.split()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--shard", "0/2"], "'0/2' does not name a shard"),
        (["--shard", "3/2"], "'3/2' does not name a shard"),
        (["--resume"], "--resume needs the file that an earlier run was to write"),
        (["--address", "auto"], "--address is that of a Ray cluster"),
        (["--engine", "ray", "--shard", "1/2"], "--engine ray shares the corpus out itself"),
        (["--engine", "ray"], "--engine ray writes its parts beside the profile"),
        (["--weights", "none"], "without weights there are no activations"),
        (["--layer", "7"], "there is no layer 7"),
    ],
    ids=str,
)
def test_what_does_not_go_together_is_refused(profile: Command, arguments: list[str], said: str) -> None:
    code, out, err = profile(*arguments)
    assert (code, out) == (2, "") and err.startswith(f"error: {said}"), err


def test_what_is_no_command_is_perhaps_a_file(command: Command) -> None:
    assert command("profile", "s.txt")[2] == (
        "error: bert-inspect profile has no command 's.txt': it has merge, show, diff\n"
        'hint: for a file: bert-inspect profile --input "s.txt"\n'
    )
    code, _, err = command("profile", "--quiet", "merge", "a", "b")
    assert code == 2 and "error: an option stands before merge\n" in err
