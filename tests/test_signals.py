"""Ctrl-C and its kin: at whatever moment they come, one line says so and nothing half-written is left."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file

import bert_inspect
from bert_inspect import Trace

INTERRUPT = Path(__file__).parent / "interrupt.py"
Command = Callable[..., tuple[int, str, str]]


@pytest.mark.slow
def test_a_signal_at_any_moment_leaves_nothing_half_written(traced: Trace, checkpoint: Path, tmp_path: Path) -> None:
    traced.save(tmp_path / "t.json")
    (tmp_path / "s.txt").write_text("I love cats!\nHe hates pineapple pizza.\n")
    model = ["--model", str(checkpoint)]
    outputs = ["-o", "{folder}/t.json", "--tensors", "{folder}/t.safetensors"]
    jobs = [
        ["SIGINT", 3, ["show", str(tmp_path / "t.json"), "--values", "-o", "{folder}/t.json"]],
        ["SIGINT", 4, ["run", "I love cats!", *model, "--layer", "0", *outputs]],
        ["SIGTERM", 2, ["run", "--input", str(tmp_path / "s.txt"), "--batch-size", "1", *model, "-o", "{folder}/l"]],
    ]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(INTERRUPT), str(tmp_path), json.dumps(jobs)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    ends = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"signal"')]
    assert len(ends) > 12
    for end in ends:
        assert end["code"] == (130 if end["signal"] == "SIGINT" else -signal.SIGTERM), end
        assert end["stderr"].endswith("error: interrupted\n"), end
        assert "Traceback" not in end["stderr"] and "ignored" not in end["stderr"], end
        for file in map(Path, end["files"]):
            if file.suffix == ".json":
                assert Trace.load(file).steps
            elif file.suffix == ".safetensors":
                assert load_file(file)
            else:
                assert file.name == "l" and all(map(Trace.from_json, file.read_bytes().splitlines())), file


def test_ctrl_c_in_the_pager_is_the_pagers(
    traced: Trace, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced.save(tmp_path / "t.json")
    pager = tmp_path / "pager"
    pager.write_text(f'#!/bin/sh\ntrap "" INT\ncat > {tmp_path}/paged\nkill -INT $PPID\nexit 0\n')
    pager.chmod(0o755)
    monkeypatch.setattr("bert_inspect.terminal.is_interactive", lambda: True)
    monkeypatch.setenv("PAGER", str(pager))
    monkeypatch.setenv("TERM", "xterm")
    code, out, err = command("show", tmp_path / "t.json")
    paged = (tmp_path / "paged").read_text()
    assert (code, err) == (0, "") and "attention probabilities" in paged
    # What is read last stays on the screen: the predictions and the totals, as the pager showed them.
    assert "attention probabilities" not in out and "module calls" in out and paged.endswith(out)


@pytest.mark.parametrize(
    ("asked", "left", "only_paged"),
    [
        (["attention"], ["probability", "attention in sentence 1 of 2", "entropy, bits"], "rows: query tokens"),
        (["attention", "--layer", "1", "--head", "2"], ["layer 1, head 2: "], "rows: query tokens"),
        (["attention", "--layer", "1", "--mean"], ["layer 1, mean of 4 heads: "], "rows: query tokens"),
        (["doctor", "--only", "padding"], ["healthy: 1 passed"], "pass"),
    ],
)
def test_the_answer_stays_once_the_pager_is_left(
    command: Command,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: list[str],
    left: list[str],
    only_paged: str,
) -> None:
    pager = tmp_path / "pager"
    pager.write_text(f"#!/bin/sh\ncat > {tmp_path}/paged\n")
    pager.chmod(0o755)
    monkeypatch.setattr("bert_inspect.terminal.is_interactive", lambda: True)
    monkeypatch.setenv("PAGER", str(pager))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("LINES", "3")
    monkeypatch.setenv("COLUMNS", "100")
    texts = ["I love cats!", "He hates pineapple pizza."]
    code, out, _ = command(asked[0], *texts, "--model", checkpoint, *asked[1:])
    assert code == 0 and all(each in out for each in left)
    assert only_paged in (tmp_path / "paged").read_text() and only_paged not in out.replace("passed", "")


def test_less_keeps_colours_and_long_lines_unless_the_user_says_how(
    traced: Trace, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced.save(tmp_path / "t.json")
    pager = tmp_path / "less"
    pager.write_text(f'#!/bin/sh\ncat > /dev/null\necho "$LESS" >> {tmp_path}/seen\n')
    pager.chmod(0o755)
    monkeypatch.setattr("bert_inspect.terminal.is_interactive", lambda: True)
    monkeypatch.setenv("PAGER", str(pager))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("LESS", raising=False)
    command("show", tmp_path / "t.json")
    monkeypatch.setenv("LESS", "-FX")
    command("show", tmp_path / "t.json")
    assert (tmp_path / "seen").read_text().splitlines() == ["-RS", "-FX"]


def test_a_signal_that_is_ignored_stays_so(tmp_path: Path) -> None:
    code = "import signal; from bert_inspect.signals import end_at_once; end_at_once(); "
    code += "print(int(signal.getsignal(signal.SIGHUP)))"
    shell = f"trap '' HUP; exec {sys.executable} -c '{code}'"
    folder = Path(bert_inspect.__file__).parent.parent
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True, cwd=folder)
    assert int(done.stdout) == signal.SIG_IGN
