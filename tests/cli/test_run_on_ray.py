"""`run --input --engine ray`: workers write the bytes that one process writes, also where that has begun.

What kills leave is tried in `test_profile_on_ray`, with the same engine.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from on_ray import environment_of_cluster, started_cluster

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


def test_workers_go_on_with_what_one_process_began_and_write_its_bytes(
    command: Command, checkpoint: Path, cluster: tuple[str, str], tmp_path: Path
) -> None:
    source, file, whole = tmp_path / "s.txt", tmp_path / "t.jsonl", tmp_path / "whole.jsonl"
    folder, (address, _) = tmp_path / "t.jsonl.shards", cluster
    source.write_text("\n\n".join([*SENTENCES, "cats " * 20, "\u2603 is not in it"]))
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
