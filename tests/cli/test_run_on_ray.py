"""`run --input --engine ray`: workers write the bytes that one process writes, whoever is killed meanwhile."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from on_ray import WORKER, environment_of_cluster, processes, started_cluster, until

pytest.importorskip("ray", reason="the extra ray is not installed")
pytest.importorskip("pyarrow", reason="the extra ray is not installed", exc_type=ImportError)  # it wants NumPy 2

Command = Callable[..., tuple[int, str, str]]
SENTENCES = [f"{'cats love pizza ' * (1 + number % 4)}{number}" for number in range(380)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A cluster of two processors on this machine: its address, and the mark of its processes."""
    mark = str(tmp_path_factory.mktemp("cluster"))
    with started_cluster(mark) as address:
        yield address, mark


def test_workers_write_what_one_process_writes_whoever_is_killed(
    command: Command, checkpoint: Path, cluster: tuple[str, str], tmp_path: Path
) -> None:
    source, file, whole = tmp_path / "s.txt", tmp_path / "t.jsonl", tmp_path / "whole.jsonl"
    folder, (address, mark) = tmp_path / "t.jsonl.shards", cluster
    source.write_text("\n\n".join([*SENTENCES, "cats " * 20, "\u2603 is not in it"]))
    given = ["--input", str(source), "--model", str(checkpoint), "--batch-size", "1", "--layer", "1", "--stats"]
    given = [*given, "--level", "module", "--threads", "1", "--max-length", "16", "--truncate", "-o"]
    code, _, told = command("run", *given, whole, "--ablate", "layer.0.head.1")
    assert code == 0, told

    def parts() -> list[Path]:
        return sorted(folder.glob("window-*.jsonl"))

    # Workers go on with what one process began, in the midst of a window. One of two is killed, then the run itself.
    lines = whole.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:10]))
    on_ray = [*given, str(file), "--ablate", "layer.0.head.1", "--engine", "ray"]
    started = [sys.executable, "-m", "bert_inspect", "run", *on_ray, "--address", address, "--resume"]
    known, nowhere = environment_of_cluster(str(tmp_path)), subprocess.DEVNULL
    with subprocess.Popen(started, env=known, stdout=nowhere, stderr=nowhere) as run:
        until(lambda: parts() or file.stat().st_size > sum(map(len, lines[:10])))
        os.kill(processes(mark, WORKER)[0], signal.SIGKILL)
        until(lambda: len(parts()) >= 2)
        run.kill()
    until(lambda: not processes(mark, WORKER))
    assert len(parts()) >= 2 and whole.read_bytes().startswith(file.read_bytes().rpartition(b"\n")[0])
    # A part is torn besides. The run is only gone on with where that is asked for, by the engine that began it.
    torn = parts()[0]
    torn.write_bytes(torn.read_bytes()[:-100])
    for arguments, said in (
        (on_ray, f"error: {file} is there already"),
        ([*given, str(file), "--resume"], f"error: {folder} is there: a run with --engine ray began it"),
        (
            [*on_ray, "--resume", "--verify"],
            f"{parts()[1]} cannot be continued: proof: not kept there, kept",
        ),
    ):
        code, _, err = command("run", *arguments)
        assert code == 2 and said in err
    resumed = subprocess.run(started, env=known, capture_output=True, text=True)
    assert resumed.returncode == 0, resumed.stderr
    said = [line for line in resumed.stderr.splitlines() if not line.endswith(" ...")]
    assert said[0] == f"{torn} is damaged: what it should hold is traced again"
    assert said[1].endswith(f", written to {file}") and said[2:] == told.splitlines()[-2:]
    assert file.read_bytes() == whole.read_bytes() and not folder.exists()
