"""`diagram` from the outside: every format, every component, with and without a model, and wrong words."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from helpers import TEXTS

from bert_inspect import Trace

Command = Callable[..., tuple[int, str, str]]

COMPONENTS = [
    "tokenizer",
    "embeddings",
    "attention.self",
    "attention.output",
    "attention",
    "intermediate",
    "BertOutput",
]
COMPONENTS += ["layer.0", "encoder", "pooler", "bert", ""]
"""The tutorial's twelve figures, by what one would call them."""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, traced: Trace) -> Path:
    file = tmp_path_factory.mktemp("traces") / "trace.json"
    traced.save(file)
    return file


@pytest.mark.parametrize("name", ["a.svg", "a.SVG", "a.png", "a.mmd", "a.dot", "a.gv"])
def test_the_file_s_name_decides_the_format(name: str, command: Command, saved: Path, tmp_path: Path) -> None:
    code, out, err = command("diagram", "--trace", saved, "--module", "pooler", "-o", tmp_path / name)
    assert (code, out) == (0, "") and f"written to {tmp_path / name}" in err
    start = (tmp_path / name).read_bytes()[:8]
    kinds = {
        ".svg": b"<svg xml",
        ".png": b"\x89PNG\r\n\x1a\n",
        ".mmd": b"%% BertF",
        ".dot": b"digraph ",
        ".gv": b"digraph ",
    }
    assert start == kinds[Path(name).suffix.lower()]


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_figure_of_the_tutorial_is_drawn(component: str, command: Command, saved: Path, tmp_path: Path) -> None:
    code, out, _ = command("diagram", "--trace", saved, "--module", component)
    assert code == 0 and ("[2, 9" in out or "[2, 32]" in out)
    code, _, _ = command("diagram", "--trace", saved, "--module", component, "-o", tmp_path / "a.svg")
    assert code == 0 and ElementTree.parse(tmp_path / "a.svg").getroot() is not None


def test_a_run_needs_no_weights(command: Command, tmp_path: Path) -> None:
    code, out, _ = command("diagram", *TEXTS, "--labels", "1,0", "--model", "bert-base-cased")
    assert code == 0 and "layers 0 to 11  × 12" in out and "[2, 9, 768]" in out and "loss" in out
    lines = out.splitlines()
    assert "logits" in lines[0] and "I love cats!" in lines[-1]
    down = command("diagram", *TEXTS, "--labels", "1,0", "--direction", "down")[1].splitlines()
    assert "I love cats!" in down[0] and len(down) == len(lines)


def test_a_checkpoint_and_a_trace_give_the_same_picture(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    assert command("run", *TEXTS, "--model", checkpoint, "-o", tmp_path / "t.json")[0] == 0
    options = ("--model", checkpoint, "--no-fold", "--module", "encoder")
    direct = command("diagram", *TEXTS, *options)[1]
    assert direct == command("diagram", "--trace", tmp_path / "t.json", "--no-fold", "--module", "encoder")[1]
    assert "layer 0" in direct and "layer 1" in direct and "layers" not in direct


def test_depth_closes_modules(command: Command, saved: Path) -> None:
    sizes = [len(command("diagram", "--trace", saved, "--depth", str(depth))[1].splitlines()) for depth in range(7)]
    assert sizes == sorted(sizes) and sizes[0] < sizes[2] < sizes[6]


def test_wrong_words_are_answered(command: Command, saved: Path, tmp_path: Path) -> None:
    for arguments, hint in (
        (["-o", str(tmp_path / "a.jpg")], ".svg, .png, .mmd, .dot, .gv"),
        (["-o", str(tmp_path / "none" / "a.svg")], "make the folder first"),
        (["--module", "poolr"], "did you mean"),
        (["--module", "attention.self.dropout"], "'not_called'"),
    ):
        code, out, err = command("diagram", "--trace", saved, *arguments)
        assert (code, out) == (2, "") and hint in err
    assert not list(tmp_path.iterdir())
    assert command("diagram", "text", "--trace", saved)[0] == 2


def test_a_big_mermaid_file_is_told_about(command: Command, tmp_path: Path) -> None:
    code, _, err = command("diagram", "x", "--model", "bert-large-cased", "--no-fold", "-o", tmp_path / "a.mmd")
    assert code == 0 and "maxEdges" in err


def test_all_figures_are_written_into_a_folder(command: Command, saved: Path, tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    code, out, err = command("diagram", "--trace", saved, "--all", "-o", f"{folder}/")
    assert (code, out) == (0, "") and "12 pictures" in err and "index.html" in err
    names = sorted(file.name for file in folder.iterdir())
    assert len(names) == 13 and names[0] == "01-tokenizer.svg" and names[-1] == "index.html"
    assert all(ElementTree.parse(folder / name).getroot() is not None for name in names[:-1])
    (folder / "mine.txt").write_text("mine")
    assert command("diagram", "--trace", saved, "--all", "-o", folder, "--no-fold", "--direction", "down")[0] == 0
    assert sorted(file.name for file in folder.iterdir()) == sorted([*names, "mine.txt"])


def test_figures_that_cannot_be_written_leave_nothing(
    command: Command, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("mine")
    for arguments, hint in (
        ([], "-o FOLDER/"),
        (["-o", str(tmp_path / "a.svg")], "-o FOLDER/"),
        (["-o", str(tmp_path / "file")], "-o FOLDER/"),
        (["-o", str(tmp_path / "none" / "figures")], "make the folder first"),
        (["-o", str(tmp_path / "figures"), "--module", "pooler"], "leave --module out"),
        (["-o", str(tmp_path / "figures"), "--depth", "2"], "leave --depth out"),
    ):
        code, out, err = command("diagram", "--trace", saved, "--all", *arguments)
        assert (code, out) == (2, "") and hint in err
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "12-complete.svg").write_text("before")
    monkeypatch.setattr("os.urandom", _fails_after(5))
    for folder in ("figures", "there"):
        assert command("diagram", "--trace", saved, "--all", "-o", tmp_path / folder)[0] == 2
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "there"]
    assert [(file.name, file.read_text()) for file in (tmp_path / "there").iterdir()] == [("12-complete.svg", "before")]


def _fails_after(count: int) -> Callable[[int], bytes]:
    """What names temporary files, until the disk is full."""
    made = 0

    def name(size: int) -> bytes:
        nonlocal made
        made += 1
        if made % (count + 1) == 0:
            raise OSError(28, "No space left on device")
        return made.to_bytes(size, "big")

    return name
