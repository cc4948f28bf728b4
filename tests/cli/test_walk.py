"""`walk` from the outside: one station or all, of a model and of a trace, in a pipe and at a terminal."""

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from families.tiny import tiny
from helpers import TEXTS

from bert_inspect import Trace
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import MASKED_LM, MULTIPLE_CHOICE, NO_HEAD, Head

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, traced: Trace) -> Path:
    file = tmp_path_factory.mktemp("walks") / "whole.json"
    traced.save(file)
    return file


def test_a_pipe_gets_all_stations_one_after_another(command: Command, checkpoint: Path) -> None:
    code, out, err = command("walk", *TEXTS, "--model", checkpoint, "--labels", "1,0")
    assert code == 0, err
    titles = re.findall(r"^(\d+) of (\d+)  (.*?) ─", out, re.MULTILINE)
    assert [int(number) for number, _, _ in titles] == list(range(1, 30)) and titles[0][2] == "The text"
    assert titles[-1][2] == "The loss" and "\x1b" not in out
    assert out.count("│ attention scores") == 1  # a component's diagram is drawn once


def test_one_station_is_shown_with_its_diagram(command: Command, checkpoint: Path) -> None:
    code, out, err = command("walk", *TEXTS, "--model", checkpoint, "--station", "scores")
    assert (code == 2 and "may be several stations" in err) or code == 0
    code, out, err = command("walk", *TEXTS, "--model", checkpoint, "--station", "attention scores", "--sentence", "2")
    assert code == 0 and out.startswith("11 of 28  Attention scores ─") and "│ attention scores" in out
    assert "How well does each query fit each key?" in out and "text 2 of 2, head " in out
    assert "modeling_bert.py:" in out and "= sum over 8 of query heads[" in out


@pytest.mark.slow
def test_each_cell_command_tells_the_same_number(command: Command, checkpoint: Path) -> None:
    out = command("walk", *TEXTS, "--model", checkpoint, "--labels", "1,0", "--sentence", "2")[1]
    lines = re.findall(r"^\$ (bert-inspect cell .*)$", out, re.MULTILINE)
    assert len(lines) == 25  # at all stations but the first three and the one on all layers
    for station in re.split(r"^\d+ of \d+  ", out, flags=re.MULTILINE)[1:]:
        line = re.search(r"^\$ bert-inspect (cell .*)$", station, re.MULTILINE)
        if line is None:
            continue
        code, text, err = command(*shlex.split(line[1]), "--json")
        assert code == 0, (line[1], err)
        cell = json.loads(text)["cell"]
        assert f"{cell['name']} = " in station and cell["reproduces"]


@pytest.mark.slow
def test_every_other_command_works(command: Command, checkpoint: Path) -> None:
    out = command("walk", TEXTS[0], "--model", checkpoint, "--attention", "sdpa", "--labels", "1")[1]
    lines = {line for line in re.findall(r"^\$ bert-inspect (.*)$", out, re.MULTILINE) if not line.startswith("cell")}
    assert {line.split()[0] for line in lines} >= {"tokens", "model", "source", "run", "explain", "compare"}
    for line in sorted(lines):
        code, _, err = command(*shlex.split(line))
        assert code in (0, 1) and not err.startswith("error"), (line, err)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "head", "given", "station"),
    [
        ("bert", MULTIPLE_CHOICE, ["I love", "--choice", "cats", "--choice", "pizza"], "logits"),
        ("bert", NO_HEAD, TEXTS, "attention-output"),
        ("bert", MASKED_LM, TEXTS, "attention-output"),
        ("bert", NO_HEAD, TEXTS, "position-embeddings"),
        ("deberta-v2", NO_HEAD, TEXTS, "relative-positions"),
        ("modernbert", NO_HEAD, TEXTS, "query-key-value"),
        ("modernbert", NO_HEAD, TEXTS, "rotary-positions"),
    ],
    ids=lambda each: getattr(each, "task", None),
)
def test_the_commands_of_other_models_work_too(
    command: Command, tokenizer: Any, tmp_path: Path, family: str, head: Head, given: list[str], station: str
) -> None:
    tiny(FAMILIES[family], head, vocab_size=28996, num_hidden_layers=1).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    out = command("walk", *given, "--model", tmp_path, "--sentence", "2", "--station", station)[1]
    cell, more = re.findall(r"^\$ bert-inspect (.*)$", out, re.MULTILINE)
    code, told, err = command(*shlex.split(cell))
    assert code == 0, (cell, err)
    assert re.findall(r"^(\S.* = \S+)$", told, re.MULTILINE)[0] in out, cell
    code, _, err = command(*shlex.split(more))
    assert code == 0, (more, err)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["-x rm", "two\nlines", "a\u202eb"])
