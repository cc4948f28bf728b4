"""Windows of a file, traced apart and joined: the bytes of one process, and nothing of another run among them."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bert_inspect.analysis.trace_shards import job as jobs
from bert_inspect.analysis.trace_shards.job import Job, windows_of
from bert_inspect.analysis.trace_shards.on_ray import Kept, kept_parts, trace_on_ray, windows_left
from bert_inspect.analysis.trace_shards.part import Part, part_name
from bert_inspect.analysis.trace_shards.worker import TraceWorker
from bert_inspect.capture import batches
from bert_inspect.capture.keep import Keep
from bert_inspect.capture.tally import Tally
from bert_inspect.errors import TraceFileError, UsageError
from bert_inspect.loading.spec import ModelSpec
from bert_inspect.traces.line_store import open_lines
from bert_inspect.traces.selection import Selection
from bert_inspect.workers.engine import Cluster
from bert_inspect.workers.worker import Done

Command = Callable[..., tuple[int, str, str]]
CUT, UNKNOWN = "cats love pizza " * 5, "\u2603 cats"


@pytest.fixture
def job(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """Four windows of two batches of two sentences, one of which is cut and one of which has an unknown word."""
    for module in (batches, jobs):
        monkeypatch.setattr(module, "WINDOW", 2)
    texts = [f"{'cats love pizza ' * (number % 3)}{number}" for number in range(14)]
    (tmp_path / "s.txt").write_text("\n\n".join([UNKNOWN, *texts, CUT]))
    (tmp_path / "t.jsonl.shards").mkdir()
    file = str(tmp_path / "s.txt")
    return Job(
        spec=ModelSpec(name=str(checkpoint)),
        file=file,
        batch_size=2,
        limit=12,
        truncate=True,
        selection=Selection.parse(layer="1", level="module"),
        keep=Keep(),
        verify=False,
        edits=(),
        threads=1,
        found=windows_of(file, batch_size=2),
    )


@pytest.fixture
def whole(job: Job, command: Command, tmp_path: Path) -> bytes:
    """What one process writes."""
    given = ["--input", job.file, "--model", job.spec.name, "--batch-size", "2", "--max-length", "12", "--truncate"]
    code, out, err = command("run", *given, "--layer", "1", "--level", "module", "--json")
    assert code == 0, err
    return out.encode()


def answer(job: Job, folder: Path, window: int) -> Done:
    [done] = TraceWorker(job, str(folder))({"start": [window], "stop": [window + 1]})["done"]
    return msgspec.json.decode(done, type=Done)


def joined(job: Job, output: Path, *, resume: bool = False) -> tuple[Kept, Tally]:
    """Join the parts that are there, of which none may lack."""

    def nobody(*_: Any) -> None:
        raise AssertionError

    with open_lines(output, resume=resume) as lines:
        left, job = windows_left(job, lines.finished.sentences)
        cluster = Cluster(folder=f"{output}.shards", address=None)
        kept = kept_parts(cluster, job, left)
        return kept, trace_on_ray(job, cluster, lines, left, kept, advance=nobody, notice=nobody)


@pytest.mark.slow
def test_parts_are_joined_to_what_one_process_writes(job: Job, whole: bytes, tmp_path: Path) -> None:
    output, folder = tmp_path / "t.jsonl", tmp_path / "t.jsonl.shards"
    sent = pickle.loads(pickle.dumps(job.at_home()))
    for window in (3, 1, 0, 2):
        assert answer(sent, folder, window) == Done(part=part_name(window), sentences=4, notices=[])
    (folder / ".bert-inspect-0.part").write_text("half")
    kept, tally = joined(job, output)
    assert output.read_bytes() == whole and not folder.exists() and kept.sentences == 16
    assert tally == Tally(batches=8, cut=1, unknown=1, words=["\u2603"])


@pytest.mark.slow
@pytest.mark.parametrize("lines", [0, 1, 4, 7])
def test_an_output_that_was_begun_is_gone_on_with(job: Job, whole: bytes, tmp_path: Path, lines: int) -> None:
    output, folder = tmp_path / "t.jsonl", tmp_path / "t.jsonl.shards"
    output.write_bytes(b"".join(whole.splitlines(keepends=True)[:lines]) + b'{"format":"bert-insp')
    with open_lines(output, resume=True) as opened:
        left, later = windows_left(job, opened.finished.sentences)
    assert left == [*range(lines // 2, 4)] and sum(map(len, later.held.values())) == 2 * (lines % 2)
    for window in left:
        assert answer(later, folder, window).error is None
    kept, _ = joined(job, output, resume=True)
    assert output.read_bytes() == whole and [*kept.parts] == left


def test_a_part_that_holds_more_or_less_than_the_output_lacks_is_made_anew(job: Job, tmp_path: Path) -> None:
    folder = tmp_path / "t.jsonl.shards"
    assert answer(replace(job, held={1: frozenset({9})}), folder, 1).sentences == 3
    cluster = Cluster(folder=str(folder), address=None)
    for lines, kept in (({9}, {1}), (set(), set()), ({9, 11}, set())):
        assert {*kept_parts(cluster, replace(job, held={1: frozenset(lines)}), range(4)).parts} == kept
    # One that another run writes while this one waits for its own is not joined.
    with open_lines(tmp_path / "t.jsonl") as opened, pytest.raises(UsageError, match="another run has written"):
        found = kept_parts(cluster, replace(job, held={1: frozenset({9})}), [1])
        trace_on_ray(job, cluster, opened, [1], found, advance=print, notice=print)
    assert not (tmp_path / "t.jsonl").exists()


def test_a_damaged_part_is_told_and_not_joined(job: Job, tmp_path: Path) -> None:
    folder = tmp_path / "t.jsonl.shards"
    cluster = Cluster(folder=str(folder), address=None)
    answer(job, folder, 2)
    file = folder / part_name(2)
    made = file.read_bytes()
    for torn in (b"", made[:-1], made[:-50], made[:50], made.replace(b"pizza", b"pasta", 1), b"{}\n"):
        file.write_bytes(torn)
        with pytest.raises(TraceFileError, match="is damaged"):
            Part.read(file)
        found = kept_parts(cluster, job, range(4))
        assert (found.parts, found.damaged) == ({}, [str(file)])
    file.write_bytes(made)
    assert {*kept_parts(cluster, job, range(4)).parts} == {2}


def test_parts_of_another_run_are_not_joined(job: Job, tmp_path: Path) -> None:
    folder = tmp_path / "t.jsonl.shards"
    cluster = Cluster(folder=str(folder), address=None)
    answer(job, folder, 0)
    for changes, said in (
        ({"keep": Keep(stats=True)}, "statistics: not kept there, kept in this run"),
        ({"limit": 13}, "the most tokens of a sentence: 12 there, 13 in this run"),
        ({"selection": Selection()}, "filters: layer 1, level module there, none in this run"),
    ):
        with pytest.raises(UsageError, match=f"{part_name(0)} cannot be continued: {said}"):
            kept_parts(cluster, replace(job, **changes), range(4))  # type: ignore[arg-type]
    (tmp_path / "s.txt").write_text((tmp_path / "s.txt").read_text().replace("cats", "dogs"))
    with pytest.raises(UsageError, match="its sentences read otherwise now"):
        kept_parts(cluster, replace(job, found=windows_of(job.file, batch_size=2)), range(4))


def test_what_goes_wrong_in_a_worker_is_told_in_words(job: Job, tmp_path: Path) -> None:
    folder = tmp_path / "t.jsonl.shards"

    def told(window: int = 0, **changes: Any) -> tuple[str, str, str | None] | None:
        return answer(replace(job, **changes), folder, window).error

    error = told(3, truncate=False)
    assert error is not None and error[:2] == ("UsageError", "line 31 has 17 tokens, the limit is 12")
    error = told(spec=ModelSpec(name="nowhere"))
    assert error is not None and error[0] == "ModelError"
    assert not [*folder.iterdir()]
    # What an earlier run has left must be what this one makes.
    earlier = str(folder / part_name(1))
    assert answer(job, folder, 1).error is None and told(earlier=earlier) is None
    error = told(earlier=earlier, spec=replace(job.spec, weights="random"))
    assert error is not None and error[1].startswith(
        f"{earlier} cannot be continued: weights: pretrained there, random"
    )
    (tmp_path / "s.txt").write_text("another text")
    error = told()
    assert error is not None and "sentences 1 to 4 read otherwise than a while ago" in error[1]
