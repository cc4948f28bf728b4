"""`run --input --resume`: the same input, model and options go on to the same bytes; anything else is refused."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import change
from safetensors.torch import load_file, save_file

from bert_inspect.traces.line_store import open_lines

Command = Callable[..., tuple[int, str, str]]
KILLED = Path(__file__).parents[1] / "killed.py"
LONG = "cats love pizza " * 8


@pytest.fixture(scope="module")
def own(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that a test may change."""
    folder = tmp_path_factory.mktemp("own") / "tiny"
    shutil.copytree(checkpoint, folder)
    return folder


@pytest.fixture
def half(command: Command, own: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A file of sentences, and the output of a run that stopped after two of its batches."""
    source, output = tmp_path / "in.txt", tmp_path / "out.jsonl"
    source.write_text("".join(f"sentence {number} about cats\n" for number in range(10)) + LONG + "\n")
    code, _, err = command("run", "--input", source, "-o", output, *options(own))
    assert code == 0, err
    output.write_bytes(b"".join(output.read_bytes().splitlines(keepends=True)[:2]))
    return source, output


def options(own: Path, **changes: str | None) -> list[str]:
    """The options that the run was begun with, but for changes."""
    given: dict[str, str | None] = {"model": str(own), "batch-size": "3", "level": "module", "max-length": "20"}
    given |= {"truncate": ""}
    found = {**given, **{name.replace("_", "-"): value for name, value in changes.items()}}
    return [
        part
        for name, value in found.items()
        if value is not None
        for part in ([f"--{name}", value] if value else [f"--{name}"])
    ]


def refused(command: Command, source: Path, output: Path, given: list[str], *said: str) -> None:
    before = output.read_bytes()
    code, out, err = command("run", "--input", source, "-o", output, "--resume", *given)
    assert (code, out) == (2, ""), err
    told = [line for line in err.splitlines() if not line.endswith(" ...")]  # a slow machine says what it waits for
    assert len(told) == 2 and told[0].startswith(f"error: {output} cannot be continued: "), err
    assert told[1] == (
        "hint: repeat the input, the model and the options of the run that began it, or name another output"
    )
    assert all(word in told[0] for word in said), err
    assert output.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "bert-tiny"}, ["model: tiny there, bert-tiny in this run"]),
        ({"level": None}, ["level: module there, all in this run"]),
        ({"layer": "1"}, ["layer: all there, 1 in this run"]),
        ({"module": "bert.pooler"}, ["module: all there, bert.pooler in this run"]),
        ({"stats": ""}, ["statistics: not kept there, kept in this run"]),
        ({"values": ""}, ["values: not kept there, kept in this run"]),
        ({"time": ""}, ["seconds: not kept there, kept in this run"]),
        ({"verify": ""}, ["proof: not kept there, kept in this run"]),
        ({"attention": "sdpa"}, ["attention: eager there, sdpa in this run"]),
        ({"dtype": "float64"}, ["dtype: float32 there, float64 in this run"]),
        ({"weights": "random"}, ["weights: pretrained there, random in this run"]),
        ({"batch_size": "2"}, ["batches have 3 sentences, those of this run 2"]),
        ({"batch_size": "4"}, ["batches have 3 sentences, those of this run 4"]),
        ({"max_length": "5"}, ["has 6 tokens there, the limit is now 5"]),
    ],
    ids=str,
)
def test_another_model_or_other_options_are_refused(
    command: Command, own: Path, half: tuple[Path, Path], changes: dict[str, str | None], said: list[str]
) -> None:
    refused(command, *half, options(own, **changes), *said)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"max_length": "21"}, "line 11 was cut to 20 tokens there, the limit is now 21"),
        ({"max_length": None}, "line 11 was cut to 20 tokens there, the limit is now 64"),
        ({"truncate": None}, "line 11 was cut there, and this run does not cut"),
    ],
    ids=str,
)
def test_sentences_that_were_cut_otherwise_are_refused(
    command: Command, own: Path, tmp_path: Path, changes: dict[str, str | None], said: str
) -> None:
    source, output = tmp_path / "in.txt", tmp_path / "out.jsonl"
    source.write_text("cats\n" * 10 + LONG + "\n")
    assert command("run", "--input", source, "-o", output, *options(own))[0] == 0
    refused(command, source, output, options(own, **changes), said.replace("line", "sentence"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("other", "said"),
    [
        (lambda lines: ["a new first line", *lines], "line 1 of"),
        (lambda lines: [*lines[:2], "another sentence", *lines[3:]], "line 3 of"),
        (lambda lines: lines[:3], "lacks 3 of the 6 sentences that were traced"),
        (lambda lines: ["", *lines[1:]], "lacks 1 of the 6 sentences that were traced"),
        (lambda lines: [lines[0] + " ", *lines[1:]], "line 1 of"),
    ],
    ids=["inserted", "changed", "shortened", "emptied", "a blank more"],
)
def test_another_input_is_refused(
    command: Command, own: Path, half: tuple[Path, Path], other: Callable[[list[str]], list[str]], said: str
) -> None:
    source, output = half
    source.write_text("\n".join(other(source.read_text().splitlines())) + "\n")
    refused(command, source, output, options(own), said)


def test_an_input_that_has_grown_is_gone_on_with(command: Command, own: Path, half: tuple[Path, Path]) -> None:
    source, output = half
    before = output.read_bytes()
    with source.open("a") as more:
        more.write("one more\nand another\n")
    code, _, err = command("run", "--input", source, "-o", output, "--resume", *options(own))
    assert code == 0 and output.read_bytes().startswith(before), err
    with open_lines(output, resume=True) as lines:
        assert sorted(lines.finished.sentences) == list(range(1, 14))


def test_other_weights_of_the_same_name_are_refused(
    command: Command, own: Path, half: tuple[Path, Path], tmp_path: Path
) -> None:
    weights = load_file(own / "model.safetensors")
    torch.manual_seed(0)
    for name in ("classifier.weight", "bert.pooler.dense.weight"):
        weights[name] = weights[name] + 0.01 * torch.randn_like(weights[name])
    changed = tmp_path / "tiny"
    shutil.copytree(own, changed)
    save_file(weights, changed / "model.safetensors", metadata={"format": "pt"})
    refused(command, *half, options(changed), "answers otherwise: its weights are not those that were traced")
    change(changed / "config.json", layer_norm_eps=1e-5)
    refused(command, *half, options(changed), "config layer_norm_eps: 1e-12 there, 1e-05 in this run")


def test_another_release_is_refused_and_another_machines_rounding_is_not(
    command: Command, own: Path, half: tuple[Path, Path]
) -> None:
    source, output = half
    lines = [json.loads(line) for line in output.read_bytes().splitlines()]

    def write(other: Callable[[dict[str, Any]], object]) -> None:
        for line in lines:
            other(line)
        output.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))

    write(lambda line: line["environment"].update(torch="1.0"))
    refused(command, source, output, options(own), "version of torch: 1.0 there, ")
    write(lambda line: line["environment"].update(torch=torch.__version__))
    write(lambda line: line["output"].update(logits=[[n + 1e-5 for n in row] for row in line["output"]["logits"]]))
    code, _, err = command("run", "--input", source, "-o", output, "--resume", *options(own))
    assert code == 0, err


def test_what_is_done_is_held_against_the_run_too(command: Command, own: Path, half: tuple[Path, Path]) -> None:
    source, output = half
    assert command("run", "--input", source, "-o", output, "--resume", *options(own))[0] == 0
    refused(command, source, output, options(own, stats=""), "statistics")
    code, _, err = command("run", "--input", source, "-o", output, "--resume", *options(own))
    assert code == 0 and "nothing is left to do" in err


def test_an_output_that_another_run_holds_is_refused(command: Command, own: Path, half: tuple[Path, Path]) -> None:
    source, output = half
    with open_lines(output, resume=True):
        before = output.read_bytes()
        code, out, err = command("run", "--input", source, "-o", output, "--resume", *options(own))
        assert (code, out) == (2, "") and f"error: another run is writing to {output}\nhint: " in err
    assert output.read_bytes() == before


def test_without_locks_it_says_so(
    command: Command, own: Path, half: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError

    monkeypatch.setattr("fcntl.flock", none)
    code, _, err = command("run", "--input", half[0], "-o", half[1], "--resume", *options(own))
    assert code == 0 and f"the file system of {half[1]} has no locks" in err


@pytest.mark.slow
@pytest.mark.parametrize("target", ["/dev/stdout", "/dev/null"])
def test_into_what_is_no_file_nothing_is_continued(
    command: Command, own: Path, half: tuple[Path, Path], target: str
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bert_inspect", "run", "--input", str(half[0]), "-o", target, "--resume"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        out, err = process.communicate()
    assert (process.returncode, out) == (2, "") and f"{target} is not a plain file" in err and "--resume" in err


def test_a_run_that_fails_before_its_first_line_leaves_no_file(command: Command, own: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text(LONG)
    for given in (options(own, truncate=None), options(own, model="nowhere"), options(own, layer="9")):
        code, _, err = command("run", "--input", tmp_path / "in.txt", "-o", tmp_path / "out.jsonl", *given)
        assert code in (2, 3) and not (tmp_path / "out.jsonl").exists(), err


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes(
    command: Command, own: Path, tmp_path: Path
) -> None:
    source = tmp_path / "in.txt"
    source.write_text("".join(f"{'cats love pizza ' * (number % 5)}{number}\n\n" for number in range(13)))
    outputs = [tmp_path / "killed.jsonl", tmp_path / "whole.jsonl"]
    given = ["run", "--input", str(source), "--resume", "--quiet", *options(own), "-o"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    killing = [sys.executable, str(KILLED), *given, str(outputs[0])]
    done = subprocess.run(killing, capture_output=True, text=True, env=environment, check=True)
    ends = json.loads(done.stdout.splitlines()[-1])
    assert len(ends) >= 5 and set(ends[:-1]) == {-signal.SIGKILL} and ends[-1] == 0, done.stderr
    assert command(*given, outputs[1])[0] == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
