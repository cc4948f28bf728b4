"""A Ray cluster for tests, and the processes of what runs on it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MARK = "BERT_INSPECT_TEST_MARK"
WORKER = "ray::MapWorker"
"""How the command line of a worker begins."""
CLUSTER = """
import ray, sys, tempfile
with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as folder:
    made = ray.init(
        num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False, _temp_dir=folder
    )
    print(made.address_info["gcs_address"], flush=True)
    sys.stdin.read()
    ray.shutdown()
"""
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "of-the-tests-" * 4}
"""By which the cluster lets in only who knows it; Ray would write one into the home folder."""


def environment(mark: str) -> dict[str, str]:
    return {**os.environ, MARK: mark, "OMP_NUM_THREADS": "1"}


def environment_of_cluster(mark: str) -> dict[str, str]:
    return {**environment(mark), **TOKEN, "RAY_USAGE_STATS_ENABLED": "0"}


@contextmanager
def started_cluster(mark: str) -> Iterator[str]:
    """Start a cluster of two processors on this machine, whose processes bear a mark; yield its address."""
    command, pipe = [sys.executable, "-c", CLUSTER], subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment_of_cluster(mark), text=True
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        yield process.stdout.readline().strip()
        process.stdin.close()
        process.wait()


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
