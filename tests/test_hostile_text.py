"""Text that would move the cursor, set the clipboard, hide or reorder what stands beside it: shown, never sent."""

import json
import re
import shutil
import subprocess
import sys
import tracemalloc
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import TEXTS

from bert_inspect import Trace
from bert_inspect.terminal import prepare_streams

Command = Callable[..., tuple[int, str, str]]

HOSTILE = [
    "[unused1] [/s] [bold red]x[/] [link=file:///etc/passwd]y[/link]",
    "\x1b[31mred\x1b[2J\x1b[1;1H\x1b]0;title\x07",
    "\x1b]8;;http://x\x1b\\click\x1b]8;;\x1b\\",
    "\x1b]52;c;cm0gLXJm\x07 \x90q\x9c \x9b31m",
    "\u202eabc\u2066d\u2069 a\u200eb\u061c",
    "a\x00b\rc\x08d\x7fe\tf",
    "one\u2028two\u2029three\x85four\x0cfive\x0bsix",
    "e" + "\u0301" * 5000,
    "zero\u200bwidth\u2060\ufeff\u00ad\U000e0041\U000e007f",
    "日本語 🐈‍⬛ 👩‍👩‍👧‍👦 🏳️‍🌈 שלום مرحبا",
    "[MASK] [SEP] [CLS] [PAD] ##ing",
    '"quotes" \\u001b <script>alert(1)</script> & %s {0} $(id)',
    "   ",
]
LONE = "\ud83d lone \udcff"
NAME = "\x1b]8;;x\x07\u202e[bold]\x9b1m"
LABEL = "\x1b[31mA\u202e\x00[red]\x9b\n\r[/s]"


def raw(text: str) -> set[str]:
    """The characters of an output that a terminal would act on."""
    return {
        sign for sign in set(text) if sign != "\n" and unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp", "Cs")
    } - {
        "\u200c",  # which joins
        "\u200d",
    }


@pytest.fixture(scope="module")
def hostile(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint whose folder's name and labels are hostile."""
    folder = tmp_path_factory.mktemp("hostile") / NAME
    shutil.copytree(checkpoint, folder)
    config = json.loads((folder / "config.json").read_text())
    config.update(id2label={"0": LABEL, "1": LABEL}, label2id={LABEL: 0})
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.slow
def test_every_command_shows_hostile_text_and_sends_none(command: Command, hostile: Path, tmp_path: Path) -> None:
    saved, tensors = tmp_path / f"{NAME}.json", tmp_path / f"{NAME}.safetensors"
    lines = tmp_path / f"{NAME}.txt"
    lines.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(HOSTILE).encode())
    batch, few = ["--model", str(hostile), "--truncate"], ["--module", "bert.pooler.**", "--verbose"]
    outputs = {}
    for arguments in (
        ["run", *HOSTILE, *batch, "--pair", HOSTILE[1], "-o", saved, "--tensors", tensors, "--values", *few],
        ["run", *HOSTILE, *batch, "--json", *few],
        ["run", "--input", lines, *batch, "--json", *few],
        ["show", saved, "--values", "--stats", "--axes"],
        ["show", saved, "--json"],
        ["explain", *HOSTILE, *batch, "--split", "--all"],
        ["explain", *HOSTILE, *batch, "--words", "--check"],
        ["explain", *HOSTILE, *batch, "--by", "component", "--json"],
        ["explain", *HOSTILE, *batch, "--by", "layer"],
        ["explain", "--input", lines, *batch, "--json"],
        ["cell", "logits", *HOSTILE, *batch, "--depth", "1"],
        ["cell", "attention scores", *HOSTILE, *batch, "--at", "key=[CLS]"],
        ["cell", "probabilities", *HOSTILE, *batch, "--json"],
        ["tokens", *HOSTILE, *batch],
        ["tokens", *HOSTILE, *batch, "--json"],
        ["tokens", "--trace", saved],
        ["model", hostile],
        ["model", hostile, "--json"],
    ):
        code, out, err = command(*arguments)
        assert code == 0, err
        assert not raw(out) | raw(err), arguments
        outputs[arguments[0], "--json" in arguments, "--input" in arguments] = out
    assert "[unused1] [/s]" in outputs["tokens", False, False] and r"\x1b[31mred" in outputs["tokens", False, False]
    assert r"\x1b[31mA\u202e\x00[red]" in outputs["show", False, False]
    exported = json.loads(outputs["run", True, False])
    assert exported["input"]["texts"] == HOSTILE  # what is escaped on the way is the same when it is read
    assert exported["output"]["predictions"][0]["label"] == LABEL
    assert exported["model"]["name"] == NAME
    many = [Trace.from_json(line.encode()) for line in outputs["run", True, True].splitlines()]
    texts = {number: text for trace in many for number, text in zip(trace.input.lines, trace.input.texts, strict=True)}
    # A line ends in a newline and in nothing else; the tree's own lines do too.
    assert texts == {number: text for number, text in enumerate(HOSTILE, start=1) if text.strip()}


