"""`profile --engine ray`: workers write the bytes that one process writes, whoever is killed meanwhile."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from on_ray import WORKER, environment, environment_of_cluster, processes, started_cluster, until

pytest.importorskip("ray", reason="the extra ray is not installed")
pytest.importorskip("pyarrow", reason="the extra ray is not installed", exc_type=ImportError)  # it wants NumPy 2

SENTENCES = [f"{'cats love pizza ' * (1 + number % 4)}{number}" for number in range(600)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A cluster of two processors on this machine: its address, and the mark of its processes."""
    mark = str(tmp_path_factory.mktemp("cluster"))
    with started_cluster(mark) as address:
        yield address, mark


def test_workers_write_what_one_process_writes_whoever_is_killed(
    checkpoint: Path, cluster: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "s.txt").write_text("\n".join(SENTENCES))
    given = ["--input", str(tmp_path / "s.txt"), "--model", str(checkpoint), "--batch-size", "1", "--layer", "1"]
    given = [sys.executable, "-m", "bert_inspect", "profile", *given, "--threads", "1", "--level", "module", "-o"]
    file, folder, whole = tmp_path / "p.json", tmp_path / "p.json.shards", tmp_path / "whole.json"
    on_ray, mark = [*given, str(file), "--engine", "ray"], str(tmp_path)
    address, mark_of_cluster = cluster

    def parts() -> list[Path]:
        return sorted(folder.glob("blocks-*.json"))

    # One of two workers is killed, then the run itself.
    command = [*on_ray, "--address", address]
    known, nowhere = environment_of_cluster(mark), subprocess.DEVNULL
    with subprocess.Popen(command, env=known, stdout=nowhere, stderr=nowhere) as run:
        until(lambda: len(parts()) >= 2)
        os.kill(processes(mark_of_cluster, WORKER)[0], signal.SIGKILL)
        seen = len(parts())
        until(lambda: len(parts()) >= seen + 3)
        run.kill()
    until(lambda: not processes(mark_of_cluster, WORKER))
    assert not file.exists() and 5 <= len(parts()) < 19
    # A part is torn besides. The run is only gone on with where that is asked for, by the engine that began it.
    torn = parts()[1]
    torn.write_bytes(torn.read_bytes()[:-100])
    kept = parts()[0].stat().st_mtime_ns
    for arguments, said in (
        (on_ray, f"error: {folder} is there already"),
        ([*given, str(file), "--resume"], f"error: {folder} is there: a run with --engine ray began it"),
        ([*on_ray, "--resume", "--truncate"], "cannot be continued: whether longer sentences are cut differs"),
    ):
        refused = subprocess.run(arguments, capture_output=True, text=True, env=environment(mark))
        assert refused.returncode == 2 and said in refused.stderr
    # On a cluster of its own, which ends with it, the rest is done.
    command, pipe = [*on_ray, "--resume", "--json"], subprocess.PIPE
    at_home = {**environment(mark), "HOME": str(tmp_path / "home")}
    (tmp_path / "home").mkdir()
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=at_home) as resumed:
        until(lambda: resumed.poll() is not None or len(parts()) > 12)
        assert not folder.exists() or parts()[0].stat().st_mtime_ns == kept
        out, err = resumed.communicate()
    assert resumed.returncode == 0, err
    until(lambda: not processes(mark))
    told = [f"{torn} is damaged: what it should hold is profiled again", f"written to {file}"]
    assert [line for line in err.splitlines() if line in told] == told, err
    subprocess.run([*given, str(whole), "--quiet"], check=True, env=environment(mark), stdout=subprocess.DEVNULL)
    assert file.read_bytes() == whole.read_bytes() == out.encode() and not folder.exists()
    assert not (tmp_path / "home" / ".ray").exists()
