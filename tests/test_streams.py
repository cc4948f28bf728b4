"""Where a command runs: stdout that takes nothing, files that cannot be written, odd locales, terminals and folders."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest
from helpers import TEXTS
from msgspec import structs

from bert_inspect import Trace
from bert_inspect.__main__ import run as run_command

Command = Callable[..., tuple[int, str, str]]
PROGRAM = f"{sys.executable} -m bert_inspect"


@pytest.fixture
def saved(traced: Trace, tmp_path: Path) -> Path:
    traced.save(tmp_path / "t.json")
    return tmp_path / "t.json"


def in_bash(line: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    line = line.replace("bert-inspect", PROGRAM)
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, **settings)


# stdout


def closed_pipe() -> TextIO:
    read, write = os.pipe()
    os.close(read)
    return os.fdopen(write, "w", encoding="utf-8")


def full_disk() -> TextIO:
    return open("/dev/full", "w", encoding="utf-8")  # noqa: PTH123


PRODUCTS = [
    ["show", "{trace}"],
    ["show", "{trace}", "--json"],
    ["show", "{trace}", "-o", "-"],
    ["tokens", *TEXTS],
    ["tokens", "--trace", "{trace}", "--json"],
    ["schema"],
    ["model", "{model}"],
    ["model", "{model}", "--json"],
    ["run", "x", "--model", "{model}"],
    ["run", "x", "--model", "{model}", "--json", "--values"],
    ["run", "--input", "{sentences}", "--model", "{model}", "--json"],
]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", PRODUCTS, ids=" ".join)
def test_a_reader_that_leaves_is_no_failure_but_a_full_disk_is(
    saved: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    (tmp_path / "s.txt").write_text("\n".join(TEXTS))
    places = {"trace": saved, "model": checkpoint, "sentences": tmp_path / "s.txt"}
    for stdout, expected in ((closed_pipe(), (0, "")), (full_disk(), (1, "No space left on device"))):
        with stdout, tempfile.TemporaryFile("w+") as stderr:
            monkeypatch.setattr("sys.stdout", stdout)
            monkeypatch.setattr("sys.stderr", stderr)
            code = run_command([argument.format(**places) for argument in arguments])
            stderr.seek(0)
            lines = [line for line in stderr.read().splitlines() if not line.endswith(" ...")]
        assert code == expected[0] and len(lines) == code, lines
        assert not lines or lines[0] == f"error: cannot write the output: {expected[1]}"


@pytest.mark.slow
def test_a_closed_pipe_ends_quietly(saved: Path) -> None:
    for arguments in (f"show {saved} --values --json", "--help"):
        done = in_bash(f"bert-inspect {arguments} | head -1; echo ${{PIPESTATUS[0]}}")
        assert done.stderr == "" and done.stdout.splitlines()[-1] == "0"


@pytest.mark.slow
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "2>/dev/full"])
def test_closed_streams_are_no_failure(saved: Path, closed: str) -> None:
    for arguments, code in ((f"show {saved}", 0), ("run x --layer 99", 2), ("--version", 0)):
        done = in_bash(f"bert-inspect {arguments} {closed}")
        assert done.returncode == code and "Traceback" not in done.stderr
        assert "error" not in done.stdout


@pytest.mark.slow
def test_a_full_disk_is_an_error(saved: Path) -> None:
    for arguments in (f"show {saved}", f"show {saved} --json", "--help"):
        done = in_bash(f"bert-inspect {arguments} > /dev/full")
        assert (done.returncode, done.stderr) == (1, "error: cannot write the output: No space left on device\n")


# Files


BAD_OUTPUTS = [
    ("{folder}", "is a folder"),
    ("{folder}/none/t.json", "there is no folder"),
    ("{folder}/loop", "cannot write"),
    ("{folder}/loop/t.json", "cannot write"),
    ("{folder}/astray", "cannot write"),
    ("{folder}/t.json", "cannot be the output and another file too"),
    ("{folder}/link", "cannot be the output and another file too"),
    ("{folder}/" + "x" * 300, "cannot write"),
    ("{folder}/a\0b", "cannot write"),
    ("/dev/full", "No space left on device"),
    ("", "the name of the output is empty"),
]


@pytest.mark.parametrize(("output", "message"), BAD_OUTPUTS, ids=[repr(row[0])[:30] for row in BAD_OUTPUTS])
def test_an_output_that_cannot_be_is_told_and_nothing_is_left(
    command: Command, saved: Path, output: str, message: str
) -> None:
    folder, before = saved.parent, saved.read_bytes()
    (folder / "loop").symlink_to("loop")
    (folder / "astray").symlink_to("none/t.json")
    (folder / "link").symlink_to("t.json")
    there = sorted(folder.iterdir())
    code, out, err = command("show", saved, "--layer", "0", "-o", output.format(folder=folder))
    assert (code, out) == (2, "") and message in err and err.count("error: ") == 1
    assert sorted(folder.iterdir()) == there and saved.read_bytes() == before


def test_two_outputs_are_two_files(command: Command, tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("x\n")
    (tmp_path / "alias").symlink_to("t")
    same = (["run", "x", "--tensors", "t"], ["run", "x", "--tensors", "alias"])
    for arguments in same:
        code, _, err = command(
            *(tmp_path / part if part in ("t", "alias") else part for part in arguments), "-o", tmp_path / "t"
        )
        assert code == 2 and "cannot be the output and another file too" in err and not (tmp_path / "t").exists()
    code, _, err = command("run", "--input", tmp_path / "s.txt", "--resume", "-o", tmp_path / "s.txt")
    assert code == 2 and "another file too" in err and (tmp_path / "s.txt").read_text() == "x\n"


def test_what_is_no_plain_file_is_written_into_and_stays(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    for option in ("-o", "--tensors"):
        pipe = tmp_path / f"pipe{option}"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        code, _, err = command(
            "run", "x", "--model", checkpoint, "--depth", "1", "--layer", "0", "--level", "module", option, pipe
        )
        assert code == 0 and pipe.is_fifo() and os.read(reader, 8), err
        os.close(reader)


@pytest.mark.parametrize(
    "arguments", [["-o", "{file}"], ["--tensors", "{file}"], ["--input", "{lines}", "-o", "{file}"]]
)
def test_a_disk_that_fills_up_leaves_nothing(
    command: Command, checkpoint: Path, tmp_path: Path, arguments: list[str]
) -> None:
    (tmp_path / "s.txt").write_text("x\n")
    places = {"file": tmp_path / "new", "lines": tmp_path / "s.txt"}
    text = [] if "--input" in arguments else ["x"]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))  # a disk with room for 5000 bytes
    try:
        code, out, err = command("run", *text, *[part.format(**places) for part in arguments], "--model", checkpoint)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (code, out) == (2, "") and f"error: cannot write {tmp_path / 'new'}: " in err and "File too large" in err
    left = [file for file in tmp_path.iterdir() if file.name != "s.txt" and file.stat().st_size]
    assert left == []


def test_a_link_to_nothing_is_followed(command: Command, saved: Path) -> None:
    link = saved.parent / "link"
    link.symlink_to("later.json")
    assert command("show", saved, "-o", link)[0] == 0
    assert link.is_symlink() and Trace.load(saved.parent / "later.json").steps


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder in which this process may only read, root or not, until the test ends."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    os.seteuid(os.getuid())
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_folder_that_may_only_be_read_is_told(command: Command, traced: Trace, nobody: Path) -> None:
    traced.save(nobody / "t.json")
    assert command("show", nobody / "t.json", "--json")[0] == 0  # what is imported has to be before root is left
    traced.save(nobody / "hidden.json")
    (nobody / "hidden.json").chmod(0)
    (nobody / "mine.json").write_text("mine")
    nobody.chmod(0o555)
    if os.getuid() == 0:
        os.seteuid(65534)
    for output in ("new.json", "mine.json"):
        code, out, err = command("show", nobody / "t.json", "-o", nobody / output)
        assert (code, out) == (2, "") and "cannot write" in err and "Traceback" not in err
    code, _, err = command("show", nobody / "hidden.json")
    assert code == 4 and "cannot read" in err and "Permission denied" in err
    assert sorted(file.name for file in nobody.iterdir()) == ["hidden.json", "mine.json", "t.json"]
    assert (nobody / "mine.json").read_text() == "mine"


# Surroundings


@pytest.mark.slow
def test_no_home_no_locale_no_terminal_change_no_sentence(traced: Trace, tmp_path: Path) -> None:
    sentence = "café 日本"
    (tmp_path / "cache").mkdir(mode=0o555)
    batch = structs.replace(traced.input, texts=[sentence, sentence])
    structs.replace(traced, input=batch).save(tmp_path / "t.json")
    bare = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "COLUMNS": "0"}
    plain = {"HOME": "/nonexistent", "TERM": "dumb", "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(tmp_path / "cache")}
    saved = str(tmp_path / "t.json")
    for arguments, settings, shown in (
        (["tokens", sentence, "--pair", sentence], plain, rb"caf\xe9 \u65e5\u672c"),
        (["show", saved], {"HOME": ""}, rb"caf\xe9 \u65e5\u672c"),
        (["tokens", "--trace", saved], {"PYTHONIOENCODING": "latin-1"}, b"caf\xe9 " + rb"\u65e5\u672c"),
    ):
        command = [sys.executable, "-m", "bert_inspect", *arguments]
        done = subprocess.run(command, capture_output=True, env={**bare, **settings}, check=True)
        assert shown in done.stdout and done.stderr == b""
        assert "PYTHONIOENCODING" in settings or done.stdout.isascii()


@pytest.mark.slow
@pytest.mark.parametrize("columns", ["1", "20", "0", "-5", "wide", "9" * 40, "٣"])
def test_any_width_will_do(command: Command, saved: Path, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    _, unbound, _ = command("show", saved, "--stats", "--values")
    monkeypatch.setenv("COLUMNS", columns)
    for arguments in (["show", saved, "--stats", "--values"], ["tokens", "--trace", saved]):
        code, out, err = command(*arguments)
        assert (code, err) == (0, "")
        if columns in ("1", "20"):
            assert max(map(len, out.splitlines())) <= 20
        elif arguments[0] == "show":
            assert out == unbound


def test_no_line_ends_in_spaces(command: Command, saved: Path) -> None:
    for arguments in (["show", saved], ["show", saved, "--stats"], ["tokens", "cats"], ["model", "bert-tiny"]):
        code, out, _ = command(*arguments)
        assert code == 0 and [line for line in out.splitlines() if line.endswith(" ")] == []


def test_colour_is_as_asked_for(command: Command, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value, option, coloured in (
        ("NO_COLOR", "1", "auto", False),
        ("FORCE_COLOR", "1", "auto", True),
        ("FORCE_COLOR", "1", "never", False),
        ("TERM", "dumb", "auto", False),
        ("NO_COLOR", "1", "always", True),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            code, out, _ = command("show", saved, "--color", option)
            assert code == 0 and ("\x1b[" in out) == coloured, (name, value, option)


def test_a_folder_that_is_gone_is_told(
    command: Command, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for arguments in (["run", "x"], ["tokens", "x"], ["model"]):
        code, out, err = command(*arguments)
        assert (code, out) == (2, "") and "the current folder no longer exists" in err
    assert command("show", saved, "-o", "t.json")[0] == 2
    assert command("show", "t.json")[0] == 4
    assert command("show", saved)[0] == 0