def test_colour_is_all_that_is_sent(command: Command, hostile: Path) -> None:
    code, out, _ = command("run", *HOSTILE, "--model", hostile, "--truncate", "--color", "always")
    assert code == 0 and "\x1b[" in out and not raw(re.sub(r"\x1b\[[0-9;]*m", "", out))
    assert not re.search(r"\x1b\[[0-9;]*31[;m]", out.split("prediction")[0])  # no red of the sentences' own


def test_a_flood_of_accents_stays_on_its_line(command: Command) -> None:
    code, out, _ = command("tokens", "e" + "\u0301" * 5000)
    assert code == 0 and not re.search("\u0301{9}", out) and r"\u0301" in out
    code, out, _ = command("tokens", "e" + "\u0301" * 3 + " ñ")
    assert "e" + "\u0301" * 3 in out and "\\u0301" not in out  # so many are writing


WRONG = [
    ["run", LONE],
    ["tokens", "x", "--pair", LONE],
    ["run", "x", "--layer", NAME],
    ["run", "x", "--module", NAME, "--model", "{model}"],
    ["run", "x", "--model", NAME],
    ["run", "x", "--model", f"./{NAME}/a/b"],
    ["run", "x", "--model", "a\0b"],
    ["run", "x", "--labels", NAME],
    ["run", "x", "--device", NAME, "--model", "{model}"],
    ["run", "x", "--attention", NAME],
    ["run", "x", "--max-length", NAME],
    ["run", "x", f"--{NAME}"],
    ["run", "x", "-o", f"/nowhere/{NAME}"],
    ["run", "x", "--tensors", "a\0b"],
    ["run", "--input", NAME, "--json"],
    ["run", "--input", "a\0b", "--json"],
    ["show", NAME],
    ["show", "a\0b"],
    ["show", LONE],
    ["tokens", "--trace", NAME],
    ["explain", "x", "--target", NAME, "--model", "{model}"],
    ["explain", "x", "--target", "0", "--against", NAME, "--model", "{model}"],
    ["explain", "--input", NAME, "--json", "--model", "{model}"],
    ["cell", NAME, "x", "--model", "{model}"],
    ["cell", "logits", "x", "--at", f"{NAME}=1", "--model", "{model}"],
    ["cell", "logits", "x", "--at", f"label={NAME}", "--model", "{model}"],
    ["cell", "attention scores", "x", "--at", f"query={NAME}", "--model", "{model}"],
    ["cell", "attention scores", "x", "--at", "query=" + "1" * 100_000, "--model", "{model}"],
    ["cell", "x:" * 30_000, "x", "--model", "{model}"],
    ["cell", NAME, "--trace", NAME],
    ["schema", NAME],
    ["model", NAME],
    ["model", LONE],
    [NAME],
    ["run", "x", "--layer", "1" * 100_000],
    ["run", "x", "--layer", "0-999999"],
    ["run", "x", "--module", "**." * 30_000 + "x", "--model", "{model}"],
    ["run", "x", "--labels", "1," * 50_000],
    ["run", "x", "--model", "x" * 100_000],
    ["show", "x" * 100_000],
]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", WRONG, ids=[ascii(" ".join(row))[:40] for row in WRONG])
def test_an_error_that_quotes_hostile_text_is_short_and_safe(
    command: Command, checkpoint: Path, arguments: list[str]
) -> None:
    code, out, err = command(*[argument.replace("{model}", str(checkpoint)) for argument in arguments])
    assert code in (2, 3, 4) and out == "" and not raw(err)
    told = [line[:5] for line in err.splitlines() if not line.endswith(" ...")]  # a slow machine says what it waits for
    assert told in (["error"], ["error", "hint:"]) and len(err) < 2500


