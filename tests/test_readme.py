"""The README's commands do what it says, and its picture is a real run's."""

import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny_config
from transformers.models.bert.modeling_bert import (
    BertForMultipleChoice,
    BertForQuestionAnswering,
    BertForTokenClassification,
    BertModel,
)

import bert_inspect

ROOT = Path(bert_inspect.__file__).parent.parent
README = (ROOT / "README.md").read_text()
CONSOLE = "".join(re.findall(r"```console\n(.*?)```", README, re.DOTALL))
COMMANDS = [line[2:] for line in CONSOLE.splitlines() if line.startswith("$ ") and "bert-inspect " in line]


YOURS = {
    "my-ner": BertForTokenClassification,
    "my-qa": BertForQuestionAnswering,
    "my-choice": BertForMultipleChoice,
    "all-MiniLM-L6-v2": BertModel,
}
"""What stands for the checkpoints of a reader."""
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> Path:
    """One folder for all commands: some read what others wrote."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "sentences.txt").write_text("I love cats!\nHe hates pineapple pizza.\n")
    for name, kind in YOURS.items():
        kind(tiny_config()).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    return folder


@pytest.fixture(autouse=True)
def in_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HF_HUB_CACHE", str(folder))


def in_a_shell(line: str) -> str:
    """Run a line with pipes or redirections as a shell would, with this environment's bert-inspect."""
    program = f"{shlex.quote(sys.executable)} -m bert_inspect"
    line = re.sub(r"(^|\| )bert-inspect ", rf"\1{program} ", line)
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True).stdout


def in_this_process(line: str, command: Command, monkeypatch: pytest.MonkeyPatch) -> str:
    settings, _, rest = line.rpartition("bert-inspect ")
    for setting in settings.split():
        monkeypatch.setenv(*setting.split("=", 1))
    code, out, err = command(*shlex.split(rest))
    differs = "--b text=" in rest or "--b ablate=" in rest
    assert code == (1 if differs else 0), err  # 1: the two sides differ, as they should
    return out


@pytest.mark.slow
@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_readme_works(
    line: str, folder: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "--input" in line and "profile" not in line:
        assert in_this_process(line, command, monkeypatch) == ""
        lines = (folder / line.split("-o ")[1].split()[0]).read_text().splitlines()
        assert len(lines) == (2 if "explain" in line else 1)  # a sentence a line, or a batch
    elif "explore" in line:  # tests/cli/test_explore.py gives it a terminal
        assert "explore fills a terminal" in command(*shlex.split(line)[1:])[2]
    elif "report" in line or ("walk" in line and "-o" in line):
        assert in_this_process(line, command, monkeypatch) == ""
        assert (folder / line.split("-o ")[1]).read_text().startswith("<!doctype html>")
    elif line.startswith("bert-inspect diagram") and "-o" in line:
        assert in_this_process(line, command, monkeypatch) == ""
        assert (folder / line.split("-o ")[1]).stat().st_size > 1000
    elif ">" in line:
        in_a_shell(line)
        assert (folder / line.split("> ")[1]).stat().st_size > 1000
    else:
        out = in_a_shell(line) if "|" in line else in_this_process(line, command, monkeypatch)
        assert len(out.splitlines()) > 5


def test_the_picture_is_what_the_command_shows(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = re.search(r"```text\n(.*?)```", README, re.DOTALL)
    assert picture is not None
    out = in_this_process(COMMANDS[0], command, monkeypatch)
    for part in picture[1].split("...\n"):  # what is left out between two parts
        assert part in out


def test_the_picture_of_a_comparison_is_what_the_command_shows(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bert_inspect import load

    model, tokenizer = load("bert-tiny", weights="random")
    for name, eps in (("mine", 1e-12), ("theirs", 1e-5)):
        model.config.layer_norm_eps = eps
        model.save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    picture = re.findall(r"```text\n(.*?)```", README, re.DOTALL)[1]
    line, *shown = picture.splitlines()
    monkeypatch.setenv("COLUMNS", "120")
    code, out, _ = command(*shlex.split(line.removeprefix("$ bert-inspect ")))
    # On which line of which release a step stands is not the README's to promise.
    assert code == 1 and [re.sub(r":\d+ ", ": ", line) for line in shown] == [
        re.sub(r":\d+ ", ": ", line) for line in out.splitlines()[: len(shown)]
    ]


def test_the_picture_of_an_explanation_is_what_the_command_shows(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    line, shown = next(picture.split("\n...\n") for picture in pictures if picture.startswith("$ bert-inspect explain"))
    monkeypatch.setenv("COLUMNS", "100")
    code, out, _ = command(*shlex.split(line.removeprefix("$ bert-inspect ")))
    # How far rounding takes the two apart is each machine's own.
    assert code == 0 and re.sub(r"differs by \S+,", "", shown) in re.sub(r"differs by \S+,", "", out)


def test_the_picture_of_a_number_is_what_the_command_shows(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    line, shown = next(picture.split("\n", 1) for picture in pictures if picture.startswith("$ bert-inspect cell"))
    monkeypatch.setenv("COLUMNS", "120")
    code, out, _ = command(*shlex.split(line.removeprefix("$ bert-inspect ")))
    # How far rounding takes the two apart is each machine's own, and the line of source each release's.
    plain = (re.sub(r"differs by \S+,|\.py:\d+", "", text) for text in (shown, out))
    assert code == 0 and next(plain) == next(plain)


def test_the_picture_of_a_station_is_what_the_command_shows(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    line, shown = next(picture.split("\n", 1) for picture in pictures if picture.startswith("$ bert-inspect walk"))
    monkeypatch.setenv("COLUMNS", "140")
    code, out, _ = command(*shlex.split(line.removeprefix("$ bert-inspect ")))
    top, below = shown.split("...\n", 1)
    assert code == 0 and out.startswith(top)
    told = re.sub(r"differs by \S+,", "", out[out.index(below.partition("\n")[0]) :]).split()
    for word, own in zip(re.sub(r"differs by \S+,", "", below).split(), told, strict=False):
        # The last digit of a sum is each machine's own.
        assert word == own or float(word.strip("(),:")) == pytest.approx(float(own.strip("(),:")), rel=1e-4)


@pytest.mark.slow
def test_the_python_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    traced, explained, toured = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(traced, {})
    assert "bert.encoder.layer.1.attention.self [2, 12, 8, 8]" in capsys.readouterr().out
    exec(explained, {})
    assert "not 1.45\n" in capsys.readouterr().out
    exec(toured, {})
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "(1, 12, 6, 6)" and shown[2] == "attention scores, layer 0, head 2, love -> i"


def test_the_targets_that_the_readme_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`?make (\w+)`?", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.slow
def test_the_pictures_are_what_make_pictures_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "")  # the script sets it; afterwards it is as before
    runpy.run_path(str(ROOT / "pictures" / "draw.py"))["draw"](tmp_path)
    shown = re.findall(r'src="(pictures/[^"]+)"', README)
    assert sorted(shown) == sorted(f"pictures/{file.name}" for file in tmp_path.iterdir())
    for name in shown:
        assert (ROOT / name).read_text() == (tmp_path / Path(name).name).read_text()
