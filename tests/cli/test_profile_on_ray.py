"""`profile --engine ray`: two workers write the bytes that one process writes, whoever is killed meanwhile."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="the extra ray is not installed")
pytest.importorskip("pyarrow", reason="the extra ray is not installed")

SENTENCES = [f"{'cats love pizza ' * (1 + number % 4)}{number}" for number in range(600)]
MARK = "BERT_INSPECT_TEST_MARK"
CLUSTER = """
import ray, sys
made = ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
print(made.address_info["gcs_address"], flush=True)
sys.stdin.read()
ray.shutdown()
"""


TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "of-the-tests-" * 4}
"""By which the cluster lets in only who knows it; Ray would write one into the home folder."""


def environment(mark: str) -> dict[str, str]:
    return {**os.environ, **TOKEN, MARK: mark, "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster of two processors on this machine."""
    command = [sys.executable, "-c", CLUSTER]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(""),
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        yield process.stdout.readline().strip()
        process.stdin.close()
        process.wait()


@pytest.fixture(scope="module")
def arguments(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    source = tmp_path_factory.mktemp("corpus") / "s.txt"
    source.write_text("\n".join(SENTENCES))
    given = ["--input", str(source), "--model", str(checkpoint), "--batch-size", "1", "--layer", "1", "--threads", "1"]
    return [sys.executable, "-m", "bert_inspect", "profile", *given, "--level", "module", "-o"]


@pytest.fixture(scope="module")
def whole(arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What one process writes."""
    file = tmp_path_factory.mktemp("whole") / "p.json"
    subprocess.run([*arguments, str(file), "--quiet"], check=True, env=environment(""), stdout=subprocess.DEVNULL)
    return file.read_bytes()


def test_two_workers_write_what_one_process_writes(
    arguments: list[str], cluster: str, whole: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "p.json"
    given = [*arguments, str(file), "--engine", "ray", "--address", cluster]
    done = subprocess.run([*given, "--max-length", "5"], capture_output=True, text=True, env=environment(""))
    assert done.returncode == 2 and done.stdout == "", done.stderr
    assert "error: line " in done.stderr and "of s.txt has" in done.stderr and not [*tmp_path.iterdir()]
    done = subprocess.run(given, capture_output=True, text=True, env=environment(""))
    assert done.returncode == 0 and done.stdout.count("\n") >= 1, done.stderr
    assert [line for line in done.stderr.splitlines() if not line.endswith(" ...")] == [f"written to {file}"]
    assert file.read_bytes() == whole and [*tmp_path.iterdir()] == [file]


def processes(mark: str, name: str = "") -> list[int]:
    """The processes below the one with this mark, whose command line begins so."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            marked = f"{MARK}={mark}\0".encode() in (place / "environ").read_bytes()
            if marked and (place / "cmdline").read_bytes().startswith(name.encode()):
                found.append(int(place.name))
    return found


def until(holds: Callable[[], object], *, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_worker_and_the_run_are_killed_and_nothing_is_lost_or_counted_twice(
    arguments: list[str], whole: bytes, tmp_path: Path
) -> None:
    file, folder = tmp_path / "p.json", tmp_path / "p.json.shards"
    given, mark = [*arguments, str(file), "--engine", "ray"], str(tmp_path)

    def parts() -> list[Path]:
        return sorted(folder.glob("blocks-*.json"))

    with subprocess.Popen(given, env=environment(mark), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        until(lambda: len(parts()) >= 2)
        os.kill(processes(mark, "ray::MapWorker")[0], signal.SIGKILL)
        seen = len(parts())
        until(lambda: len(parts()) >= seen + 4)
        run.kill()
    until(lambda: not processes(mark))  # the cluster that it started has ended with it
    assert not file.exists() and len(parts()) < 19
    torn = parts()[1]
    torn.write_bytes(torn.read_bytes()[:-100])
    kept = parts()[0].stat().st_mtime_ns
    refused = subprocess.run(given, capture_output=True, text=True, env=environment(mark))
    assert refused.returncode == 2 and f"error: {folder} is there already" in refused.stderr
    done = subprocess.run([*given[:-2], "--resume"], capture_output=True, text=True, env=environment(mark))
    assert done.returncode == 2 and "a run with --engine ray began it" in done.stderr
    with subprocess.Popen([*given, "--resume"], stderr=subprocess.PIPE, text=True, env=environment(mark)) as resumed:
        until(lambda: resumed.poll() is not None or len(parts()) > 12)
        assert not folder.exists() or parts()[0].stat().st_mtime_ns == kept
        err = resumed.communicate()[1]
    assert resumed.returncode == 0 and f"{torn} is damaged" in err
    assert file.read_bytes() == whole and [*tmp_path.iterdir()] == [file]