def test_a_traceback_is_safe_too() -> None:
    command = [sys.executable, "-m", "bert_inspect", "show", NAME, "--debug"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4 and done.stdout == "" and not raw(done.stderr)
    assert "Traceback" in done.stderr and r"TraceFileError: there is no file \x1b]8;;x" in done.stderr


LONG = {
    "words": b"a b c d e " * 1_000_000,
    "one word": b"x" * 10_000_000,
    "accents": "e\u0301".encode() * 3_000_000,
    "without end": b"x\n" * 11_000_000,
}


@pytest.mark.parametrize("kind", LONG)
@pytest.mark.parametrize("name", ["run", "tokens", "--input"])
def test_ten_megabytes_are_refused_at_once(command: Command, tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / "s.txt").write_bytes(LONG[kind] if kind != "without end" else b"x" * 10_000_000)
    arguments = ["run", "--json", "--input", tmp_path / "s.txt"] if name == "--input" else [name, "--truncate"]
    tracemalloc.start()
    try:
        code, out, err = command(*arguments, stdin=LONG[kind])
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (code, out) == (2, "") and len(err) < 300
    assert "has more than 1,000,000 characters" in err or "stdin holds more than 20,000,000 bytes" in err
    assert most < 100_000_000


def test_a_hundred_thousand_characters_are_cut_visibly(command: Command, checkpoint: Path) -> None:
    long = "cats " * 20_000
    code, out, err = command("run", "--model", checkpoint, "--truncate", stdin=long.encode())
    assert (
        code == 0
        and "(99,800 more characters)" in " ".join(out.split())
        and "tokens cut from its end to keep to 64" in err
    )
    assert max(len(out), len(err)) < 60_000
    code, out, _ = command("run", "--model", checkpoint, "--truncate", "--json", stdin=long.encode())
    assert code == 0 and json.loads(out)["input"]["texts"] == [long]


STDIN = [
    (b"\n" * 100_000, 2, "there is no sentence on stdin"),
    (b"\xef\xbb\xbf\r\n \t\r\n", 2, "there is no sentence on stdin"),
    (b"fine\ncaf\xe9\n", 2, "line 2 on stdin is not valid UTF-8"),
    (b"\xff\xfeh\x00i\x00", 2, "line 1 on stdin is not valid UTF-8"),
    (b"\xed\xa0\x80", 2, "line 1 on stdin is not valid UTF-8"),
    (b"\x00" * 1000, 0, ""),
]


@pytest.mark.parametrize(("data", "expected", "message"), STDIN, ids=range(len(STDIN)))
def test_whatever_comes_on_stdin(command: Command, data: bytes, expected: int, message: str) -> None:
    code, out, err = command("tokens", stdin=data)
    assert code == expected and message in err and not raw(out + err) and len(err) < 300


@pytest.mark.slow
def test_many_sentences_are_shown_in_part_and_exported_whole(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bert_inspect.render.tokens.ROWS", 20)
    code, out, _ = command("tokens", "x " * 30, "y", "y")
    assert code == 0 and "... 12 more tokens" in out and out.splitlines()[-1].startswith("... 2 more sentences")
    code, out, _ = command("tokens", "--json", stdin=b"x\n" * 5000)
    assert code == 0 and len(json.loads(out)["texts"]) == 5000


def test_a_trace_is_safe_in_an_interpreter_and_a_notebook(command: Command, hostile: Path, tmp_path: Path) -> None:
    code, _, err = command("run", *TEXTS, HOSTILE[11], "--model", hostile, "-o", tmp_path / "t.json")
    assert code == 0, err
    trace = Trace.load(tmp_path / "t.json")
    shown = trace._repr_mimebundle_()
    assert not raw(repr(trace)) | raw(shown["text/plain"]) | raw(shown["text/html"])
    assert "<script" not in shown["text/html"] and "&lt;script&gt;" in shown["text/html"]
    prepare_streams()
