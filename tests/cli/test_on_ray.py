"""`--engine ray`: workers write the bytes that one process writes, whoever is killed meanwhile and whatever has begun.

What `profile` and `run --input` do is tried on one cluster, as it takes long to start; what kills leave is tried with
`profile` alone, as both have the same engine.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from on_ray import WORKER, environment, environment_of_cluster, processes, started_cluster, until

pytestmark = pytest.mark.slow

pytest.importorskip("ray", reason="the extra ray is not installed")
pytest.importorskip("pyarrow", reason="the extra ray is not installed", exc_type=ImportError)  # it wants NumPy 2

Command = Callable[..., tuple[int, str, str]]
SENTENCES = [f"{'cats love pizza ' * (1 + number % 4)}{number}" for number in range(256)]
"""For a profile, 16 blocks of 16, and a part for each."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A cluster of two processors on this machine: its address, and the mark of its processes."""
    mark = str(tmp_path_factory.mktemp("cluster"))
    with started_cluster(mark) as address:
        yield address, mark


def test_a_profile_is_that_of_one_process_whoever_is_killed(
    command: Command, checkpoint: Path, cluster: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "s.txt").write_text("\n".join(SENTENCES))
    given = ["profile", "--input", str(tmp_path / "s.txt"), "--model", str(checkpoint), "--batch-size", "1"]
    given = [*given, "--layer", "1", "--threads", "1", "--level", "module", "-o"]
    file, folder, whole = tmp_path / "p.json", tmp_path / "p.json.shards", tmp_path / "whole.json"
    on_ray, mark = [*given, str(file), "--engine", "ray"], str(tmp_path)
    program, pipe, nowhere = [sys.executable, "-m", "bert_inspect"], subprocess.PIPE, subprocess.DEVNULL
    address, mark_of_cluster = cluster

    def parts() -> list[Path]:
        return sorted(folder.glob("blocks-*.json"))

    code, _, told = command(*given, whole)
    assert code == 0, told
    # One of two workers is killed, then the run itself.
    started = [*program, *on_ray, "--address", address]
    with subprocess.Popen(started, env=environment_of_cluster(mark), stdout=nowhere, stderr=nowhere) as run:
        until(lambda: len(parts()) >= 2)
        os.kill(processes(mark_of_cluster, WORKER)[0], signal.SIGKILL)
        seen = len(parts())
        until(lambda: len(parts()) >= seen + 3)
        run.kill()
    until(lambda: not processes(mark_of_cluster, WORKER))
    assert not file.exists() and 5 <= len(parts()) < 13
    # A part is torn besides. The run is only gone on with where that is asked for, by the engine that began it.
    torn = parts()[1]
    torn.write_bytes(torn.read_bytes()[:-100])
    kept = parts()[0].stat().st_mtime_ns
    for arguments, said in (
        (on_ray, f"error: {folder} is there already"),
        ([*given, str(file), "--resume"], f"error: {folder} is there: a run with --engine ray began it"),
        ([*on_ray, "--resume", "--truncate"], "cannot be continued: whether longer sentences are cut differs"),
    ):
        code, _, err = command(*arguments)
        assert code == 2 and said in err
    # On a cluster of its own, which ends with it, the rest is done.
    started = [*program, *on_ray, "--resume", "--json"]
    at_home = {**environment(mark), "HOME": str(tmp_path / "home")}
    (tmp_path / "home").mkdir()
    with subprocess.Popen(started, stdout=pipe, stderr=pipe, text=True, env=at_home) as resumed:
        until(lambda: resumed.poll() is not None or len(parts()) >= 13)
        assert not folder.exists() or parts()[0].stat().st_mtime_ns == kept
        out, err = resumed.communicate()
    assert resumed.returncode == 0, err
    until(lambda: not processes(mark))
    said = [f"{torn} is damaged: what it should hold is profiled again", f"written to {file}"]
    assert [line for line in err.splitlines() if line in said] == said, err
    assert file.read_bytes() == whole.read_bytes() == out.encode() and not folder.exists()
    assert not (tmp_path / "home" / ".ray").exists()


def test_a_run_goes_on_with_what_one_process_began(
    command: Command, checkpoint: Path, cluster: tuple[str, str], tmp_path: Path
) -> None:
    source, file, whole = tmp_path / "s.txt", tmp_path / "t.jsonl", tmp_path / "whole.jsonl"
    folder, (address, _) = tmp_path / "t.jsonl.shards", cluster
    source.write_text("\n\n".join([*SENTENCES[:190], "cats " * 20, "\u2603 is not in it"]))
    given = ["--input", str(source), "--model", str(checkpoint), "--batch-size", "1", "--layer", "1", "--stats"]
    given = [*given, "--level", "module", "--threads", "1", "--max-length", "16", "--truncate", "-o"]
    code, _, told = command("run", *given, whole, "--ablate", "layer.0.head.1")
    assert code == 0, told
    lines = whole.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:10]))  # in the midst of a window
    on_ray = [*given, str(file), "--ablate", "layer.0.head.1", "--engine", "ray"]
    code, _, err = command("run", *on_ray)
    assert code == 2 and f"error: {file} is there already" in err
    started = [sys.executable, "-m", "bert_inspect", "run", *on_ray, "--address", address, "--resume"]
    resumed = subprocess.run(started, env=environment_of_cluster(str(tmp_path)), capture_output=True, text=True)
    assert resumed.returncode == 0, resumed.stderr
    said = resumed.stderr.splitlines()
    assert any(line.endswith(f", written to {file}") for line in said) and {*told.splitlines()[-2:]} <= {*said}
    assert file.read_bytes() == whole.read_bytes() and not folder.exists()
