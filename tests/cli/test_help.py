"""The help: nothing is cut at 80 columns, every option has its panel, and every example does what it says."""

import pty
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from helpers import TEXTS, tiny_model

from bert_inspect.cli.app import app
from bert_inspect.cli.examples import EXAMPLES

Command = Callable[..., tuple[int, str, str]]
TOP = typer.main.get_command(app).commands  # type: ignore[attr-defined]
COMMANDS = TOP | {
    f"{name} {below}": command for name in TOP for below, command in getattr(TOP[name], "commands", {}).items()
}
"""Every command, those below another too."""
PANELS = {"Input", "Compare", "Model", "Edit", "Filter", "Show", "Save", "Terminal", "Machines"}
GROUPS = {
    "See the pass": [
        *("run", "show", "tokens", "model", "source", "diagram", "attention", "report", "walk", "explore")
    ],
    "Ask why": ["explain", "cell", "ablate", "patch", "doctor"],
    "Compare": ["diff", "compare"],
    "Many sentences": ["profile", "run --input"],
    "Format": ["schema"],
}


def sections(help_text: str) -> dict[str, str]:
    """What stands below each heading of a help."""
    parts = re.split(r"^(\w[\w ]*):\n", help_text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_commands_stand_in_groups_each_with_a_line_that_is_not_cut(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = command("--help")[1]
    found = sections(out)
    for group, names in GROUPS.items():
        rows = found[group].rstrip().splitlines()
        assert [re.split(r"  +", row.strip())[0] for row in rows] == names
        assert all(row.endswith(".") and not row.endswith("..") for row in rows)
    assert {name for names in GROUPS.values() for name in names} - {"run --input"} == set(TOP)
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_stands_in_a_panel(command: Command, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = command(*name.split(), "--help")[1]
    found = sections(out)
    assert set(found) <= PANELS | {"Arguments", "Commands", "Examples"} and "--help" in found["Terminal"]
    panel = {
        option: title for title in PANELS & set(found) for option in re.findall(r"^  .*?(--[\w-]+)", found[title], re.M)
    }
    expected = {"--model": "Model", "--layer": "Filter", "--module": "Filter", "--stats": "Show", "--depth": "Show"}
    expected |= {
        "--ablate": "Edit",
        "--output": "Save",
        "--pair": "Input",
        "--trace": "Input",
        "--quiet": "Terminal",
        "--atol": "Compare",
    }
    assert {option: panel[option] for option in expected if option in panel} == {
        option: title for option, title in expected.items() if option in panel
    }
    assert len(found["Examples"].strip().splitlines()) == 6 and max(map(len, out.splitlines())) <= 80


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> Path:
    """A folder with everything that an example names: a model of six layers, sentences."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(checkpoint, folder / "tiny")
    tiny_model(num_hidden_layers=6).save_pretrained(folder / "tiny")
    (folder / "sentences.txt").write_text("\n".join(TEXTS) + "\n")
    return folder


@pytest.fixture
def in_folder(folder: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("BERT_INSPECT_MODEL", "tiny")
    monkeypatch.setenv("HF_HUB_CACHE", str(folder))
    if not (folder / "trace.json").exists():
        for name, attention in (("trace", "eager"), ("a", "eager"), ("b", "sdpa")):
            assert command("run", TEXTS[0], "--attention", attention, "--values", "-o", f"{name}.json")[0] == 0
        Path("made").mkdir()
        for name, options in (("whole", ["--examples"]), ("1", ["--shard", "1/2"]), ("2", ["--shard", "2/2"])):
            given = ["profile", "--input", "sentences.txt", *options, "-o", f"made/{name}.json"]
            assert command(*given)[0] == 0


# What fills a terminal is tried at one of its own: tests/cli/test_explore.py.
LINES = [line for name, lines in EXAMPLES.items() if name != "explore" for line, _ in lines]


@pytest.mark.slow
@pytest.mark.usefixtures("in_folder")
@pytest.mark.parametrize("line", LINES)
def test_an_example_works(line: str, command: Command) -> None:
    program, *arguments = shlex.split(re.split(r" [|>] ", line)[0])
    if "traces.jsonl" in line:
        Path("traces.jsonl").unlink(missing_ok=True)
    for file in ("profile.json", "1.json"):
        if f"-o {file}" in line:
            Path(file).unlink(missing_ok=True)
    if "profile show" in line or "profile diff" in line:
        for file in re.findall(r"[a-z]+\.json", line):
            shutil.copy("made/whole.json", file)
    if "profile merge" in line:
        for number in (1, 2):
            shutil.copy(f"made/{number}.json", ".")
    if "--line" in line:
        assert command("run", "--input", "sentences.txt", "-o", "traces.jsonl")[0] == 0
    code, out, err = command(*arguments)
    answers_no = {"diff", "compare", "doctor"}
    assert program == "bert-inspect" and code in ({0, 1} if arguments[0] in answers_no else {0}), err
    assert not re.search(r"^error", err, re.MULTILINE) and (out or "written to" in err)


def test_each_command_has_three_examples_of_its_own() -> None:
    assert set(EXAMPLES) == set(COMMANDS) and all(len(lines) == 3 for lines in EXAMPLES.values())
    for name, lines in EXAMPLES.items():
        assert all(f"{line} ".startswith(f"bert-inspect {name} ") and len(line) <= 76 for line, _ in lines)


def at_a_terminal(*arguments: str) -> Any:
    """Run the program with a terminal on stdin."""
    _, theirs = pty.openpty()
    return subprocess.run(
        [sys.executable, "-m", "bert_inspect", *arguments], stdin=theirs, capture_output=True, text=True
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        *(["run"], ["tokens"], ["source", "attention.self"], ["compare"], ["attention"], ["explore"]),
        *(["cell", "logits"], ["ablate"]),
    ],
)
def test_without_a_sentence_a_person_gets_five_lines(arguments: list[str]) -> None:
    done = at_a_terminal(*arguments)
    lines = done.stderr.splitlines()
    assert (done.returncode, done.stdout, len(lines)) == (2, "", 5)
    assert lines[0].startswith(f"Usage: bert-inspect {arguments[0]}")
    assert lines[1] == COMMANDS[arguments[0]].help.splitlines()[0]
    assert [line.strip() for line in lines[2:4]] == [line for line, _ in EXAMPLES[arguments[0]][:2]]
    assert lines[4] == f"bert-inspect {arguments[0]} --help shows all options."


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["I love cats!"], 'for a sentence: bert-inspect run "I love cats!"'),
        (["I", "love", "cats"], 'for a sentence: bert-inspect run "I love cats"'),
        (['it costs $5 "now"'], "for a sentence: bert-inspect run 'it costs $5 \"now\"'"),
        (["atention", "x"], "did you mean attention?"),
        (["frobnicate"], "bert-inspect --help lists the commands"),
    ],
)
def test_what_is_no_command_is_perhaps_a_sentence(command: Command, arguments: list[str], hint: str) -> None:
    code, out, err = command(*arguments)
    assert (code, out) == (2, "")
    assert err == f"error: there is no command {arguments[0]!r}\nhint: {hint}\n"