def test_a_text_of_an_odd_kind_is_typed_so_that_it_is_read_again(command: Command, checkpoint: Path, text: str) -> None:
    out = command("walk", "--model", checkpoint, "--station", "query-key-value", "--", text)[1]
    cell, source = re.findall(r"^\$ (bert-inspect .*)$", out, re.MULTILINE)
    for line in (cell, source):
        words = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True)
        code, _, err = command(*words.stdout.decode().split("\0")[1:-1])
        assert code == 0, (line, err)


def test_without_weights_no_command_asks_for_numbers(command: Command, checkpoint: Path) -> None:
    out = command("walk", *TEXTS, "--model", checkpoint, "--weights", "none")[1]
    lines = re.findall(r"^\$ bert-inspect (.*)$", out, re.MULTILINE)
    assert {line.split()[0] for line in lines} == {"tokens", "model", "source", "run"}
    assert not any("--values" in line for line in lines) and "every line below" not in out


def test_of_a_file_of_traces_it_is_said_how_to_take_one(command: Command, tmp_path: Path, traced: Trace) -> None:
    many = tmp_path / "many.jsonl"
    traced.save(tmp_path / "one.json")
    many.write_text((json.dumps(json.loads((tmp_path / "one.json").read_text()), separators=(",", ":")) + "\n") * 2)
    code, _, err = command("walk", "--trace", many)
    assert code == 4 and "holds 2 traces" in err
    (line,) = re.findall(r"hint: bert-inspect (.*) saves the first alone", err)
    words = [tmp_path / word if word == "one.json" else word for word in shlex.split(line)]
    assert command(*words)[0] == 0 and command("walk", "--trace", tmp_path / "one.json")[0] == 0


def test_a_trace_names_no_command_that_would_run_another_model(command: Command, whole: Path) -> None:
    lines = re.findall(r"^\$ bert-inspect (.*)$", command("walk", "--trace", whole)[1], re.MULTILINE)
    assert {line.split()[0] for line in lines} == {"tokens", "cell", "source", "attention", "show"}
    for line in sorted({line for line in lines if line.startswith("show")}):
        assert command(*shlex.split(line))[0] == 0, line


def test_a_trace_of_a_model_that_has_a_name_is_explained_by_that_model(command: Command, tmp_path: Path) -> None:
    saved = tmp_path / "named.json"
    assert command("run", TEXTS[0], "--model", "bert-base-cased", "--weights", "none", "-o", saved)[0] == 0
    out = command("walk", "--trace", saved)[1]
    assert "$ bert-inspect model bert-base-cased" in out and f"$ bert-inspect show {shlex.quote(str(saved))}" in out


def test_a_saved_trace_is_walked_without_torch_and_says_what_it_lacks(command: Command, whole: Path) -> None:
    code, out, err = command("walk", "--trace", whole, "--station", "query-key-value")
    assert code == 0 and "loading" not in err and "the arithmetic: its weights are not in the trace" in out
    code, out, err = command("walk", "--trace", whole, "--station", "scaling", "--layer", "1")
    assert code == 0 and "scaled attention scores, layer 1" in out
    assert f'$ bert-inspect cell "scaled attention scores" --trace {shlex.quote(str(whole))} --layer 1' in out


def test_without_numbers_there_are_shapes_and_a_word_on_it(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    code, out, _ = command("walk", TEXTS[0], "--model", checkpoint, "--weights", "none")
    assert code == 0 and "without weights there are shapes and no numbers" in out and " = " not in out.split("$")[0]
    assert "attention scores  batch 1 x heads 4 x query tokens 6 x key tokens 6" in out
    assert command("run", TEXTS[0], "--model", checkpoint, "-o", tmp_path / "bare.json")[0] == 0
    code, out, _ = command("walk", "--trace", tmp_path / "bare.json", "--station", "word-embeddings")
    assert code == 0 and "this run's numbers were not kept" in out


def test_what_is_not_there_is_an_error_in_two_lines(command: Command, checkpoint: Path) -> None:
    for arguments, message in (
        (("--station", "nowhere"), "there is no station 'nowhere'"),
        (("--station", "loss"), "there is a loss only with labels"),
        (("--sentence", "2"), "there is no sentence 2"),
        (("--layer", "2"), "there is no layer 2"),
    ):
        code, out, err = command("walk", TEXTS[0], "--model", checkpoint, *arguments)
        assert (code, out) == (2, "") and f"error: {message}" in err and "hint: " in err
    assert "--labels" in command("walk", TEXTS[0], "--model", checkpoint, "--station", "loss")[2]


def test_names_of_stations_are_completed() -> None:
    from bert_inspect.cli.complete import stations
    from bert_inspect.stations.names import NAMES

    assert (
        stations("attention-") == [name for name in NAMES if name.startswith("attention-")] and len(stations("")) > 30
    )
