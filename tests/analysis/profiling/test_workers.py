"""What is shared out among workers: each block to one of them, in parts that are whole or not there."""

import pickle
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bert_inspect.analysis.profiling.job import Job
from bert_inspect.analysis.profiling.parts import PATTERN, Parts, files_in, merged, tasks
from bert_inspect.analysis.profiling.worker import ProfileWorker
from bert_inspect.corpus.blocks import survey
from bert_inspect.corpus.files import sources
from bert_inspect.errors import UsageError
from bert_inspect.loading.spec import ModelSpec
from bert_inspect.profiles.profile_file import profile_json
from bert_inspect.traces.selection import Selection
from bert_inspect.workers.folder import remove
from bert_inspect.workers.worker import Done


@pytest.fixture
def job(checkpoint: Path, tmp_path: Path) -> Job:
    """Five blocks of three sentences."""
    (tmp_path / "s.txt").write_text("\n".join(f"{'cats love pizza ' * (1 + number % 3)}" for number in range(15)))
    corpus = sources([str(tmp_path / "s.txt")])
    return Job(
        batch_tokens=None,
        spec=ModelSpec(name=str(checkpoint)),
        corpus=corpus,
        found=survey(corpus, size=3),
        selection=Selection.parse(layer="1", level="module"),
        batch_size=2,
        max_length=None,
        truncate=False,
        examples=1,
        threads=None,
    )


def answer(worker: ProfileWorker, blocks: range) -> Done:
    [done] = worker({"start": [blocks.start], "stop": [blocks.stop]})["done"]
    return msgspec.json.decode(done, type=Done)


@pytest.mark.parametrize(("blocks", "workers"), [(0, 1), (1, 4), (7, 2), (500, 1), (500, 100)])
def test_each_block_is_in_one_task(blocks: int, workers: int) -> None:
    wanted = set(range(blocks)) - {3, 77, 78}
    found = tasks(wanted, workers=workers)
    assert sorted(block for task in found for block in task) == sorted(wanted)
    assert len(found) >= min(len(wanted), 4 * workers) / 2


@pytest.mark.slow
def test_parts_are_merged_to_what_one_worker_writes(job: Job, tmp_path: Path) -> None:
    one, many = tmp_path / "one", tmp_path / "many"
    one.mkdir()
    many.mkdir()
    sent = pickle.loads(pickle.dumps(job))
    worker = ProfileWorker(sent, str(many), None)
    assert answer(ProfileWorker(job, str(one), None), range(5)) == Done(
        part="blocks-000000-000004.json", sentences=15, notices=[]
    )
    for blocks in (range(4, 5), range(2), range(2, 4)):
        assert answer(worker, blocks).sentences == 3 * len(blocks)
    whole = profile_json(merged(files_in(str(one))).record())
    assert profile_json(merged(files_in(str(many))[::-1]).record()) == whole

    # What an earlier run left: a part that overlaps another counts once, one that is torn not at all.
    answer(worker, range(1, 3))
    found = Parts.found(files_in(str(many)), job.found)
    assert (found.done, found.sentences, len(found.files), found.damaged) == ({*range(5)}, 15, 3, [])
    torn = many / "blocks-000002-000003.json"
    torn.write_bytes(torn.read_bytes()[:-9])
    found = Parts.found(files_in(str(many)), job.found)
    assert (found.done, found.damaged) == ({0, 1, 4}, [str(torn)])
    assert found.frame is not None and answer(ProfileWorker(job, str(many), found.frame), range(2, 4)).error is None
    (many / "mine.txt").write_text("kept")
    (many / ".bert-inspect-0.part").write_text("half")
    remove(str(many), pattern=PATTERN)
    assert [file.name for file in many.iterdir()] == ["mine.txt"]


def test_what_goes_wrong_in_a_worker_is_told_in_words(job: Job, tmp_path: Path) -> None:
    def told(**changes: object) -> tuple[str, str, str | None] | None:
        return answer(ProfileWorker(replace(job, **changes), str(tmp_path), None), range(2)).error  # type: ignore[arg-type]

    error = told(max_length=4)
    assert error is not None and error[:2] == (
        "UsageError",
        "line 1 of s.txt has 5 tokens, the limit is 4: as asked for",
    )
    error = told(spec=ModelSpec(name="nowhere"))
    assert error is not None and error[0] == "ModelError"
    (tmp_path / "s.txt").write_text("another text")
    error = told()
    assert error is not None and "sentences 1 to 3 read otherwise than a while ago" in error[1]
    assert files_in(str(tmp_path)) == []


def test_parts_of_another_run_are_not_gone_on_with(job: Job, checkpoint: Path, tmp_path: Path) -> None:
    answer(ProfileWorker(job, str(tmp_path), None), range(2))
    [file] = files_in(str(tmp_path))
    frame = Parts.found([file], job.found).frame
    assert frame is not None
    job.check_continues(frame, file)
    other = replace(job, examples=2)
    with pytest.raises(UsageError, match=r"the number of examples differs \(1 and 2\)"):
        other.check_continues(frame, file)
    drawn = ProfileWorker(replace(job, spec=ModelSpec(name=str(checkpoint), weights="random")), str(tmp_path), frame)
    error = answer(drawn, range(2, 3)).error
    assert error is not None and "cannot be continued: the model's" in error[1]
